// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// What one connection may cost.
package struct LineLimits: Sendable {
  /// The longest line in bytes, without its newline.
  package var line: Int
  /// Answers are handed to the socket as soon as they have this many bytes.
  package var outputChunk = 256 * 1024
  /// A connection whose reader takes nothing for this long is closed.
  package var writeStall: TimeAmount = .seconds(30)
  /// The same while more than half of the server's budget for answers is used up.
  package var tightWriteStall: TimeAmount = .seconds(2)
  /// How long a connection waits after a line that may have taken long.
  package var pause: TimeAmount = .microseconds(100)
  /// After a line that was too long: how long and how much is still read, so that the answer is not lost to a reset.
  package var discardTime: TimeAmount = .seconds(1)
  package var discardBytes = 8 * 1024 * 1024

  package init(line: Int) {
    self.line = line
  }
}
