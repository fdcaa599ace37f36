// SPDX-License-Identifier: Apache-2.0

package import Glibc

/// Identifies the state of a file that was hashed, without reading it.
package struct FileFingerprint: Hashable, Sendable {
  package let device: UInt64
  package let inode: UInt64
  /// In bytes.
  package let size: Int64
  /// Time of the last write, in nanoseconds since 1970.
  package let modified: Int64
  /// Time of the last change of bytes, name or permissions, in nanoseconds since 1970. No program can set it back.
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

  /// Whether it is that of the same file, under any name, with the same bytes. The number alone may be used again.
  package func isMoved(from other: FileFingerprint) -> Bool {
    (device, inode, size, modified) == (other.device, other.inode, other.size, other.modified)
  }

  /// Time of the last write, in whole seconds since 1970.
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

/// The clock of file time stamps, and a way to wait until it ticks.
///
/// Linux takes time stamps from a clock that ticks every few milliseconds: a file that is written, hashed and written
/// again within one tick looks unchanged. (Git calls this a racy index entry.)
package struct FileClock: Sendable {
  /// The time stamp that a file changed now would get, in nanoseconds since 1970.
  let now: @Sendable () -> Int64
  /// Waits about this many nanoseconds.
  let pause: @Sendable (Int64) -> Void

  package init(now: @escaping @Sendable () -> Int64, pause: @escaping @Sendable (Int64) -> Void) {
    self.now = now
    self.pause = pause
  }

  package static let system = FileClock(
    now: {
      var time = timespec()
      clock_gettime(CLOCK_REALTIME_COARSE, &time)
      return FileFingerprint.nanoseconds(time)
    },
    pause: { nanoseconds in
      var time = timespec(tv_sec: 0, tv_nsec: Int(min(max(nanoseconds, 0), 999_999_999)))
      nanosleep(&time, nil)
    })

  private static let pauseLength: Int64 = 1_000_000
  /// Kernels tick every 1 to 10 ms.
  private static let maxPauses = 20

  /// Waits, at most 20 ms, until a change of the file would get a new time stamp.
  /// - Returns: false if it still would not: the file system stores whole seconds, or the clock was set back.
  func waitUntilLaterChangeShows(_ fingerprint: FileFingerprint) -> Bool {
    let stamp = max(fingerprint.changed, fingerprint.modified)
    // Without a fraction the file system most likely stores seconds, some only even ones.
    let isCoarse = fingerprint.changed % 1_000_000_000 == 0 && fingerprint.modified % 1_000_000_000 == 0
    let granule: Int64 = isCoarse ? 2_000_000_000 : 1
    for _ in 0..<Self.maxPauses {
      let (age, overflow) = now().subtractingReportingOverflow(stamp)
      if overflow || age >= granule { return true }
      if age < -Self.pauseLength * Int64(Self.maxPauses) || isCoarse { return false }
      pause(Self.pauseLength)
    }
    return false
  }
}
