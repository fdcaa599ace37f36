// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
package import ProcessSupport

/// The supervisor's own log: a file, and standard error when it runs in the foreground.
package final class SupervisorLog {
  private var file: RotatingLog
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
  package func write(_ message: String, _ level: StandardError.Level = .info) {
    let line = Array(StandardError.logLine(String(message.prefix(2_048)), level, at: WallClock.now).utf8)
    file.write(line)
    // An unread pipe must not block the supervisor: what does not fit is in the file anyway.
    if echoes { _ = StandardError.writeIfRoom(line, to: descriptor) }
  }

  /// Opens a new file if the log was moved away.
  package func reopen() {
    file.close()
  }
}

/// The time of day, for people. Durations are measured by a clock that does not jump.
package enum WallClock {
  package static var now: Timestamp {
    Timestamp(seconds: Int64(time(nil)))
  }
}
