// SPDX-License-Identifier: Apache-2.0

/// What /proc tells of a process: proc(5).
package enum ProcessTable {
  /// Changes with every boot of the machine; empty where /proc does not tell.
  package static func bootIdentifier() -> String {
    let bytes = (try? SmallFile.read("/proc/sys/kernel/random/boot_id")) ?? []
    return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
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
