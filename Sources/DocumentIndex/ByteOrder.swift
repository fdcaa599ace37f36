// SPDX-License-Identifier: Apache-2.0

/// Texts compared by their UTF-8 bytes, several at a time: what the order of lists and the look-up of keys spend their
/// time with.
enum ByteOrder {
  static func withBytes<Result>(of text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let result = text.utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
    // Only a string bridged from elsewhere has no contiguous UTF-8.
    return result ?? Array(text.utf8).withUnsafeBytes(body)
  }

  static func isEqual(_ text: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
    withBytes(of: text) { $0.count == bytes.count && commonPrefix($0, bytes) == bytes.count }
  }

  /// Negative, zero or positive, as the left one is before, equal to or after the right one.
  static func compare(_ left: String, _ right: String) -> Int {
    withBytes(of: left) { left in withBytes(of: right) { right in compare(left, right) } }
  }

  static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let length = commonPrefix(left, right)
    guard length < left.count, length < right.count else { return left.count - right.count }
    return Int(left[length]) - Int(right[length])
  }

  static func hasPrefix(_ text: UnsafeRawBufferPointer, _ prefix: UnsafeRawBufferPointer) -> Bool {
    text.count >= prefix.count && commonPrefix(text, prefix) == prefix.count
  }

  static func hasPrefix(_ text: String, _ prefix: String) -> Bool {
    withBytes(of: text) { text in withBytes(of: prefix) { prefix in hasPrefix(text, prefix) } }
  }

  /// How many bytes at the beginning are the same.
  private static func commonPrefix(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let count = min(left.count, right.count)
    var length = 0
    while length + 8 <= count {
      let leftWord = left.loadUnaligned(fromByteOffset: length, as: UInt64.self)
      let rightWord = right.loadUnaligned(fromByteOffset: length, as: UInt64.self)
      if leftWord != rightWord {
        return length + (UInt64(littleEndian: leftWord) ^ UInt64(littleEndian: rightWord)).trailingZeroBitCount / 8
      }
      length += 8
    }
    while length < count, left[length] == right[length] { length += 1 }
    return length
  }
}
