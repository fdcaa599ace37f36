// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Finds the ends of lines in a stream of bytes: the one place for the rules of framing.
///
/// A line ends with `\n` and nothing else, and has at most `limit` bytes without it. The caller keeps the bytes; a line
/// that arrives in many parts is scanned once.
package struct LineFinder: Sendable {
  package enum Result: Equatable, Sendable {
    /// A line of this many bytes, followed by its newline. The caller removes both before the next call.
    case line(length: Int)
    /// More bytes are needed.
    case incomplete
    /// More than `limit` bytes without a newline. There is no way back into the stream: all further results are the same.
    case tooLong
  }

  /// In bytes, without the newline.
  package let limit: Int
  package private(set) var isTooLong = false
  /// The first bytes of the line, known to hold no newline.
  package private(set) var scanned = 0

  /// - Parameter limit: in bytes, cut to 0...2^31−1.
  package init(limit: Int) {
    self.limit = min(max(0, limit), Int(Int32.max))
  }

  /// - Parameter bytes: everything that has arrived from the first byte of the line on.
  package mutating func next(in bytes: RawSpan) -> Result {
    guard !isTooLong else { return .tooLong }
    // A newline after more than `limit` bytes no longer helps.
    let end = min(bytes.byteCount, limit + 1)
    if let length = Self.newline(in: bytes, from: scanned, to: end) {
      scanned = 0
      return .line(length: length)
    }
    scanned = end
    isTooLong = bytes.byteCount > limit
    return isTooLong ? .tooLong : .incomplete
  }

  /// The bytes of the line were discarded.
  package mutating func discard() {
    scanned = 0
  }

  private static func newline(in bytes: RawSpan, from start: Int, to end: Int) -> Int? {
    guard start < end else { return nil }
    return bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let found = memchr(base + start, 0x0A, end - start) else { return nil }
      return base.distance(to: UnsafeRawPointer(found))
    }
  }
}
