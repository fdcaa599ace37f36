// SPDX-License-Identifier: Apache-2.0

/// More bytes without a newline than a line may have.
package struct LineTooLong: Error, Hashable, Sendable {
  /// In bytes, the newline left out.
  package let maximumLength: Int

  package init(maximumLength: Int) {
    self.maximumLength = maximumLength
  }
}

/// Cuts a stream of bytes into lines, at `\n` and at nothing else, for those who read by blocking.
///
/// Take all complete lines after each `append`: the splitter then holds less than one line.
package struct LineSplitter: Sendable {
  private let maximumLength: Int
  private var buffer: [UInt8] = []
  /// Everything before it was handed out.
  private var consumed = 0
  /// There is no newline from `consumed` to here.
  private var searched = 0

  /// - Parameter maximumLength: of a line in bytes, the newline left out; 2^31−1 at most.
  package init(maximumLength: Int) {
    self.maximumLength = min(max(0, maximumLength), Int(Int32.max))
  }

  /// Bytes that belong to no complete line that was handed out: at the end of a stream, half a line.
  package var pendingCount: Int { buffer.count - consumed }

  /// Adds what was read; nothing more is kept of a line that is already too long.
  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard searched - consumed <= maximumLength else { return }
    discardConsumed()
    buffer.append(contentsOf: bytes)
  }

  /// Adds what was read; nothing more is kept of a line that is already too long.
  package mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// The next complete line without its newline; `nil` where more bytes are needed.
  ///
  /// Once a line is too long there is no finding back into the stream: every further call throws.
  package mutating func next() throws(LineTooLong) -> [UInt8]? {
    let limit = min(buffer.count, consumed + maximumLength + 1)
    guard let newline = buffer[searched..<max(searched, limit)].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = max(searched, limit)
      guard pendingCount <= maximumLength else { throw LineTooLong(maximumLength: maximumLength) }
      return nil
    }
    let line = Array(buffer[consumed..<newline])
    consumed = newline + 1
    searched = consumed
    return line
  }

  /// Moves what is left to the front, once for all lines of an `append`.
  private mutating func discardConsumed() {
    guard consumed > 0 else { return }
    buffer.removeSubrange(..<consumed)
    searched -= consumed
    consumed = 0
  }
}
