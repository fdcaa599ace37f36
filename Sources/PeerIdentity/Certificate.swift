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
  /// What precedes the 65 bytes of an uncompressed point of P-256 in a SubjectPublicKeyInfo.
  private static let header: [UInt8] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
  ]
  private static let keyLength = header.count + 64

  /// The id of the peer that has this key.
  /// - Parameter publicKey: a DER SubjectPublicKeyInfo.
  /// - Returns: `nil` unless it is an uncompressed P-256 key, which has one encoding only.
  package init?(publicKey: [UInt8]) {
    guard publicKey.count == Self.keyLength, publicKey.starts(with: Self.header),
      let digest = DocumentModel.Digest(bytes: SHA256.hash(data: publicKey))
    else { return nil }
    self.init(digest: digest)
  }
}

extension PeerID {
  /// The id that a certificate claims: that of the key in it, which whoever shows it has yet to prove. Read here, because the
  /// library of TLS ends the process where it cannot make a key of what it finds.
  /// - Returns: `nil` for anything but strict DER (RFC 5280 section 4.1) with an uncompressed P-256 key.
  package init?(certificate der: [UInt8]) {
    var outside = DERReader(der[...])
    guard var certificate = outside.next(.sequence).map(DERReader.init(inside:)), outside.isAtEnd,
      var signed = certificate.next(.sequence).map(DERReader.init(inside:))
    else { return nil }
    signed.skipTagged(0)
    // Serial number, algorithm, issuer, validity and subject.
    for tag in [DER.Tag.integer, .sequence, .sequence, .sequence, .sequence] where signed.next(tag) == nil {
      return nil
    }
    guard let key = signed.next(.sequence) else { return nil }
    self.init(publicKey: Array(key.whole))
  }
}

/// Reads elements of strict DER, one after the other: definite lengths in their shortest form, at most 64 KiB.
private struct DERReader {
  struct Element {
    let whole: ArraySlice<UInt8>
    let content: ArraySlice<UInt8>
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
  }

  init(inside element: Element) {
    rest = element.content
  }

  var isAtEnd: Bool { rest.isEmpty }

  /// The next element; `nil` unless it has this tag.
  mutating func next(_ tag: DER.Tag) -> Element? { next(tag.rawValue) }

  /// Passes a context-specific, constructed element, if it comes next.
  mutating func skipTagged(_ number: UInt8) {
    if rest.first == 0xA0 | number { _ = next(0xA0 | number) }
  }

  private mutating func next(_ tag: UInt8) -> Element? {
    guard rest.first == tag, let (header, length) = Self.length(rest.dropFirst().prefix(3)),
      rest.count - 1 - header >= length
    else { return nil }
    let whole = rest.prefix(1 + header + length)
    rest = rest.dropFirst(whole.count)
    return Element(whole: whole, content: whole.dropFirst(1 + header))
  }

  /// The bytes of a length, and its value.
  private static func length(_ bytes: ArraySlice<UInt8>) -> (header: Int, length: Int)? {
    let bytes = Array(bytes)
    switch bytes.first {
    case let short? where short < 0x80: return (1, Int(short))
    case 0x81 where bytes.count >= 2 && bytes[1] >= 0x80: return (2, Int(bytes[1]))
    case 0x82 where bytes.count == 3 && bytes[1] > 0: return (3, Int(bytes[1]) << 8 | Int(bytes[2]))
    default: return nil
    }
  }
}

/// The few elements of DER (X.690) that a certificate needs.
private enum DER {
  enum Tag: UInt8 {
    case integer = 0x02
    case bitString = 0x03
    case utf8String = 0x0C
    case utcTime = 0x17
    case generalizedTime = 0x18
    case sequence = 0x30
    case set = 0x31
  }

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
