// SPDX-License-Identifier: Apache-2.0

/// The timeout argument of poll(2): whole milliseconds, rounded up, because a rest below one would be spent in a busy loop.
package enum PollTimeout {
  /// - Parameter deadline: `nil` waits without a limit, −1.
  package static func milliseconds(until deadline: SuspendingClock.Instant?, now: SuspendingClock.Instant) -> Int32 {
    deadline.map { milliseconds(now.duration(to: $0)) } ?? -1
  }

  /// 0 for a negative duration.
  package static func milliseconds(_ duration: Duration) -> Int32 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return Int32(clamping: min(seconds, 1_000_000) * 1_000 + rest)
  }
}
