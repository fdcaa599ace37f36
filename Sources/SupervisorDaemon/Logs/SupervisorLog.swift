// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

/// The supervisor's own log: a file, and standard error when it runs in the foreground.
package final class SupervisorLog {
  package enum Level: String, Sendable {
    case info
    case warning
    case error
  }

  private var file: RotatingLog
  /// Bytes that a pipe takes without blocking when poll(2) reports room: PIPE_BUF in pipe(7).
  private static let maxEcho = 4_096
  private let echoes: Bool
  private let descriptor: Int32

  /// - Parameters:
  ///   - echoes: whether to write to `descriptor` too, unless that is a file.
  ///   - descriptor: standard error, except in tests.
  package init(path: String, echoes: Bool = true, descriptor: Int32 = STDERR_FILENO) {
    file = RotatingLog(path: path)
    self.echoes = echoes && !Self.isFile(descriptor)
    self.descriptor = descriptor
  }

  /// In the background standard error is this log file, for crash reports: every line would appear twice, and the file would
  /// keep growing after rotation.
  private static func isFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// `2026-01-02T03:04:05Z info alice is ready`
  package func write(_ message: String, _ level: Level = .info) {
    let text = TextRules.escapedForTerminal(String(message.prefix(2_048)))
    let line = Array("\(WallClock.now.text) \(level.rawValue) \(text)\n".utf8)
    file.write(line)
    if echoes { echo(line) }
  }

  /// Opens a new file if the log was moved away.
  package func reopen() {
    file.close()
  }

  /// A stopped terminal or an unread pipe must not block the supervisor: a line that does not fit is dropped or cut here,
  /// and is in the file anyway.
  private func echo(_ line: [UInt8]) {
    var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&writable, 1, 0) == 1, writable.revents & Int16(POLLOUT) != 0 else { return }
    let fitting = line.count <= Self.maxEcho ? line : line.prefix(Self.maxEcho - 1) + [UInt8(ascii: "\n")]
    _ = Glibc.write(descriptor, fitting, fitting.count)
  }
}

/// The time of day, for people. Durations are measured by a clock that does not jump.
package enum WallClock {
  package static var now: Timestamp {
    Timestamp(seconds: Int64(time(nil)))
  }
}
