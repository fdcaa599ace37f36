// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Says that one process, and no other, works in a directory; ends with the process, however that ends, or by `release`.
final class StateLock: Sendable {
  private let file: OpenFile

  /// - Throws: `.catalogueInUse`.
  init(directory: String) throws(StoreError) {
    let path = "\(directory)/lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .writing(path, errno) }
    file = OpenFile(descriptor: descriptor, path: path)
    // flock, not a POSIX lock: that one would go with any close of the file in this process.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw StoreError(.catalogueInUse, directory, "another peer runs with this state")
    }
  }

  /// From now on another may work there.
  func release() {
    _ = flock(file.descriptor, LOCK_UN)
  }
}
