// SPDX-License-Identifier: Apache-2.0

import IndexServer
import NIOCore
import Testing

@Suite struct RequestRatesTests {
  private let rates = RequestRates<String>()
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

  private func isWithin(after milliseconds: Int64) -> Bool {
    rates.wait("a", limit: 1000, at: start + .milliseconds(milliseconds)) == nil
  }

  @Test func `requests are as many as the limit in a second, and at once`() {
    #expect((0..<5).map { _ in rates.take("a", limit: 3, at: start) } == [nil, nil, nil, 1, 1])
    #expect(rates.take("b", limit: 3, at: start) == nil)
    #expect(rates.take("a", limit: 3, at: start + .milliseconds(300)) == 1)
    #expect(rates.take("a", limit: 3, at: start + .milliseconds(400)) == nil)
  }

  @Test(arguments: [
    (11_000, 0, 10), (11_000, 300, 10), (11_000, 9300, 1), (11_001, 0, 11), (1001, 0, 1), (1000, 0, nil),
    (.max, 0, 86_400 as Int?),
  ])
  func `a refusal says after how many seconds it is not repeated`(sent: Int, milliseconds: Int64, wait: Int?) {
    rates.spend(sent, "a", limit: 1000, at: start)
    let time = start + .milliseconds(milliseconds)
    #expect(rates.wait("a", limit: 1000, at: time) == wait)
    if let wait, wait < 86_400 { #expect(rates.wait("a", limit: 1000, at: time + .seconds(Int64(wait))) == nil) }
  }

  @Test func `a long reply is made up for as a whole`() {
    rates.spend(61_000, "a", limit: 1000, at: start)
    #expect(!isWithin(after: 59_900))
    #expect(isWithin(after: 60_100))
  }

  @Test func `a debt that is bounded is made up for in that time, however much was sent`() {
    for _ in 0..<100 { rates.spend(1_000_000, "a", limit: 1000, at: start, maxDebt: 3) }
    #expect(!isWithin(after: 2900))
    #expect(isWithin(after: 3100))
  }

  @Test func `a bounded debt neither shortens a longer one nor makes it longer`() {
    rates.spend(11_000, "a", limit: 1000, at: start)
    rates.spend(5000, "a", limit: 1000, at: start, maxDebt: 3)
    #expect(!isWithin(after: 9900))
    #expect(isWithin(after: 10_100))
  }

  private func owe(_ keys: Range<Int>, _ amount: Double, at time: NIODeadline, in buckets: inout RateBuckets<Int>) {
    for key in keys { buckets.change(key, limit: 1000, at: time) { $0 -= amount } }
  }

  @Test func `debtors that went away are forgotten when their debt is made up for`() {
    var buckets = RateBuckets<Int>()
    let minSwept = RateBuckets<Int>.minSwept
    owe(0..<minSwept, 5000, at: start, in: &buckets)
    // Five seconds after they owed 4000, nothing is left to remember.
    owe(minSwept..<(minSwept + 1), 1, at: start + .seconds(5), in: &buckets)
    #expect(buckets.count == 1 && buckets.nextSweep == minSwept)
  }

  @Test func `a sweep forgets no debt`() {
    var buckets = RateBuckets<Int>()
    let minSwept = RateBuckets<Int>.minSwept
    owe(0..<minSwept, 5000, at: start, in: &buckets)
    owe(minSwept..<(minSwept + 1), 1, at: start + .seconds(3), in: &buckets)
    let left = buckets.change(0, limit: 1000, at: start + .seconds(3)) { $0 }
    #expect(buckets.count == minSwept + 1 && left == -1000)
  }

  @Test func `many keys in use are looked at seldom, not at each request`() {
    var buckets = RateBuckets<Int>()
    var sweeps = 0
    for key in 0..<100_000 {
      let next = buckets.nextSweep
      owe(key..<(key + 1), 1, at: start, in: &buckets)
      if buckets.nextSweep != next { sweeps += 1 }
    }
    // 4096, 8192, ... 65536
    #expect(buckets.count == 100_000 && sweeps == 5)
  }
}
