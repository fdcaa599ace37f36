// SPDX-License-Identifier: Apache-2.0

/// The wait of poll(2): whole milliseconds, rounded up lest the rest of one is spent in a busy loop; −1 for ever.
package enum PollTimeout {
  package static func milliseconds(until deadline: SuspendingClock.Instant?, now: SuspendingClock.Instant) -> Int32 {
    guard let deadline else { return -1 }
    let (seconds, attoseconds) = now.duration(to: deadline).components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return Int32(clamping: min(seconds, 1_000_000) * 1_000 + rest)
  }
}
