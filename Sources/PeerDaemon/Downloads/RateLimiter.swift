// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// A token bucket that may be overdrawn: what is received is received, and the debt is waited for afterwards.
package struct TokenBucket: Sendable {
  /// Unused time that may be caught up: a receiver that was late does not lose its share.
  private static let burst = 0.1

  /// Bytes per second, at least 1.
  package let rate: Int64
  /// Bytes that may be received now; negative for a debt.
  private var balance: Double
  private var last: NIODeadline

  package init(rate: Int64, at now: NIODeadline) {
    self.rate = max(rate, 1)
    balance = 0
    last = now
  }

  /// Counts received bytes.
  /// - Returns: how long to receive nothing; zero if there is no debt.
  package mutating func spend(_ bytes: Int, at now: NIODeadline) -> TimeAmount {
    refill(at: now)
    balance -= Double(max(bytes, 0))
    return debt
  }

  /// How long to receive nothing.
  package mutating func wait(at now: NIODeadline) -> TimeAmount {
    refill(at: now)
    return debt
  }

  private mutating func refill(at now: NIODeadline) {
    guard now > last else { return }
    let seconds = Double((now - last).nanoseconds) / 1e9
    balance = min(balance + seconds * Double(rate), Self.burst * Double(rate))
    last = now
  }

  private var debt: TimeAmount {
    guard balance < 0 else { return .zero }
    let nanoseconds = -balance / Double(rate) * 1e9
    return .nanoseconds(nanoseconds < 9e18 ? Int64(nanoseconds.rounded(.up)) : .max)
  }
}

/// The limit of all downloads together. Called from any thread.
///
/// A receiver calls `spend` for what it has received and receives nothing for the time that it returns; then it asks `wait`,
/// because the limit may have changed and others may have received meanwhile.
package final class RateLimiter: Sendable {
  /// Longer waits are cut, for a new limit to take effect soon.
  private static let maxWait = TimeAmount.seconds(1)

  private let bucket = Mutex<TokenBucket?>(nil)
  private let isLimited = Atomic<Bool>(false)
  private let now: @Sendable () -> NIODeadline

  package init(now: @escaping @Sendable () -> NIODeadline = { .now() }) {
    self.now = now
  }

  /// In bytes per second; `nil` for no limit.
  package var rate: Int64? { bucket.withLock { $0?.rate } }

  package func set(_ rate: Int64?) {
    let now = now()
    bucket.withLock { bucket in
      guard bucket?.rate != rate else { return }
      bucket = rate.map { TokenBucket(rate: $0, at: now) }
    }
    isLimited.store(rate != nil, ordering: .releasing)
  }

  package func spend(_ bytes: Int) -> TimeAmount {
    guard isLimited.load(ordering: .acquiring) else { return .zero }
    let now = now()
    return min(bucket.withLock { $0?.spend(bytes, at: now) } ?? .zero, Self.maxWait)
  }

  package func wait() -> TimeAmount {
    guard isLimited.load(ordering: .acquiring) else { return .zero }
    let now = now()
    return min(bucket.withLock { $0?.wait(at: now) } ?? .zero, Self.maxWait)
  }
}
