// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON

/// What an index states about a member for other members: who it is and what it may do, until when.
package struct Pass: WireMessage, Hashable {
  /// The id of the index.
  package let network: PeerID
  package let peer: PeerID
  package let role: MemberRole
  package let expires: Timestamp

  package init(network: PeerID, peer: PeerID, role: MemberRole, expires: Timestamp) {
    self.network = network
    self.peer = peer
    self.role = role
    self.expires = expires
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    network = try fields.peerID("network")
    peer = try fields.peerID("peer")
    role = try fields.word("role")
    expires = try fields.timestamp("expires")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("network", network)
    fields.member("peer", peer)
    fields.member("role", role.rawValue)
    fields.member("expires", expires)
  }

  /// The bytes that an index signs and sends.
  package var payload: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    write(to: &writer)
    writer.endObject()
    return writer.bytes
  }
}

/// A pass with its signature, as it travels: base64url of the payload, a dot, base64url of the signature.
///
/// Reading one checks its form only: `NetworkKey` of NetworkMembership checks the signature.
package struct SignedPass: Hashable, Sendable {
  /// Of the whole text in bytes.
  package static let maxLength = 1024
  /// r and s of ECDSA with P-256, 32 bytes each.
  package static let signatureLength = 64
  /// Precedes the payload in what is signed, so that no signature of another purpose is one of a pass.
  package static let domain = Array("p2p-pass-v1\n".utf8)

  package let text: String
  package let pass: Pass
  package let signature: [UInt8]
  private let payload: [UInt8]

  /// What the signature is over: the payload as it was received.
  package var signedBytes: [UInt8] { Self.domain + payload }

  package init(_ pass: Pass, signature: [UInt8]) {
    let payload = pass.payload
    self.pass = pass
    self.payload = payload
    self.signature = signature
    text = "\(Base64URL.encode(payload)).\(Base64URL.encode(signature))"
  }

  /// Reads a pass. Its payload may have members that this version does not know.
  package init(_ text: String) throws(InvalidValue) {
    guard text.utf8.count <= Self.maxLength else { throw InvalidValue("a pass has at most \(Self.maxLength) bytes") }
    let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 2, let payload = Base64URL.decode(parts[0]), let signature = Base64URL.decode(parts[1]),
      signature.count == Self.signatureLength
    else { throw InvalidValue("a pass is base64url of a payload, a dot, and base64url of 64 bytes") }
    var reader = JSONReader(maximumDepth: 4)
    do {
      pass = try reader.read(payload) { try Pass($0) }
    } catch let failure as WireFailure {
      throw InvalidValue("the payload of the pass: \(failure.message)")
    } catch {
      throw InvalidValue("the payload of the pass is not a line of JSON")
    }
    self.text = text
    self.payload = payload
    self.signature = signature
  }
}

extension SignedPass: CustomStringConvertible, CustomReflectable {
  /// Without the signature: whoever has it as well could not use it, but logs need not have it.
  package var description: String { "pass of \(pass.peer.hex.prefix(8)) as \(pass.role.rawValue)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension FieldReader {
  package func optionalPass(_ name: StaticString) throws(WireFailure) -> SignedPass? {
    guard let text = try optionalString(name) else { return nil }
    do throws(InvalidValue) {
      return try SignedPass(text)
    } catch {
      throw .badRequest("\(name): \(error.reason)")
    }
  }
}
