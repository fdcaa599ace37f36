// SPDX-License-Identifier: Apache-2.0

/// More bytes without a newline than a line may have.
package struct LineTooLong: Error, Hashable, Sendable {
  /// In bytes, without the newline.
  package let maximumLength: Int

  package init(maximumLength: Int) {
    self.maximumLength = maximumLength
  }
}

/// Cuts a stream of bytes into lines, for blocking readers.
///
/// Take all complete lines after each `append`: the splitter then holds less than one line.
package struct LineSplitter: Sendable {
  private var finder: LineFinder
  private var buffer: [UInt8] = []
  /// Everything before it was handed out.
  private var consumed = 0

  /// - Parameter maximumLength: of a line in bytes, without the newline; at most 2^31−1.
  package init(maximumLength: Int) {
    finder = LineFinder(limit: maximumLength)
  }

  /// Bytes that belong to no complete line that was handed out: at the end of a stream, half a line.
  package var pendingCount: Int { buffer.count - consumed }

  /// Adds what was read; nothing more is kept of a line that is already too long.
  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard !finder.isTooLong else { return }
    discardConsumed()
    buffer.append(contentsOf: bytes)
  }

  /// Adds what was read; nothing more is kept of a line that is already too long.
  package mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// The next complete line without its newline; `nil` if more bytes are needed.
  ///
  /// Once a line is too long, every further call throws.
  package mutating func next() throws(LineTooLong) -> [UInt8]? {
    var finder = finder
    let result = finder.next(in: buffer.span.bytes.extracting(droppingFirst: consumed))
    self.finder = finder
    switch result {
    case .line(let length):
      let line = Array(buffer[consumed..<consumed + length])
      consumed += length + 1
      return line
    case .incomplete: return nil
    case .tooLong: throw LineTooLong(maximumLength: finder.limit)
    }
  }

  /// Takes raw bytes that follow the last line, at most `maximum`; more may still arrive.
  package mutating func takeBytes(_ maximum: Int) -> [UInt8] {
    let bytes = Array(buffer[consumed...].prefix(max(maximum, 0)))
    consumed += bytes.count
    finder.discard()
    return bytes
  }

  /// Moves what is left to the front, once for all lines of an `append`.
  private mutating func discardConsumed() {
    guard consumed > 0 else { return }
    buffer.removeSubrange(..<consumed)
    consumed = 0
  }
}
