// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
package import ProcessSupport

/// The supervisor's own log: a file, and standard error when it runs in the foreground; or only standard error, shared with
/// the children.
package final class SupervisorLog {
  private var output: ChildLog
  private let echoes: Bool
  private let descriptor: Int32
  private let style: LogStyle

  /// - Parameters:
  ///   - target: a file, or standard error.
  ///   - echoes: whether to write what goes to a file to `descriptor` too, unless that is a file.
  ///   - descriptor: standard error, except in tests.
  package init(
    _ target: LogTarget, style: LogStyle = LogStyle(), echoes: Bool = true, descriptor: Int32 = STDERR_FILENO
  ) {
    output = ChildLog(target, name: "supervisor")
    self.style = style
    // In the background standard error is this log file, for crash reports: every line would appear twice, and the file
    // would keep growing after rotation.
    self.echoes = echoes && !output.isShared && !LogDestination.isFile(descriptor)
    self.descriptor = descriptor
  }

  /// `2026-01-02T03:04:05Z info alice is ready`
  package func write(_ message: String, _ level: LogStyle.Level = .info) {
    guard level >= style.level else { return }
    let line = style.line(String(message.prefix(2_048)), level, at: WallClock.now)
    output.write(line)
    // An unread pipe must not block the supervisor: what does not fit is in the file anyway.
    if echoes { _ = StandardError.writeIfRoom(line, to: descriptor) }
  }

  /// Opens a new file if the log was moved away.
  package func reopen() {
    output.reopen()
  }
}

/// Where logs go: `to` of `[log]`.
package enum LogDestination: String, Sendable, CaseIterable {
  /// A file for each process.
  case files
  /// Standard error of the supervisor.
  case journal

  /// What the default depends on.
  package struct Facts: Sendable {
    /// `JOURNAL_STREAM` of systemd.exec(5): device and inode of the journal's socket, as `8:1234`.
    package var journalStream: String?
    /// Device and inode of standard error, in the same form.
    package var standardError: String?
    /// Whether this is process 1, or a child of it in a container.
    package var isContainer: Bool

    package init(journalStream: String? = nil, standardError: String? = nil, isContainer: Bool = false) {
      self.journalStream = journalStream
      self.standardError = standardError
      self.isContainer = isContainer
    }

    package static func current(_ environment: [String: String]) -> Facts {
      var status = stat()
      let isOpen = fstat(STDERR_FILENO, &status) == 0
      // An init process such as tini may be between the container and this one.
      let marked = ["/.dockerenv", "/run/.containerenv"].contains { (path: String) in access(path, F_OK) == 0 }
      return Facts(
        journalStream: environment["JOURNAL_STREAM"],
        standardError: isOpen ? "\(status.st_dev):\(status.st_ino)" : nil,
        isContainer: getpid() == 1 || (getppid() == 1 && (marked || environment["container"] != nil)))
    }
  }

  /// The default. `JOURNAL_STREAM` is inherited by processes whose standard error is something else, so it is compared.
  package init(_ facts: Facts) {
    let isJournal = facts.journalStream != nil && facts.journalStream == facts.standardError
    self = isJournal || facts.isContainer ? .journal : .files
  }

  package static func isFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}

/// The time of day, for people. Durations are measured by a clock that does not jump.
package enum WallClock {
  package static var now: Timestamp {
    Timestamp(seconds: Int64(time(nil)))
  }
}
