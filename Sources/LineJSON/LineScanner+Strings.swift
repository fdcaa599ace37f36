// SPDX-License-Identifier: Apache-2.0

extension LineScanner {
  /// A string, from its quotation mark on.
  mutating func scanString() throws(JSONSyntaxError) {
    offset &+= 1
    let start = offset
    var hasEscapes = false
    while true {
      offset = StringRun.end(in: bytes, from: offset, to: end, passingNonASCII: false)
      guard offset < end else { throw error(.unexpectedEnd) }
      switch bytes[offset] {
      case UInt8(ascii: "\""):
        tape.append(
          JSONToken(kind: .string, start: start, end: offset, next: tape.count &+ 1, hasEscapes: hasEscapes))
        offset &+= 1
        return
      case UInt8(ascii: "\\"):
        hasEscapes = true
        try scanEscape()
      case 0x80...0xFF:
        try scanNonASCII()
      case 0:
        throw error(.nulCharacter)
      default:
        throw error(.controlCharacter)
      }
    }
  }

  private mutating func scanNonASCII() throws(JSONSyntaxError) {
    repeat {
      let length = UTF8Sequence.length(in: bytes, at: offset, to: end)
      guard length > 0 else { throw error(.invalidUTF8) }
      offset &+= length
    } while offset < end && bytes[offset] >= 0x80
  }

  private mutating func scanEscape() throws(JSONSyntaxError) {
    guard end &- offset >= 2 else { throw error(.unexpectedEnd) }
    switch bytes[offset &+ 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      offset &+= 2
    case UInt8(ascii: "u"):
      try scanUnicodeEscape()
    default:
      throw error(.invalidEscape)
    }
  }

  private mutating func scanUnicodeEscape() throws(JSONSyntaxError) {
    guard let unit = StringEscapes.codeUnit(in: bytes, at: offset, to: end) else { throw error(.invalidEscape) }
    switch unit {
    case 0:
      throw error(.nulCharacter)
    case 0xD800...0xDBFF:
      guard let low = StringEscapes.codeUnit(in: bytes, at: offset &+ 6, to: end), 0xDC00...0xDFFF ~= low else {
        throw error(.unpairedSurrogate)
      }
      offset &+= 12
    case 0xDC00...0xDFFF:
      throw error(.unpairedSurrogate)
    default:
      offset &+= 6
    }
  }
}

/// The escapes of RFC 8259 section 7.
enum StringEscapes {
  /// The code unit of the `\uXXXX` at `offset`; `nil` if there is none before `end`.
  static func codeUnit(in bytes: UnsafePointer<UInt8>, at offset: Int, to end: Int) -> UInt16? {
    guard end &- offset >= 6, bytes[offset] == UInt8(ascii: "\\"), bytes[offset &+ 1] == UInt8(ascii: "u") else {
      return nil
    }
    var unit: UInt16 = 0
    for index in 2..<6 {
      guard let digit = hexDigit(bytes[offset &+ index]) else { return nil }
      unit = unit << 4 | digit
    }
    return unit
  }

  /// The UTF-8 of a string that a scanner has accepted.
  static func unescaped(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(end - start)
    var offset = start
    while offset < end {
      let run = offset
      while offset < end, bytes[offset] != UInt8(ascii: "\\") { offset &+= 1 }
      result.append(contentsOf: UnsafeBufferPointer(start: bytes + run, count: offset - run))
      if offset < end { offset += appendEscape(in: bytes, at: offset, to: end, &result) }
    }
    return result
  }

  /// Returns the length of the escape in bytes.
  private static func appendEscape(
    in bytes: UnsafePointer<UInt8>, at offset: Int, to end: Int, _ result: inout [UInt8]
  ) -> Int {
    guard end - offset >= 2 else { return 1 }
    switch bytes[offset + 1] {
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"): return appendUnicodeEscape(in: bytes, at: offset, to: end, &result)
    case let byte: result.append(byte)
    }
    return 2
  }

  private static func appendUnicodeEscape(
    in bytes: UnsafePointer<UInt8>, at offset: Int, to end: Int, _ result: inout [UInt8]
  ) -> Int {
    guard let unit = codeUnit(in: bytes, at: offset, to: end) else { return 2 }
    if let scalar = Unicode.Scalar(unit) {
      append(scalar, &result)
      return 6
    }
    let low = codeUnit(in: bytes, at: offset + 6, to: end) ?? 0xDC00
    let value = 0x1_0000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))
    append(Unicode.Scalar(value) ?? "\u{FFFD}", &result)
    return 12
  }

  private static func append(_ scalar: Unicode.Scalar, _ result: inout [UInt8]) {
    result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  @inline(__always)
  private static func hexDigit(_ byte: UInt8) -> UInt16? {
    switch byte {
    case 0x30...0x39: UInt16(byte &- 0x30)
    case 0x41...0x46: UInt16(byte &- 0x37)
    case 0x61...0x66: UInt16(byte &- 0x57)
    default: nil
    }
  }
}
