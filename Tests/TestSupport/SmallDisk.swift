// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A directory on a small file system of its own, which is unmounted at the end.
package final class SmallDisk {
  private static let size = 12 << 20

  /// Whether this process has the right to mount.
  package static let canMount = geteuid() == 0 && system("/usr/bin/unshare --mount true 2>/dev/null") == 0

  package let directory: TemporaryDirectory
  package var path: String { directory.path }

  package init() throws {
    directory = try TemporaryDirectory()
    guard mount("p2p-test", path, "tmpfs", 0, "size=\(Self.size),mode=0700") == 0 else {
      throw RawConnection.Failure(description: "mount: \(errno)")
    }
  }

  deinit { umount2(path, Int32(MNT_DETACH)) }

  /// Leaves not a single block.
  package func fill() throws {
    let file = open(path + "/ballast", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    guard file >= 0 else { throw RawConnection.Failure(description: "open: \(errno)") }
    defer { close(file) }
    let block = [UInt8](repeating: 1, count: 4_096)
    while write(file, block, block.count) > 0 {}
  }

  package func free() { unlink(path + "/ballast") }
}
