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
