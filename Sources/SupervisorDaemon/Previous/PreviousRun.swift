// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import ProcessSupport
import SystemPackage

/// Ends what the last supervisor of this home left behind. Its children end by themselves when their channel closes;
/// this makes sure of it before their sockets are made anew.
package enum PreviousRun {
  /// How long they may take to end by themselves, once told, before they are killed.
  private static let grace = Duration.milliseconds(1_500)
  private static let timeout = Duration.seconds(5)

  /// Waits until none of the recorded children lives.
  ///
  /// - Returns: those that were still there.
  package static func end(_ record: ChildRecord, boot: String) throws(SupervisorError) -> [ChildRecord.Child] {
    guard record.boot == boot else { return [] }
    var living: [(child: ChildRecord.Child, pidfd: FileDescriptor)] = []
    defer { for (_, pidfd) in living { try? pidfd.close() } }
    for child in record.children {
      if let pidfd = open(child) { living.append((child, pidfd)) }
    }
    let found = living.map(\.child)
    for (_, pidfd) in living { _ = process_signal_pidfd(pidfd.rawValue, SIGTERM) }
    wait(for: living.map(\.pidfd), atMost: grace)
    for (_, pidfd) in living { _ = process_signal_pidfd(pidfd.rawValue, SIGKILL) }
    guard wait(for: living.map(\.pidfd), atMost: timeout) else {
      let names = found.map { "\($0.name) (process \($0.pid))" }.joined(separator: ", ")
      throw SupervisorError(.failed, "of the last run there is still \(names), which does not end even by SIGKILL")
    }
    return found
  }

  /// The descriptor is opened before the start time is read: if that is the recorded one, the descriptor stands for the
  /// recorded process.
  private static func open(_ child: ChildRecord.Child) -> FileDescriptor? {
    let number = process_open_pidfd(child.pid)
    guard number >= 0 else { return nil }
    let pidfd = FileDescriptor(rawValue: number)
    guard ProcessTable.startTime(of: child.pid) == child.startTime else {
      try? pidfd.close()
      return nil
    }
    return pidfd
  }

  /// A pidfd of a process that is no child can be waited for, only its status is not told.
  @discardableResult
  private static func wait(for pidfds: [FileDescriptor], atMost timeout: Duration) -> Bool {
    let deadline = SuspendingClock.now.advanced(by: timeout)
    for pidfd in pidfds {
      var waiting = pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0)
      while poll(&waiting, 1, PollTimeout.milliseconds(until: deadline, now: SuspendingClock.now)) <= 0 {
        guard SuspendingClock.now < deadline else { return false }
      }
    }
    return true
  }
}
