// SPDX-License-Identifier: Apache-2.0

import Crypto
package import DocumentModel
package import WireProtocol

/// Why a pass is not honoured.
package enum PassRefusal: Error, Hashable, Sendable {
  case otherNetwork
  /// It belongs to another peer than the one that shows it.
  case otherPeer
  case expired
  /// It is valid for longer than any pass: its index had a wrong clock.
  case tooLong
  /// The signature is not of the index, or not over these bytes.
  case forged
}

/// The public key of an index, which checks passes.
package struct NetworkKey: Sendable {
  /// The id of the index.
  package let network: PeerID
  /// The DER SubjectPublicKeyInfo.
  package let bytes: [UInt8]
  private let key: P256.Signing.PublicKey

  /// - Returns: `nil` if the bytes are not the DER SubjectPublicKeyInfo of a P-256 key as its id is made of it.
  package init?(_ bytes: [UInt8]) {
    guard let key = try? P256.Signing.PublicKey(derRepresentation: bytes), key.derRepresentation.elementsEqual(bytes),
      let digest = DocumentModel.Digest(bytes: SHA256.hash(data: bytes))
    else { return nil }
    network = PeerID(digest: digest)
    self.bytes = bytes
    self.key = key
  }

  /// Seconds by which the time of the index, as last heard, may lag behind the index: the answer that told it was under way.
  private static let lag: Int64 = 60

  /// Judges a pass; the signature last, because it costs most.
  ///
  /// - Parameters:
  ///   - peer: the one that shows it, as its certificate proves.
  ///   - now: by the clock of the index.
  ///   - grace: seconds for which a pass is honoured after its end, because the index cannot be reached.
  package func check(
    _ signed: SignedPass, of peer: PeerID, at now: Timestamp, grace: Int64 = 0
  ) throws(PassRefusal) {
    let pass = signed.pass
    guard pass.network == network else { throw .otherNetwork }
    guard pass.peer == peer else { throw .otherPeer }
    try checkTime(of: pass, at: now, grace: grace)
    guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signed.signature),
      key.isValidSignature(signature, for: signed.signedBytes)
    else { throw .forged }
  }

  /// Judges the time of a pass whose signature is known to be right.
  package func checkTime(of pass: Pass, at now: Timestamp, grace: Int64 = 0) throws(PassRefusal) {
    guard now.seconds < pass.expires.seconds + grace else { throw .expired }
    guard pass.expires.seconds - now.seconds <= Pass.lifetime + Self.lag else { throw .tooLong }
  }
}

extension PassRefusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .otherNetwork: "the pass is of another network"
    case .otherPeer: "the pass belongs to another peer"
    case .expired: "the pass has expired"
    case .tooLong: "the pass is valid for too long: the clock of its index was wrong"
    case .forged: "the signature of the pass is wrong"
    }
  }
}
