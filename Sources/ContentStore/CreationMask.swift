// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The rights that new files of this process do not get (umask(2)).
enum CreationMask {
  /// As it was at the first question. Read from /proc: the call itself cannot read without setting, which other
  /// threads would notice.
  static let current: mode_t = read() ?? 0o022

  private static func read() -> mode_t? {
    guard let stream = fopen("/proc/self/status", "re") else { return nil }
    defer { fclose(stream) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), stream) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("Umask:") else { continue }
      return mode_t(text.dropFirst("Umask:".count).filter { !$0.isWhitespace }, radix: 8)
    }
    return nil
  }
}
