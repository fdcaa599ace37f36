// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

/// What /proc tells of a process: proc(5).
package enum ProcessTable {
  /// Changes with every boot of the machine; empty where /proc does not tell.
  package static func bootIdentifier() -> String {
    let bytes = (try? SmallFile.read("/proc/sys/kernel/random/boot_id")) ?? []
    return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
  }

  /// The threads that a process has now.
  package static func threads(of pid: Int32) -> [Int32] {
    guard let directory = opendir("/proc/\(pid)/task") else { return [] }
    defer { closedir(directory) }
    var threads: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let thread = Int32(name) { threads.append(thread) }
    }
    return threads
  }

  /// Whether a process has been killed, or its first thread has ended: it will do nothing more of its own.
  package static func isEnding(_ pid: Int32) -> Bool {
    (try? SmallFile.read("/proc/\(pid)/status")).map(isEnding(inStatus:)) ?? true
  }

  /// By its state, or by a SIGKILL that waits for each of its threads.
  package static func isEnding(inStatus status: [UInt8]) -> Bool {
    let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
    func value(_ name: String) -> Substring? {
      lines.first { $0.hasPrefix("\(name):\t") }?.dropFirst(name.count + 2)
    }
    if let state = value("State"), state.hasPrefix("Z") || state.hasPrefix("X") { return true }
    let kill = UInt64(1) << (SIGKILL - 1)
    return value("SigPnd").flatMap { UInt64($0, radix: 16) }.map { $0 & kill != 0 } ?? false
  }

  /// `nil` where there is no such process.
  package static func startTime(of pid: Int32) -> Int64? {
    (try? SmallFile.read("/proc/\(pid)/stat")).flatMap(startTime(inStat:))
  }

  /// Field 22. The second field is the name in parentheses, which may hold anything, so counting begins behind the last
  /// parenthesis.
  package static func startTime(inStat stat: [UInt8]) -> Int64? {
    guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = stat[end...].dropFirst().split(separator: UInt8(ascii: " "))
    let index = 22 - 3
    guard fields.indices.contains(index) else { return nil }
    return Int64(String(decoding: fields[index], as: UTF8.self))
  }
}
