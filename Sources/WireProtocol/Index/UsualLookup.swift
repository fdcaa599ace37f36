// SPDX-License-Identifier: Apache-2.0

import LineJSON

/// A `lookup` as nearly all clients write it: `{"id":1,"op":"lookup","key":"rfc/793"}`, without white space or escapes.
///
/// An index answers little else, and reading such a line as JSON takes longer than finding the answer. Every other line, right
/// or wrong, is left to the reader of JSON.
package struct UsualLookup {
  package let id: Int64
  /// A part of the line, in ASCII; it may be no valid key.
  package let key: UnsafeRawBufferPointer

  /// All numbers of so many digits are ids.
  private static let maxDigits = 15

  /// - Returns: `nil` if the line is anything else.
  package init?(_ line: UnsafeRawBufferPointer) {
    guard let beginning = Self.end(of: #"{"id":"#, in: line, at: 0) else { return nil }
    var (end, id) = (beginning, Int64(0))
    while end < line.count, end - beginning <= Self.maxDigits, case let digit = line[end] &- 0x30, digit <= 9 {
      id = id * 10 + Int64(digit)
      end += 1
    }
    guard (1...Self.maxDigits).contains(end - beginning), line[beginning] != 0x30 || end == beginning + 1,
      let start = Self.end(of: #","op":"lookup","key":""#, in: line, at: end), start + 2 <= line.count,
      Self.end(of: #""}"#, in: line, at: line.count - 2) == line.count
    else { return nil }
    key = UnsafeRawBufferPointer(rebasing: line[start..<line.count - 2])
    guard JSONText.isPlain(key) else { return nil }
    self.id = id
  }

  @inline(__always)
  private static func end(of part: StaticString, in line: UnsafeRawBufferPointer, at start: Int) -> Int? {
    JSONText.hasPart(line, part, at: start) ? start + part.utf8CodeUnitCount : nil
  }
}
