// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The limits of one connection.
package struct LineLimits: Sendable {
  /// Maximum length of a line in bytes, without its newline.
  package var line: Int
  /// Answers are written once they reach this many bytes.
  package var outputChunk = 256 * 1024
  /// A connection whose reader takes nothing for this long is closed.
  package var writeStall: TimeAmount = .seconds(30)
  /// The same while more than half of the server's budget for answers is used.
  package var tightWriteStall: TimeAmount = .seconds(2)
  /// A line that has begun has to end within this time; `nil` for no limit.
  package var lineTime: TimeAmount?
  /// How long the loop looks at its sockets before connections that need much time have their next turn.
  package var pause: TimeAmount = .microseconds(100)
  /// How long and how much input is discarded after the last answer: a reset would lose that answer.
  package var discardTime: TimeAmount = .seconds(1)
  package var discardBytes = 8 * 1024 * 1024

  package init(line: Int) {
    self.line = line
  }
}
