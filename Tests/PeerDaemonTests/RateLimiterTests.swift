// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerDaemon
import Synchronization
import TestSupport
import Testing

/// On a virtual clock.
@Suite struct RateLimiterTests {
  private final class Clock: Sendable {
    private let time = Mutex(NIODeadline.uptimeNanoseconds(1_000_000_000))

    var now: NIODeadline { time.withLock { $0 } }
    func advance(_ amount: TimeAmount) { time.withLock { $0 = $0 + amount } }
  }

  private let clock = Clock()

  private func limiter(_ rate: Int64?) -> RateLimiter {
    let limiter = RateLimiter { [clock] in clock.now }
    limiter.set(rate)
    return limiter
  }

  @Test(arguments: [1_000, 1_000_000, 1_000_000_000] as [Int64])
  func `receivers together keep to the rate`(_ rate: Int64) {
    let limiter = limiter(rate)
    var random = SeededGenerator(seed: 7)
    let start = clock.now
    // The times at which three receivers may receive again.
    var free = [start, start, start]
    var received: Int64 = 0
    let part = max(1, Int(rate / 50))
    while clock.now - start < .seconds(20) {
      for index in free.indices where free[index] <= clock.now {
        let count = Int.random(in: 1...part, using: &random)
        let wait = limiter.wait()
        guard wait == .zero else {
          free[index] = clock.now + wait
          continue
        }
        received += Int64(count)
        free[index] = clock.now + limiter.spend(count)
      }
      clock.advance(.milliseconds(1))
    }
    let expected = Double(rate) * 20
    #expect(abs(Double(received) - expected) < 0.02 * expected, "\(received) of \(expected)")
  }

  @Test func `debt is waited for`() {
    var bucket = TokenBucket(rate: 1_000, at: .uptimeNanoseconds(0))
    #expect(bucket.spend(500, at: .uptimeNanoseconds(0)) == .milliseconds(500))
    #expect(bucket.wait(at: .uptimeNanoseconds(200_000_000)) == .milliseconds(300))
    #expect(bucket.spend(700, at: .uptimeNanoseconds(500_000_000)) == .milliseconds(700))
  }

  @Test func `idle time is not saved up`() {
    var bucket = TokenBucket(rate: 1_000, at: .uptimeNanoseconds(0))
    // A tenth of a second may be caught up.
    #expect(bucket.spend(100, at: .uptimeNanoseconds(60_000_000_000)) == .zero)
    #expect(bucket.spend(1_000, at: .uptimeNanoseconds(60_000_000_000)) == .seconds(1))
  }

  @Test func `clock that goes back and huge amounts are harmless`() {
    var bucket = TokenBucket(rate: 0, at: .uptimeNanoseconds(5))
    #expect(bucket.rate == 1)
    #expect(bucket.spend(.max, at: .uptimeNanoseconds(0)) > .zero)
    #expect(bucket.spend(-5, at: .uptimeNanoseconds(0)) > .zero)
  }

  @Test func `without a limit nothing waits`() {
    let limiter = limiter(nil)
    #expect(limiter.rate == nil && limiter.spend(.max) == .zero && limiter.wait() == .zero)
  }

  @Test func `new limit takes effect within a second`() {
    let limiter = limiter(1)
    #expect(limiter.spend(1_000_000) == .seconds(1))
    limiter.set(10_000_000)
    #expect(limiter.rate == 10_000_000 && limiter.wait() == .zero)
    limiter.set(nil)
    #expect(limiter.spend(1_000_000_000) == .zero)
  }
}
