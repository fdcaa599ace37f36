// SPDX-License-Identifier: Apache-2.0

/// Finds the end of what can be copied as it is, eight bytes at a time.
enum StringRun {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// Offset of the first byte in `start..<end` that is a quotation mark, a backslash, below 0x20 or (unless
  /// `passingNonASCII`) above 0x7F; `end` where there is none.
  @inline(__always)
  static func end(in bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, passingNonASCII: Bool) -> Int {
    var offset = start
    while end &- offset >= 8 {
      let word = UInt64(littleEndian: UnsafeRawPointer(bytes + offset).loadUnaligned(as: UInt64.self))
      let stops = stops(in: word, passingNonASCII: passingNonASCII)
      if stops != 0 { return offset &+ stops.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    if end &- offset >= 4,
      !hasStop(inUpToSevenOf: bytes + offset, count: end &- offset, passingNonASCII: passingNonASCII)
    {
      return end
    }
    while offset < end, !isStop(bytes[offset], passingNonASCII: passingNonASCII) { offset &+= 1 }
    return offset
  }

  /// Four to seven bytes at once: the first four and the last four, which overlap.
  @inline(__always)
  private static func hasStop(
    inUpToSevenOf bytes: UnsafePointer<UInt8>, count: Int, passingNonASCII: Bool
  ) -> Bool {
    let first = UnsafeRawPointer(bytes).loadUnaligned(as: UInt32.self)
    let last = UnsafeRawPointer(bytes + (count &- 4)).loadUnaligned(as: UInt32.self)
    return stops(in: UInt64(first) << 32 | UInt64(last), passingNonASCII: passingNonASCII) != 0
  }

  /// The high bit of each byte that stops the run; exact up to the lowest one, which is all that is used: a borrow
  /// spoils only bytes above a hit.
  @inline(__always)
  private static func stops(in word: UInt64, passingNonASCII: Bool) -> UInt64 {
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let special =
      ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- (ones &* 0x20)) & ~word)
    return (passingNonASCII ? special & ~word : special | word) & highBits
  }

  @inline(__always)
  private static func isStop(_ byte: UInt8, passingNonASCII: Bool) -> Bool {
    byte == 0x22 || byte == 0x5C || byte < 0x20 || (byte >= 0x80 && !passingNonASCII)
  }
}
