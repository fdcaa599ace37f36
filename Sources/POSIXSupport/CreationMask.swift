// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The permissions that new files of this process do not get: umask(2).
package enum CreationMask {
  /// As of the first use. Read from /proc, because umask(2) cannot read without setting, which would affect other threads.
  package static let current: UInt32 = read() ?? 0o022

  private static func read() -> UInt32? {
    guard let stream = fopen("/proc/self/status", "re") else { return nil }
    defer { fclose(stream) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), stream) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("Umask:") else { continue }
      return UInt32(text.dropFirst("Umask:".count).filter { !$0.isWhitespace }, radix: 8)
    }
    return nil
  }
}
