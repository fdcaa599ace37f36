// SPDX-License-Identifier: Apache-2.0

/// Finds the key in a certificate. Of our own, because the library of TLS ends the process where it cannot make a key of what
/// it finds; imports nothing, so that it is fuzzed as it is.
enum CertificateReader {
  /// What precedes the 64 bytes of an uncompressed point of P-256 in a SubjectPublicKeyInfo.
  private static let header: [UInt8] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
  ]

  /// Whether this is a DER SubjectPublicKeyInfo with an uncompressed P-256 key. Whether its point is on the curve shows when
  /// it is used.
  static func isKey(_ bytes: [UInt8]) -> Bool {
    bytes.count == header.count + 64 && bytes.starts(with: header)
  }

  /// The SubjectPublicKeyInfo of a certificate.
  /// - Returns: `nil` for anything but strict DER (RFC 5280 section 4.1) with such a key.
  static func publicKey(in der: [UInt8]) -> [UInt8]? {
    var outside = DERReader(der[...])
    guard var certificate = outside.next(.sequence).map(DERReader.init(inside:)), outside.isAtEnd,
      var signed = certificate.next(.sequence).map(DERReader.init(inside:))
    else { return nil }
    signed.skipTagged(0)
    // Serial number, algorithm, issuer, validity and subject.
    for tag in [DERTag.integer, .sequence, .sequence, .sequence, .sequence] where signed.next(tag) == nil {
      return nil
    }
    guard let key = signed.next(.sequence).map({ Array($0.whole) }), isKey(key) else { return nil }
    return key
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
  mutating func next(_ tag: DERTag) -> Element? { next(tag.rawValue) }

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

enum DERTag: UInt8 {
  case integer = 0x02
  case bitString = 0x03
  case utf8String = 0x0C
  case utcTime = 0x17
  case generalizedTime = 0x18
  case sequence = 0x30
  case set = 0x31
}
