// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON

/// Reads lines from a pipe or file.
struct InputLineReader {
  /// Far more than a command line can hold.
  private static let maxLineLength = 1 << 20

  private let descriptor: Int32
  private var lines = LineSplitter(maximumLength: maxLineLength)
  private var isAtEnd = false

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// - Throws: `CommandFailure` if a line exceeds 1 MiB.
  mutating func read() throws -> InputLine {
    while true {
      do {
        if let line = try lines.next() { return .text(String(decoding: line, as: UTF8.self)) }
      } catch {
        throw CommandFailure(.usage, "input line longer than \(Self.maxLineLength) bytes")
      }
      guard !isAtEnd else { return .end }
      if try !fill() {
        isAtEnd = true
        // The last line may lack its newline.
        if lines.pendingCount > 0 { lines.append([UInt8(ascii: "\n")]) }
      }
    }
  }

  /// - Returns: false at the end of the input.
  private mutating func fill() throws -> Bool {
    do {
      _ = try Readiness.wait(for: descriptor, until: nil)
    } catch {
      throw CommandFailure.silent(error == .interrupted ? .interrupted : .failed)
    }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return count < 0 && errno == EINTR }
    lines.append(Array(bytes.prefix(count)))
    return true
  }
}

/// The result of reading one line.
package enum InputLine: Equatable, Sendable {
  case text(String)
  /// Ctrl-C; the text typed so far is dropped.
  case interrupted
  /// Ctrl-D on an empty line, or the end of the input.
  case end
}
