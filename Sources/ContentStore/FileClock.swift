// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The clock that stamps files, and the timeout to let it tick.
///
/// Linux stamps with a clock that moves a few milliseconds at a time: a file that is written, hashed and written again
/// within one tick looks unchanged. (Git knows the same as a racy index entry.)
package struct FileClock: Sendable {
  /// Nanoseconds since 1970 as a file changed now would show.
  let now: @Sendable () -> Int64
  /// Waits for about as many nanoseconds.
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

  /// Waits until a change would get another time stamp than the file has: 20 ms at most. False where it still would
  /// not: a file system that counts whole seconds, or a clock that was set back.
  func waitUntilLaterChangeShows(_ fingerprint: FileFingerprint) -> Bool {
    let stamp = max(fingerprint.changed, fingerprint.modified)
    // Without a fraction the file system most likely keeps seconds, some only every second one.
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
