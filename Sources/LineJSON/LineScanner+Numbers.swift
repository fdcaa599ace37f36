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
    // 18 digits always fit.
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

/// The value of a number whose text the grammar allows.
enum NumberText {
  /// `nil` if it does not fit 64 bits.
  static func integer(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int64? {
    let isNegative = bytes[start] == UInt8(ascii: "-")
    var offset = isNegative ? start + 1 : start
    var value: Int64 = 0
    while offset < end {
      let digit = Int64(bytes[offset] &- 0x30)
      let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (next, overflowedToo) = shifted.subtractingReportingOverflow(digit)
      if overflowed || overflowedToo { return nil }
      value = next
      offset &+= 1
    }
    // Accumulated as a negative number: there is one more of them.
    if isNegative { return value }
    return value == .min ? nil : -value
  }

  static func real(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Double? {
    Double(String(decoding: UnsafeBufferPointer(start: bytes + start, count: end - start), as: UTF8.self))
  }

  /// Whether a real has a value in the range of a double.
  static func isFinite(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, integerDigits: Int) -> Bool {
    // Below 10^300 without an exponent: most reals need no conversion here.
    if integerDigits <= 300, !hasExponent(bytes, from: start, to: end) { return true }
    return real(bytes, from: start, to: end)?.isFinite ?? false
  }

  private static func hasExponent(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Bool {
    UnsafeBufferPointer(start: bytes + start, count: end - start).contains { $0 | 0x20 == UInt8(ascii: "e") }
  }
}
