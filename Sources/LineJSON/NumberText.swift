// SPDX-License-Identifier: Apache-2.0

/// What the text of a number, valid by the grammar, stands for.
enum NumberText {
  /// `nil` where it does not fit 64 bits.
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
    // Gathered below zero, where there is one value more.
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
