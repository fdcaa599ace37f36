// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The environment that this process was given.
enum ProcessEnvironment {
  /// From /proc/self/environ (proc(5)), because C's own list is no safe thing to read; at most 1 MiB of it.
  static func inherited() -> [String: String] {
    let file = open("/proc/self/environ", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [:] }
    defer { close(file) }
    var bytes = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < 1 << 20 {
      let count = read(file, &chunk, chunk.count)
      guard count > 0 else { break }
      bytes += chunk.prefix(count)
    }
    return parse(bytes)
  }

  /// `NAME=value` with a zero byte after each.
  static func parse(_ bytes: [UInt8]) -> [String: String] {
    var variables = [String: String]()
    for entry in bytes.split(separator: 0) {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")), equals > entry.startIndex else { continue }
      variables[String(decoding: entry[..<equals], as: UTF8.self)] =
        String(decoding: entry[entry.index(after: equals)...], as: UTF8.self)
    }
    return variables
  }
}
