// SPDX-License-Identifier: Apache-2.0

import Crypto
package import DocumentModel

/// What a process shows in the handshake of TLS: a self-signed X.509 certificate of its key (RFC 5280, RFC 5480). Only the
/// key in it counts; names and dates are the same for ever, and nobody checks them.
extension PeerIdentity {
  /// Makes the certificate, as DER.
  /// - Throws: if the system has no randomness to sign with.
  package func certificate() throws -> [UInt8] {
    let signed = DER.sequence(
      DER.tagged(0, DER.integer(2)), DER.integer(1), DER.ecdsaWithSHA256, name,
      DER.sequence(DER.string(.utcTime, "200101000000Z"), DER.string(.generalizedTime, "99991231235959Z")), name,
      publicKey)
    let signature = try key.signature(for: signed).derRepresentation
    return DER.sequence(signed, DER.ecdsaWithSHA256, DER.element(.bitString, [0] + Array(signature)))
  }

  /// The private key as PKCS #8 in DER. A secret.
  package var privateKey: [UInt8] { Array(key.derRepresentation) }

  /// The id as the common name, for people who look at a certificate. It has the 64 characters that are allowed.
  private var name: [UInt8] {
    DER.sequence(DER.element(.set, DER.sequence(DER.commonName, DER.string(.utf8String, id.hex))))
  }
}

extension PeerID {
  /// The id of the peer that has this key.
  /// - Parameter publicKey: a DER SubjectPublicKeyInfo.
  /// - Returns: `nil` unless it is an uncompressed P-256 key, which has one encoding only.
  package init?(publicKey: [UInt8]) {
    guard CertificateReader.isKey(publicKey), let digest = DocumentModel.Digest(bytes: SHA256.hash(data: publicKey))
    else { return nil }
    self.init(digest: digest)
  }

  /// The id that a certificate claims: that of the key in it, which whoever shows it has yet to prove.
  /// - Returns: `nil` for anything but strict DER (RFC 5280 section 4.1) with an uncompressed P-256 key.
  package init?(certificate der: [UInt8]) {
    guard let key = CertificateReader.publicKey(in: der) else { return nil }
    self.init(publicKey: key)
  }
}

/// The few elements of DER (X.690) that a certificate needs.
private enum DER {
  typealias Tag = DERTag

  /// The algorithm ecdsa-with-SHA256: RFC 5758 section 3.2.
  static let ecdsaWithSHA256: [UInt8] = [
    0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02,
  ]
  /// The object identifier 2.5.4.3.
  static let commonName: [UInt8] = [0x06, 0x03, 0x55, 0x04, 0x03]

  static func element(_ tag: Tag, _ content: [UInt8]) -> [UInt8] { element(tag.rawValue, content) }

  static func sequence(_ elements: [UInt8]...) -> [UInt8] { element(.sequence, elements.flatMap { $0 }) }

  /// Context-specific and constructed.
  static func tagged(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { element(0xA0 | number, content) }

  static func integer(_ value: UInt8) -> [UInt8] { element(.integer, value < 0x80 ? [value] : [0, value]) }

  static func string(_ tag: Tag, _ text: String) -> [UInt8] { element(tag, Array(text.utf8)) }

  private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    let length: [UInt8] =
      switch count {
      case ..<0x80: [UInt8(truncatingIfNeeded: count)]
      case ..<0x100: [0x81, UInt8(truncatingIfNeeded: count)]
      default: [0x82, UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
      }
    return [tag] + length + content
  }
}
