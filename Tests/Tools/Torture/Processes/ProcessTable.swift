// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import TestSupport

/// Processes as shown in /proc: proc(5).
enum ProcessTable {
  struct Usage {
    /// Resident size in KiB.
    let memory: Int
    let descriptors: Int
    let threads: Int
  }

  /// `nil` if it has ended.
  static func usage(of pid: Int32) -> Usage? {
    guard let status = text("/proc/\(pid)/status"), let descriptors = entries(of: "/proc/\(pid)/fd") else { return nil }
    func field(_ name: String) -> Int? {
      status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        .flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }.flatMap { Int($0) }
    }
    guard let memory = field("VmRSS") else { return nil }
    return Usage(memory: memory, descriptors: descriptors.count, threads: field("Threads") ?? 0)
  }

  /// The path of its program; `nil` if it has ended.
  static func executable(of pid: Int32) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/\(pid)/exe", &buffer, buffer.count)
    guard count > 0 else { return nil }
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func parent(of pid: Int32) -> Int32? {
    // The name in parentheses may contain parentheses.
    text("/proc/\(pid)/stat").flatMap { $0[($0.lastIndex(of: ")") ?? $0.endIndex)...].split(separator: " ") }
      .flatMap { $0.count > 2 ? Int32($0[2]) : nil }
  }

  /// All running processes with this `P2P_HOME`.
  static func processes(withHome home: String) -> [Int32] {
    let mark = Array("P2P_HOME=\(home)".utf8)
    return (entries(of: "/proc") ?? []).compactMap { Int32($0) }.filter { pid in
      guard let environment = TemporaryDirectory.read("/proc/\(pid)/environ") else { return false }
      return environment.split(separator: 0).contains { $0.elementsEqual(mark) }
    }
  }

  static func entries(of directory: String) -> [String]? {
    try? DirectoryNames.read(directory, max: 1 << 20) { String(decoding: $0, as: UTF8.self) }
  }

  private static func text(_ path: String) -> String? {
    TemporaryDirectory.read(path).map { String(decoding: $0, as: UTF8.self) }
  }
}
