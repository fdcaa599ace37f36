// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// How much memory a process may use.
package enum MachineMemory {
  /// That of the machine, or less if a control group of this process is limited (memory.max of cgroups(7), version 2), in
  /// bytes.
  package static var available: Int {
    let machine = sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE))
    return min(machine > 0 ? machine : .max, limit(ofGroups: read("/proc/self/cgroup")) { read($0) })
  }

  /// The least limit of a control group and those that contain it; `.max` without one.
  ///
  /// - Parameters:
  ///   - groups: /proc/self/cgroup (cgroups(7)).
  ///   - read: gives the contents of a file.
  package static func limit(ofGroups groups: String?, read: (String) -> String?) -> Int {
    let own = (groups ?? "").split(separator: "\n").first { $0.hasPrefix("0::/") }?.dropFirst(4)
    var parts = (own ?? "").segments()
    var least = Int.max
    while true {
      let directory = (["/sys/fs/cgroup"] + parts).joined(separator: "/")
      // `max` is no number.
      if let limit = read("\(directory)/memory.max").flatMap({ Int($0.prefix { $0 != "\n" }) }) {
        least = min(least, limit)
      }
      guard parts.popLast() != nil else { return least }
    }
  }

  private static func read(_ path: String) -> String? {
    (try? SmallFile.read(path, max: 65_536)).map { String(decoding: $0, as: UTF8.self) }
  }
}
