// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import LineJSON
import POSIXSupport
import ProcessSupport
import SystemPackage
import WireProtocol

/// Ends the children that the last supervisor of this home left behind. They end on their own when their channel closes; this
/// makes sure of it before their sockets are replaced.
package enum PreviousRun {
  /// Time from SIGTERM to SIGKILL.
  private static let grace = Duration.milliseconds(1_500)
  private static let timeout = Duration.seconds(5)

  /// Ends the recorded children and waits for them.
  ///
  /// - Returns: those that were still running.
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
      throw SupervisorError(.failed, "processes of the last run do not end even on SIGKILL: \(names)")
    }
    return found
  }

  /// The programs that a supervisor starts. Another program is never signalled, whatever the record says.
  private static let programs: Set = ["p2p-index", "p2p-peer"]

  /// Opens the descriptor before it reads start time and program: if they match the record, so does the process.
  private static func open(_ child: ChildRecord.Child) -> FileDescriptor? {
    let number = process_open_pidfd(child.pid)
    guard number >= 0 else { return nil }
    let pidfd = FileDescriptor(rawValue: number)
    guard ProcessTable.startTime(of: child.pid) == child.startTime,
      ProcessExecutable.name(of: child.pid).map(programs.contains) == true, !hasSupervisor(child.pid)
    else {
      try? pidfd.close()
      return nil
    }
    return pidfd
  }

  /// Whether its supervisor lives: then it was not left behind, and the record was copied from another home. Orphans may
  /// become children of process 1.
  private static func hasSupervisor(_ pid: Int32) -> Bool {
    guard let parent = ProcessTable.parent(of: pid), parent > 1 else { return false }
    return ProcessExecutable.name(of: parent) == "p2p-supervisor"
  }

  /// The pidfd of a process that is not a child can be polled; only its exit status is not available.
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

/// The children of a run, in a file that outlives it. They are identified by boot, pid and start time, so that a later process
/// with the same pid is not taken for one of them.
package struct ChildRecord: Sendable, Equatable {
  package struct Child: Sendable, Hashable {
    package let name: String
    package let pid: Int32
    /// In clock ticks since boot: field 22 of /proc/PID/stat, proc_pid_stat(5).
    package let startTime: Int64

    package init(name: String, pid: Int32, startTime: Int64) {
      self.name = name
      self.pid = pid
      self.startTime = startTime
    }
  }

  /// /proc/sys/kernel/random/boot_id
  package let boot: String
  package var children: [Child]

  package init(boot: String, children: [Child] = []) {
    self.boot = boot
    self.children = children
  }

  package var bytes: [UInt8] {
    let rows = children.map { child -> JSONValue in
      ["name": .string(child.name), "pid": .integer(Int64(child.pid)), "start": .integer(child.startTime)]
    }
    return (try? Jansson.encodeLine(["boot": .string(boot), "children": .array(rows)])) ?? []
  }

  /// `nil` if the bytes are not a record.
  package init?(_ bytes: [UInt8]) {
    guard let json = try? Jansson.decode(bytes), let boot = json["boot"]?.string, let rows = json["children"]?.array
    else { return nil }
    self.boot = boot
    children = rows.compactMap { row in
      guard let fields = row.fields, let name = try? fields.string("name"),
        let pid = try? fields.integer("pid", in: Int32(2) ... .max),
        let start = try? fields.integer("start", in: Int64(0) ... .max)
      else { return nil }
      return Child(name: name, pid: pid, startTime: start)
    }
  }
}

/// Properties of processes in /proc: proc(5).
package enum ProcessTable {
  /// Changes with every boot of the machine; empty if /proc is not readable.
  package static func bootIdentifier() -> String {
    let bytes = (try? SmallFile.read("/proc/sys/kernel/random/boot_id")) ?? []
    return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
  }

  /// `nil` if there is no such process.
  package static func startTime(of pid: Int32) -> Int64? {
    (try? SmallFile.read("/proc/\(pid)/stat")).flatMap(startTime(inStat:))
  }

  /// Whether it is stopped by a signal or a debugger: state T or t.
  package static func isStopped(_ pid: Int32) -> Bool {
    let state = (try? SmallFile.read("/proc/\(pid)/stat")).flatMap { fields(inStat: $0).first?.first }
    return state == UInt8(ascii: "T") || state == UInt8(ascii: "t")
  }

  /// Field 4. `nil` if there is no such process.
  package static func parent(of pid: Int32) -> Int32? {
    guard let fields = (try? SmallFile.read("/proc/\(pid)/stat")).map(fields(inStat:)), fields.count > 1 else {
      return nil
    }
    return Int32(String(decoding: fields[1], as: UTF8.self))
  }

  /// From the third field on. The second is the name in parentheses, which may contain anything, so counting starts after the
  /// last parenthesis.
  private static func fields(inStat stat: [UInt8]) -> [ArraySlice<UInt8>] {
    guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return [] }
    return stat[end...].dropFirst().split(separator: UInt8(ascii: " "))
  }

  /// Field 22.
  package static func startTime(inStat stat: [UInt8]) -> Int64? {
    let fields = Self.fields(inStat: stat)
    let index = 22 - 3
    guard fields.indices.contains(index) else { return nil }
    return Int64(String(decoding: fields[index], as: UTF8.self))
  }
}
