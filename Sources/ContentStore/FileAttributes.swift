// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

/// What a finished download gets besides its bytes.
package struct FileAttributes: Equatable, Sendable {
  /// Permission bits of chmod(2).
  let permissions: mode_t
  /// Seconds since 1970; `nil` for now.
  let modified: Int64?

  /// - Parameters:
  ///   - mask: permissions that the file does not get; `nil` for those of this process.
  ///   - modified: seconds since 1970; `nil` for now.
  package init(mask: UInt32? = nil, isExecutable: Bool = false, modified: Int64? = nil) {
    permissions = (isExecutable ? 0o777 : 0o666) & ~(mask ?? CreationMask.current)
    self.modified = modified
  }

  func apply(to descriptor: CInt) -> Bool {
    guard fchmod(descriptor, permissions) == 0 else { return false }
    guard let modified else { return true }
    // UTIME_OMIT: the time of the last access stays.
    let times = [
      timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2), timespec(tv_sec: time_t(modified), tv_nsec: 0),
    ]
    // A file system that cannot store the time keeps its own.
    _ = futimens(descriptor, times)
    return true
  }
}
