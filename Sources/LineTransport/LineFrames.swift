// SPDX-License-Identifier: Apache-2.0

package import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// Cuts a stream of bytes into lines and into the raw bytes that follow some of them.
///
/// A value without I/O: bytes go in by `append`, frames come out by `next`. Lines end with `\n` alone and are handed out
/// without it. A line that arrives in many parts is scanned once.
package struct LineFrames {
  package enum Frame: Equatable {
    /// A whole line without its newline, 0 to `lineLimit` bytes.
    case line(ByteBuffer)
    /// Some of the raw bytes that were announced by `expectBody`, at least one.
    case body(ByteBuffer)
    /// A line of more than `lineLimit` bytes has begun; nothing more is cut.
    case tooLong
  }

  /// In bytes, without the newline.
  package let lineLimit: Int
  private var buffer = ByteBuffer()
  /// How many of the readable bytes are known to hold no newline.
  private var scanned = 0
  private var bodyRemaining = 0
  private var isTooLong = false

  package init(lineLimit: Int) {
    self.lineLimit = lineLimit
  }

  /// Bytes that have come and have not been handed out.
  package var bufferedBytes: Int { buffer.readableBytes }

  package mutating func append(_ incoming: ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = incoming
    } else {
      var incoming = incoming
      buffer.writeBuffer(&incoming)
    }
  }

  /// The next `count` bytes after the last line are raw.
  package mutating func expectBody(_ count: Int) {
    bodyRemaining = max(0, count)
  }

  /// The next frame, `nil` where more bytes are needed.
  package mutating func next() -> Frame? {
    if isTooLong { return .tooLong }
    if bodyRemaining > 0 { return nextOfBody() }
    guard buffer.readableBytes > 0 else {
      release()
      return nil
    }
    guard let length = lengthOfLine() else {
      scanned = buffer.readableBytes
      isTooLong = scanned > lineLimit
      return isTooLong ? .tooLong : nil
    }
    scanned = 0
    guard length <= lineLimit else {
      isTooLong = true
      return .tooLong
    }
    guard let line = buffer.readSlice(length: length) else { return nil }
    buffer.moveReaderIndex(forwardBy: 1)
    return .line(line)
  }

  /// Forgets all that has come.
  package mutating func discard() -> Int {
    let count = buffer.readableBytes
    buffer = ByteBuffer()
    scanned = 0
    return count
  }

  private mutating func nextOfBody() -> Frame? {
    let length = min(bodyRemaining, buffer.readableBytes)
    guard length > 0, let slice = buffer.readSlice(length: length) else {
      release()
      return nil
    }
    bodyRemaining -= length
    return .body(slice)
  }

  private func lengthOfLine() -> Int? {
    let scanned = scanned
    return buffer.withUnsafeReadableBytes { bytes in
      guard let base = bytes.baseAddress, bytes.count > scanned,
        let found = memchr(base + scanned, 0x0A, bytes.count - scanned)
      else { return nil }
      return base.distance(to: UnsafeRawPointer(found))
    }
  }

  /// Between lines a connection holds no memory: most of them are idle.
  private mutating func release() {
    if buffer.capacity > 0 { buffer = ByteBuffer() }
    scanned = 0
  }
}
