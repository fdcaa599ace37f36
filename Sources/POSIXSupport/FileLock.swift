// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An exclusive lock on a file that is created if missing and never removed: flock(2).
///
/// The lock belongs to the open file: it ends with `release`, with this value or with the process, however that ends.
/// A POSIX lock (fcntl(2)) would end as soon as anything in this process closed another descriptor of the file.
package struct FileLock: ~Copyable, Sendable {
  /// Open for reading and writing.
  package let descriptor: CInt

  private static let attempts = 10
  private static let pause: UInt32 = 10_000

  /// Waits for a tenth of a second at most, because `isHeld` takes the lock for an instant. Does not follow a link.
  /// - Throws: `EWOULDBLOCK` if another open file holds the lock.
  package init(_ path: String) throws(SystemError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw SystemError(errno) }
    var attempt = 1
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let error = SystemError(errno)
      guard error.code == EWOULDBLOCK, attempt < Self.attempts else {
        close(descriptor)
        throw error
      }
      attempt += 1
      usleep(Self.pause)
    }
    self.descriptor = descriptor
  }

  /// Whether some process holds the lock of this file. False also if the file does not exist or cannot be read.
  ///
  /// It takes the lock for an instant.
  package static func isHeld(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  /// Lets another take the lock before this value ends.
  package func release() {
    _ = flock(descriptor, LOCK_UN)
  }

  deinit { close(descriptor) }
}
