// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

/// Admits one process to a state directory; ends with the process, however that ends, or with `release`.
final class StateLock: Sendable {
  private let lock: FileLock

  /// - Throws: `.catalogueInUse` if another process has it.
  init(directory: String) throws(StoreError) {
    let path = "\(directory)/lock"
    do throws(SystemError) {
      lock = try FileLock(path)
    } catch {
      guard error.code == EWOULDBLOCK else { throw .writing(path, error.code) }
      throw StoreError(.catalogueInUse, directory, "another peer runs with this state")
    }
  }

  /// Lets another process in before this one ends.
  func release() { lock.release() }
}
