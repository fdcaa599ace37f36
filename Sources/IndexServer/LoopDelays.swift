// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// How long what reaches an event loop waits before the loop looks at it, as a histogram of the last one to two minutes.
///
/// Measured by tasks that say how late they are: they wait for the loop as a request does.
package struct DelayHistogram: Sendable {
  /// By powers of two of a microsecond, four to each.
  private var counts = [Int](repeating: 0, count: 4 * 40)
  private var total = 0
  /// In microseconds.
  package private(set) var longest = 0

  package init() {}

  package mutating func note(microseconds: Int) {
    counts[Self.bucket(microseconds)] += 1
    total += 1
    longest = max(longest, microseconds)
  }

  package mutating func add(_ other: DelayHistogram) {
    for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
    total += other.total
    longest = max(longest, other.longest)
  }

  /// In microseconds; 0 without values.
  package func quantile(_ share: Double) -> Int {
    var left = Int(Double(total) * share)
    for bucket in counts.indices {
      left -= counts[bucket]
      if left < 0 { return min(longest, Self.upperBound(bucket)) }
    }
    return longest
  }

  private static func bucket(_ value: Int) -> Int {
    guard value >= 4 else { return max(0, value) }
    let exponent = Int.bitWidth - 1 - value.leadingZeroBitCount
    return min(4 * 40 - 1, 4 * (exponent - 1) + (value >> (exponent - 2)) & 3)
  }

  private static func upperBound(_ bucket: Int) -> Int {
    guard bucket >= 4 else { return bucket }
    let exponent = bucket / 4 + 1
    return (bucket % 4 + 5) << (exponent - 2) - 1
  }
}

/// The delays of the last one to two minutes.
final class RecentDelays: Sendable {
  private static let period = TimeAmount.seconds(60)

  private struct Periods {
    var current = DelayHistogram()
    var previous = DelayHistogram()
    var began = NIODeadline.now()
  }

  private let periods = Mutex(Periods())

  func note(_ delay: TimeAmount, at now: NIODeadline) {
    periods.withLock { periods in
      if now - periods.began >= Self.period {
        periods = Periods(current: DelayHistogram(), previous: periods.current, began: now)
      }
      periods.current.note(microseconds: Int(max(0, delay.nanoseconds) / 1000))
    }
  }

  var current: DelayHistogram {
    periods.withLock { periods in
      var sum = periods.current
      sum.add(periods.previous)
      return sum
    }
  }
}

/// Measures the delays of the event loops of an index.
final class LoopDelays: Sendable {
  private static let interval = TimeAmount.milliseconds(10)

  private let delays = RecentDelays()

  /// For as long as this object lives.
  func measure(_ group: any EventLoopGroup) {
    for loop in group.makeIterator() { measure(loop) }
  }

  private func measure(_ loop: any EventLoop) {
    let due = loop.now + Self.interval
    loop.scheduleTask(deadline: due) { [weak self] in
      guard let self else { return }
      let now = loop.now
      delays.note(now - due, at: now)
      measure(loop)
    }
  }

  var current: DelayHistogram { delays.current }
}
