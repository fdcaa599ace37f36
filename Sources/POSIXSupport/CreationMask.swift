// SPDX-License-Identifier: Apache-2.0

/// The permissions that new files of this process do not get: umask(2).
package enum CreationMask {
  /// As of the first use. Read from /proc, because umask(2) cannot read without setting, which would affect other threads.
  package static let current: UInt32 = read() ?? 0o022

  private static func read() -> UInt32? {
    guard let bytes = try? SmallFile.read("/proc/self/status") else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix("Umask:") }) else { return nil }
    return UInt32(line.dropFirst("Umask:".count).filter { !$0.isWhitespace }, radix: 8)
  }
}
