// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc

/// What the supervisor itself has to say: into its log file, and to whoever watches it in the foreground.
package final class SupervisorLog {
  package enum Level: String, Sendable {
    case info
    case warning
    case error
  }

  private var file: RotatingLog
  private let echoes: Bool

  /// - Parameter echoes: whether standard error gets it too, where it is no file.
  package init(path: String, echoes: Bool = true) {
    file = RotatingLog(path: path)
    self.echoes = echoes && !Self.isFile(STDERR_FILENO)
  }

  /// In the background standard error is this very log, for the words of a crash: it would say everything twice, and
  /// go on growing after the log was rotated away.
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

  /// Whoever has moved the file away gets a new one.
  package func reopen() {
    file.close()
  }

  /// A terminal that is held up, or a pipe that nobody reads, must not hold up the supervisor: what it does not take at
  /// once is in the file anyway.
  private func echo(_ line: [UInt8]) {
    var writable = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    guard poll(&writable, 1, 0) == 1, writable.revents & Int16(POLLOUT) != 0 else { return }
    _ = Glibc.write(STDERR_FILENO, line, line.count)
  }
}

/// The time of day, for people; spans are measured by a clock that does not jump.
package enum WallClock {
  package static var now: Timestamp {
    Timestamp(seconds: Int64(time(nil)))
  }
}
