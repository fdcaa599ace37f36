// SPDX-License-Identifier: Apache-2.0

/// Base64 with the alphabet that is safe in URLs and without padding: RFC 4648 section 5.
enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text = [UInt8]()
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    var (bits, bitCount): (UInt32, UInt32) = (0, 0)
    for byte in bytes {
      bits = (bits & 0x3F) << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        text.append(alphabet[Int(bits >> bitCount & 0x3F)])
      }
    }
    if bitCount > 0 { text.append(alphabet[Int(bits << (6 - bitCount) & 0x3F)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// `nil` for other characters, an impossible length, or spare bits that are not zero: each text has one reading, each
  /// value one text.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes = [UInt8]()
    var (bits, bitCount): (UInt32, UInt32) = (0, 0)
    for digit in text.utf8 {
      guard let value = value(of: digit) else { return nil }
      bits = bits << 6 & 0x3FFF | value
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
      }
    }
    guard bitCount < 6, bits & ((1 << bitCount) - 1) == 0 else { return nil }
    return bytes
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case 0x41...0x5A: UInt32(digit) - 0x41
    case 0x61...0x7A: UInt32(digit) - 0x61 + 26
    case 0x30...0x39: UInt32(digit) - 0x30 + 52
    case 0x2D: 62
    case 0x5F: 63
    default: nil
    }
  }
}
