// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON

/// A `lookup` as nearly all clients write it: `{"id":1,"op":"lookup","key":"rfc/793"}`, without white space or escapes.
///
/// An index answers little else, and reading such a line as JSON takes longer than finding the answer. Every other line, right
/// or wrong, is left to the reader of JSON.
package struct UsualLookup {
  /// A part of the line, in ASCII without escapes; it may be no valid key.
  package let key: UnsafeRawBufferPointer
  /// The beginning of the line up to its id, with which the reply begins, too.
  package let beginning: UnsafeRawBufferPointer
  /// Behind the newline of the line, from the beginning of all bytes.
  package let end: Int

  /// All numbers of so many digits are ids.
  private static let maxDigits = 15

  /// - Parameters:
  ///   - bytes: some lines; the last may not be whole.
  ///   - start: of one of them.
  /// - Returns: `nil` if the line is anything else, or not whole.
  package init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    guard let first = Self.end(of: #"{"id":"#, in: bytes, at: start) else { return nil }
    var place = first
    while place < bytes.count, bytes[place] &- 0x30 <= 9 { place += 1 }
    guard (1...Self.maxDigits).contains(place - first), bytes[first] != 0x30 || place == first + 1,
      let keyStart = Self.end(of: #","op":"lookup","key":""#, in: bytes, at: place)
    else { return nil }
    let keyEnd = JSONText.endOfPlain(bytes, from: keyStart)
    guard let end = Self.end(of: "\"}\n", in: bytes, at: keyEnd) else { return nil }
    beginning = UnsafeRawBufferPointer(rebasing: bytes[start..<place])
    key = UnsafeRawBufferPointer(rebasing: bytes[keyStart..<keyEnd])
    self.end = end
  }

  /// Behind a part that stands at a place; `nil` if something else does.
  @inline(__always)
  private static func end(of part: StaticString, in bytes: UnsafeRawBufferPointer, at start: Int) -> Int? {
    let end = start + part.utf8CodeUnitCount
    guard end <= bytes.count, let base = bytes.baseAddress,
      memcmp(base + start, part.utf8Start, part.utf8CodeUnitCount) == 0
    else { return nil }
    return end
  }
}
