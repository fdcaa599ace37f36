// SPDX-License-Identifier: Apache-2.0

extension LineScanner {
  /// A number, from its sign or first digit on (RFC 8259 section 6).
  mutating func scanNumber() throws(JSONSyntaxError) {
    let start = offset
    if bytes[offset] == UInt8(ascii: "-") { offset &+= 1 }
    let integerDigits = try scanIntegerDigits()
    if offset < end, bytes[offset] == UInt8(ascii: ".") || bytes[offset] | 0x20 == UInt8(ascii: "e") {
      try scanFractionAndExponent()
      guard NumberText.isFinite(bytes, from: start, to: offset, integerDigits: integerDigits) else {
        offset = start
        throw error(.numberOutOfRange)
      }
      append(.real, from: start)
      return
    }
    // 18 digits fit whatever they are.
    if integerDigits > 18, NumberText.integer(bytes, from: start, to: offset) == nil {
      offset = start
      throw error(.numberOutOfRange)
    }
    append(.integer, from: start)
  }

  private mutating func scanIntegerDigits() throws(JSONSyntaxError) -> Int {
    let first = offset
    let digits = skipDigits()
    guard digits > 0 else { throw error(offset < end ? .invalidNumber : .unexpectedEnd) }
    guard digits == 1 || bytes[first] != UInt8(ascii: "0") else { throw error(.invalidNumber) }
    return digits
  }

  private mutating func scanFractionAndExponent() throws(JSONSyntaxError) {
    if bytes[offset] == UInt8(ascii: ".") {
      offset &+= 1
      guard skipDigits() > 0 else { throw error(offset < end ? .invalidNumber : .unexpectedEnd) }
    }
    guard offset < end, bytes[offset] | 0x20 == UInt8(ascii: "e") else { return }
    offset &+= 1
    if offset < end, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset &+= 1 }
    guard skipDigits() > 0 else { throw error(offset < end ? .invalidNumber : .unexpectedEnd) }
  }

  @inline(__always)
  private mutating func skipDigits() -> Int {
    let first = offset
    while offset < end, bytes[offset] &- 0x30 < 10 { offset &+= 1 }
    return offset &- first
  }
}
