// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemPackage

/// Whole small files of the supervisor itself.
package enum SmallFile {
  /// `nil` where there is none or it cannot be read; at most `limit` bytes.
  package static func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while bytes.count < limit {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      guard count > 0 else { break }
      bytes += chunk.prefix(count)
    }
    return Array(bytes.prefix(limit))
  }

  /// Replaces the file: whoever reads it finds the old or the new content, also after kill -9.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(Errno) {
    let temporary = "\(path).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    let file = FileDescriptor(rawValue: descriptor)
    do {
      try file.closeAfter { _ = try file.writeAll(bytes) }
    } catch {
      unlink(temporary)
      throw (error as? Errno) ?? .ioError
    }
    guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
  }
}
