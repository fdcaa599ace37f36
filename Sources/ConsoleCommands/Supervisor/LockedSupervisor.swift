// SPDX-License-Identifier: Apache-2.0

import CProcess
import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport

/// A supervisor that runs, known by its lock, although nothing answers at its control socket: a cleaner removed it, or its
/// directory went with a logout.
package struct LockedSupervisor {
  /// `nil` if the lock does not name a process that runs p2p-supervisor.
  package let pid: Int32?

  package init(pid: Int32?) {
    self.pid = pid
  }

  /// `nil` if none runs, or if this user cannot see its lock.
  static func find(in layout: Layout) -> LockedSupervisor? {
    guard FileLock.isHeld(layout.supervisorLock) else { return nil }
    let bytes = (try? SmallFile.read(layout.supervisorLock, max: 64, followsLinks: false)) ?? []
    let digits = String(decoding: bytes.prefix { (0x30...0x39).contains($0) }, as: UTF8.self)
    return LockedSupervisor(pid: Int32(digits).flatMap { isSupervisor($0) ? $0 : nil })
  }

  private static func isSupervisor(_ pid: Int32) -> Bool {
    pid > 0 && ProcessExecutable.name(of: pid) == "p2p-supervisor"
  }

  /// `the supervisor (process 4711)`
  var name: String { "the supervisor" + (pid.map { " (process \($0))" } ?? "") }

  /// Ends it by SIGTERM and waits.
  /// - Returns: whether it ended within `timeout`.
  func stop(timeout: Duration) throws -> Bool {
    // Opened before the last check: afterwards the pid may belong to another process.
    guard let pid, let process = ProcessWatch(pid: pid), Self.isSupervisor(pid) else {
      throw CommandFailure(
        .failed, "a supervisor runs, but neither its socket nor its process can be found",
        ["Find and end it: pgrep -a p2p-supervisor"])
    }
    let error = process.signal(SIGTERM)
    guard error == 0 || error == ESRCH else {
      throw CommandFailure(
        error == EPERM ? .notPermitted : .failed, "cannot stop \(name): \(SystemError(error))")
    }
    return try process.waitForExit(timeout: timeout)
  }

  func failure(socket: String) -> CommandFailure {
    CommandFailure(
      .unavailable, "\(name) is running, but its control socket is missing or dead",
      [
        "socket: \(TextRules.escapedForTerminal(socket))",
        "It makes the socket again once the directory can be written; its log says what prevents that.",
        "To end it: p2pctl supervisor stop",
      ])
  }
}
