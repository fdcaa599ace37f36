// SPDX-License-Identifier: Apache-2.0

import LineJSON
import WireProtocol

/// The children of a run, as a file that outlives it: who they were is told by boot, process number and start time, so
/// that no later process of the same number is taken for one of them.
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

  /// `nil` where the bytes are no record: a run that could not write it left its children to their death signal.
  package init?(_ bytes: [UInt8]) {
    guard let json = try? Jansson.decode(bytes), let boot = json["boot"]?.string, let rows = json["children"]?.array
    else { return nil }
    self.boot = boot
    children = rows.compactMap { row in
      guard let fields = try? MessageFields(row), let name = try? fields.string("name"),
        let pid = try? fields.integer("pid", in: Int32(2) ... .max),
        let start = try? fields.integer("start", in: Int64(0) ... .max)
      else { return nil }
      return Child(name: name, pid: pid, startTime: start)
    }
  }
}
