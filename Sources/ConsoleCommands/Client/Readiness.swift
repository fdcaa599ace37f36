// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Waits for a descriptor, at most so long, and not beyond Ctrl-C.
package enum Readiness {
  /// - Parameter deadline: `nil` waits for ever.
  /// - Returns: false where the time is over.
  package static func wait(
    for descriptor: Int32, events: Int16 = Int16(POLLIN), until deadline: ContinuousClock.Instant?
  ) throws(ControlError) -> Bool {
    while true {
      var watched = [
        pollfd(fd: descriptor, events: events, revents: 0),
        pollfd(fd: InterruptSignal.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      let remaining = deadline.map { milliseconds($0 - .now) } ?? -1
      let count = poll(&watched, nfds_t(watched.count), remaining)
      if count < 0, errno != EINTR { throw .system("", call: "poll", errno: errno) }
      if count > 0, watched[1].revents != 0, InterruptSignal.take() { throw .interrupted }
      if count > 0, watched[0].revents != 0 { return true }
      if count == 0 { return false }
    }
  }

  private static func milliseconds(_ duration: Duration) -> Int32 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    // Rounded up, so that a wait never ends before its time.
    return Int32(clamping: min(seconds, 1 << 20) * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}
