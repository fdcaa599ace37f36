// SPDX-License-Identifier: Apache-2.0

import POSIXSupport
import ProcessSupport

/// How much the processes of a machine or control group have waited in the last minute, in percent of the time: the
/// kernel's pressure stall information (Documentation/accounting/psi.rst). `nil` if it is not reported.
package struct MachinePressure: Sendable, Equatable {
  /// Some process waited for a processor.
  package let processor: Double?
  /// Some process waited for memory.
  package let memory: Double?
  /// All processes waited for storage.
  package let storage: Double?

  /// - Parameters: the contents of `cpu`, `memory` and `io` in /proc/pressure.
  package init(processor: [UInt8]?, memory: [UInt8]?, storage: [UInt8]?) {
    self.processor = processor.flatMap { Self.average("some", in: $0) }
    self.memory = memory.flatMap { Self.average("some", in: $0) }
    self.storage = storage.flatMap { Self.average("full", in: $0) }
  }

  /// Whether this explains that a process sends nothing for a minute. A busy machine is not starved: with more processes
  /// than processors some of them always wait, but not for seconds.
  package var isStarved: Bool {
    (processor ?? 0) >= 80 || (memory ?? 0) >= 40 || (storage ?? 0) >= 60
  }

  /// `some avg10=0.00 avg60=3.94 avg300=7.94 total=7199047157`
  private static func average(_ kind: String, in bytes: [UInt8]) -> Double? {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let fields = lines.first { $0.hasPrefix("\(kind) ") }?.split(separator: " ")
    return fields?.first { $0.hasPrefix("avg60=") }.flatMap { Double($0.dropFirst(6)) }
  }
}

extension MachinePressure {
  /// Whether a process that sends nothing may only lack processor time, memory or the disk. One that is stopped does not.
  static func starves(process: Int32?) -> Bool {
    if let process, ProcessTable.isStopped(process) { return false }
    return files.contains { cpu, memory, io in
      MachinePressure(processor: read(cpu), memory: read(memory), storage: read(io)).isStarved
    }
  }

  /// Of the machine, and of the control group of this process, whose share may be limited.
  private static var files: [(cpu: String, memory: String, io: String)] {
    let groups = (read("/proc/self/cgroup") ?? []).split(separator: UInt8(ascii: "\n"))
    let own = groups.first { $0.starts(with: Array("0::/".utf8)) }.map {
      String(decoding: $0.dropFirst(3), as: UTF8.self)
    }
    let group = "/sys/fs/cgroup" + (own.map { $0 == "/" ? "" : $0 } ?? "")
    return [
      ("/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io"),
      ("\(group)/cpu.pressure", "\(group)/memory.pressure", "\(group)/io.pressure"),
    ]
  }

  private static func read(_ path: String) -> [UInt8]? { try? SmallFile.read(path, max: 65_536) }
}
