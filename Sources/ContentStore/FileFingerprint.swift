// SPDX-License-Identifier: Apache-2.0

package import Glibc

/// What tells that a file is still the one that was hashed, without reading it.
package struct FileFingerprint: Hashable, Sendable {
  package let device: UInt64
  package let inode: UInt64
  /// In bytes.
  package let size: Int64
  /// Nanoseconds since 1970: of the last write.
  package let modified: Int64
  /// Nanoseconds since 1970: of the last change of bytes, name or rights. No program can set it back.
  package let changed: Int64

  package init(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
  }

  package init(_ status: stat) {
    self.init(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modified: Self.nanoseconds(status.st_mtim), changed: Self.nanoseconds(status.st_ctim))
  }

  /// Whole seconds of the last write, since 1970.
  package var modifiedSeconds: Int64 { modified.dividedDown(by: 1_000_000_000) }

  /// Saturates: a file system may claim any time.
  static func nanoseconds(_ time: timespec) -> Int64 {
    let (product, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return time.tv_sec < 0 ? .min : .max }
    let (sum, carry) = product.addingReportingOverflow(Int64(time.tv_nsec))
    return carry ? .max : sum
  }
}

extension Int64 {
  /// Division that rounds towards minus infinity; the divisor is positive.
  fileprivate func dividedDown(by divisor: Int64) -> Int64 {
    self / divisor - (self % divisor < 0 ? 1 : 0)
  }
}
