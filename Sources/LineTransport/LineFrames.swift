// SPDX-License-Identifier: Apache-2.0

import LineJSON
package import NIOCore

/// Cuts a stream of bytes into lines and into the raw bytes that follow some of them.
///
/// A value without I/O: bytes go in by `append`, frames come out by `next`.
package struct LineFrames {
  package enum Frame: Equatable {
    /// A whole line without its newline, 0 to `lineLimit` bytes.
    case line(ByteBuffer)
    /// Some of the raw bytes announced by `expectBody`, at least one.
    case body(ByteBuffer)
    /// A line of more than `lineLimit` bytes has begun; nothing more is cut.
    case tooLong

    /// In bytes.
    var length: Int {
      switch self {
      case .line(let bytes), .body(let bytes): bytes.readableBytes
      case .tooLong: 0
      }
    }
  }

  private static let shortLine = 1024

  private var finder: LineFinder
  private var buffer = ByteBuffer()
  private var bodyRemaining = 0

  /// - Parameter lineLimit: in bytes, without the newline.
  package init(lineLimit: Int) {
    finder = LineFinder(limit: lineLimit)
  }

  /// Bytes that have arrived and have not been handed out.
  package var bufferedBytes: Int { buffer.readableBytes }

  /// Memory for these, in bytes.
  package var capacity: Int { buffer.capacity }

  package mutating func append(_ incoming: ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = incoming
    } else {
      // What was handed out would stay otherwise, for as long as the end of a line has not arrived.
      if buffer.readerIndex >= buffer.readableBytes { buffer.discardReadBytes() }
      var incoming = incoming
      buffer.writeBuffer(&incoming)
    }
  }

  /// The next `count` bytes after the last line are raw.
  package mutating func expectBody(_ count: Int) {
    bodyRemaining = max(0, count)
  }

  /// Whether the next bytes are raw.
  package var isInBody: Bool { bodyRemaining > 0 }

  /// The next frame; `nil` if more bytes are needed.
  /// - Parameter bodyLimit: maximum raw bytes of a frame, at least 1.
  package mutating func next(bodyLimit: Int = .max) -> Frame? {
    if bodyRemaining > 0 { return nextOfBody(bodyLimit) }
    var finder = finder
    let result = finder.next(in: buffer.readableBytesSpan)
    self.finder = finder
    switch result {
    case .line(let length):
      guard let line = buffer.readSlice(length: length) else { return nil }
      buffer.moveReaderIndex(forwardBy: 1)
      return .line(line)
    case .incomplete:
      releaseIfEmpty()
      return nil
    case .tooLong:
      return .tooLong
    }
  }

  /// Takes whole lines from the beginning of what has arrived.
  /// - Parameter body: gets all of it, and returns how many bytes it takes, newlines included. Not called in a body, nor for
  ///   a long line that arrives in parts: it would be looked at again with each of them.
  package mutating func takeLines(_ body: (UnsafeRawBufferPointer) -> Int) -> Int {
    guard bodyRemaining == 0, finder.scanned <= Self.shortLine, buffer.readableBytes > 0 else { return 0 }
    // Keeps the bytes, whatever is called meanwhile.
    let bytes = buffer
    let taken = min(max(0, bytes.withUnsafeReadableBytes(body)), buffer.readableBytes)
    guard taken > 0 else { return 0 }
    buffer.moveReaderIndex(forwardBy: taken)
    finder.discard()
    return taken
  }

  /// Forgets everything that has arrived.
  package mutating func discard() {
    buffer = ByteBuffer()
    finder.discard()
  }

  private mutating func nextOfBody(_ limit: Int) -> Frame? {
    let length = min(bodyRemaining, buffer.readableBytes, max(limit, 1))
    guard length > 0, let slice = buffer.readSlice(length: length) else {
      releaseIfEmpty()
      return nil
    }
    bodyRemaining -= length
    return .body(slice)
  }

  /// Between lines a connection holds no memory: most of them are idle.
  private mutating func releaseIfEmpty() {
    if buffer.readableBytes == 0, buffer.capacity > 0 { buffer = ByteBuffer() }
  }
}
