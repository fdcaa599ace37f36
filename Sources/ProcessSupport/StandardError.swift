// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

/// What a person or a log gets to read, a line each: on a terminal `p2p-index: cannot listen …`, elsewhere with time and
/// level, as all logs have it.
package struct StandardError: Sendable {
  package enum Level: String, Sendable, CaseIterable {
    case debug
    case info
    case notice
    case warning
    case error
    case critical
  }

  private let program: String
  private let isTerminal: Bool

  /// - Parameter program: stands before each line on a terminal.
  package init(program: String) {
    self.program = program
    isTerminal = isatty(STDERR_FILENO) == 1
  }

  package func report(_ message: String, _ level: Level = .error) {
    let line =
      isTerminal
      ? "\(program): \(TextRules.escapedForTerminal(message))\n"
      : Self.logLine(message, level, at: Timestamp(seconds: Int64(time(nil))))
    _ = write(STDERR_FILENO, line, line.utf8.count)
  }

  /// `2026-01-02T03:04:05Z info listens at 127.0.0.1:7734`. What others have sent may stand in it, so that it is escaped: it
  /// is one line, and none of it drives a terminal.
  package static func logLine(_ message: String, _ level: Level, at time: Timestamp) -> String {
    "\(time.text) \(level.rawValue) \(TextRules.escapedForTerminal(message))\n"
  }
}
