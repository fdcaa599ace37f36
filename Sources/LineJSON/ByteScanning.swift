// SPDX-License-Identifier: Apache-2.0

/// Finds the end of the bytes that need no escape, eight bytes at a time.
enum StringRun {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// Offset of the first byte in `start..<end` that is a quotation mark, a backslash, below 0x20 or (unless
  /// `passingNonASCII`) above 0x7F; `end` if there is none.
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

  /// The high bit of each byte that stops the run. Only the lowest one is used, and it is exact: a borrow affects only
  /// the bytes above a hit.
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

/// Text that can be told without a reader.
package enum JSONText {
  /// The first place that is no printable ASCII as it stands in a JSON string.
  package static func endOfPlain(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
    guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return start }
    return StringRun.end(in: bytes, from: start, to: text.count, passingNonASCII: false)
  }
}

/// Equality of two byte sequences. Keys are short: this avoids a call to memcmp.
enum ByteComparison {
  @inline(__always)
  static func areEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int) -> Bool {
    var offset = 0
    while count &- offset >= 8 {
      let leftWord = UnsafeRawPointer(left + offset).loadUnaligned(as: UInt64.self)
      let rightWord = UnsafeRawPointer(right + offset).loadUnaligned(as: UInt64.self)
      if leftWord != rightWord { return false }
      offset &+= 8
    }
    if count >= 8 {
      // The last eight, some of which have been compared.
      let (leftEnd, rightEnd) = (left + (count &- 8), right + (count &- 8))
      return UnsafeRawPointer(leftEnd).loadUnaligned(as: UInt64.self)
        == UnsafeRawPointer(rightEnd).loadUnaligned(as: UInt64.self)
    }
    if count >= 4 {
      // The first four and the last four, which overlap.
      let (leftEnd, rightEnd) = (left + (count &- 4), right + (count &- 4))
      return UnsafeRawPointer(left).loadUnaligned(as: UInt32.self)
        == UnsafeRawPointer(right).loadUnaligned(as: UInt32.self)
        && UnsafeRawPointer(leftEnd).loadUnaligned(as: UInt32.self)
          == UnsafeRawPointer(rightEnd).loadUnaligned(as: UInt32.self)
    }
    while offset < count {
      if left[offset] != right[offset] { return false }
      offset &+= 1
    }
    return true
  }
}

/// Validation of UTF-8 (RFC 3629 section 4).
enum UTF8Sequence {
  static func isWellFormed(_ text: UnsafeRawBufferPointer) -> Bool {
    guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
    var offset = 0
    while offset < text.count {
      offset = StringRun.end(in: bytes, from: offset, to: text.count, passingNonASCII: false)
      guard offset < text.count else { break }
      let length = length(in: bytes, at: offset, to: text.count)
      if length == 0 { return false }
      offset &+= length
    }
    return true
  }

  /// Length of the well-formed sequence at `offset`, 1–4; 0 if it is malformed or does not end before `end`.
  static func length(in bytes: UnsafePointer<UInt8>, at offset: Int, to end: Int) -> Int {
    let first = bytes[offset]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0x00...0x7F: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return 0
    }
    guard end &- offset >= length, second.contains(bytes[offset &+ 1]) else { return 0 }
    for index in 2..<max(length, 2) where bytes[offset &+ index] & 0xC0 != 0x80 { return 0 }
    return length
  }
}
