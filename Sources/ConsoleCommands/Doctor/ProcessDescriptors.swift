// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many descriptors a process has open and may have: proc(5).
enum ProcessDescriptors {
  /// `nil` where the process has gone or belongs to another user.
  static func of(_ pid: Int32, named name: String) -> DoctorFacts.Descriptors? {
    guard let limit = limit(FileText.read("/proc/\(pid)/limits") ?? ""), let directory = opendir("/proc/\(pid)/fd")
    else {
      return nil
    }
    defer { closedir(directory) }
    var entries = 0
    while readdir(directory) != nil { entries += 1 }
    // Without `.` and `..`.
    return DoctorFacts.Descriptors(process: name, open: max(0, entries - 2), limit: limit)
  }

  /// The soft limit in the text of /proc/PID/limits.
  static func limit(_ limits: String) -> Int? {
    let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
    return line?.split(separator: " ").dropFirst(3).first.flatMap { $0 == "unlimited" ? .max : Int($0) }
  }
}

/// A small file as text.
enum FileText {
  private static let most = 1 << 16

  /// At most 64 KiB; `nil` where it cannot be read.
  static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: most)
    var count = 0
    while count < most {
      let taken = bytes[count...].withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      guard taken > 0 else { break }
      count += taken
    }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
