// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Lets one report through per 100 ms. Called from any thread.
final class Throttle: Sendable {
  private static let interval = TimeAmount.milliseconds(100)

  private let next = Mutex(NIODeadline.now())

  /// Whether to report now; if so, the next report is due after the interval.
  func isDue() -> Bool {
    let now = NIODeadline.now()
    return next.withLock { next in
      guard now >= next else { return false }
      next = now + Self.interval
      return true
    }
  }
}
