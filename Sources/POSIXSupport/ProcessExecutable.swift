// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The program that a process runs: /proc/PID/exe in proc(5).
package enum ProcessExecutable {
  /// The last part of the path with which it was started, also after that file was replaced or removed. `nil` if there is
  /// no such process, if it belongs to another user, or if /proc is not mounted.
  package static func name(of pid: Int32) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 16)
    let count = readlink("/proc/\(pid)/exe", &bytes, bytes.count)
    guard count > 0 else { return nil }
    return name(ofLink: String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  /// `/usr/bin/p2p-peer (deleted)` → `p2p-peer`
  package static func name(ofLink link: String) -> String {
    let suffix = " (deleted)"
    let path = link.hasSuffix(suffix) ? link.dropLast(suffix.count) : Substring(link)
    return path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? ""
  }
}
