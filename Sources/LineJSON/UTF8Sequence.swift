// SPDX-License-Identifier: Apache-2.0

/// UTF-8 as RFC 3629 section 4 has it.
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

  /// Length of the well-formed sequence at `offset`, 1–4; 0 where it is none or does not end before `end`.
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
