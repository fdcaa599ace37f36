// SPDX-License-Identifier: Apache-2.0

import IndexServer
import NIOCore
import Testing

@Suite struct RequestRatesTests {
  private let rates = RequestRates<String>()
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

  private func isWithin(after milliseconds: Int64) -> Bool {
    rates.isWithin("a", limit: 1000, at: start + .milliseconds(milliseconds))
  }

  @Test func `requests are as many as the limit in a second, and at once`() {
    #expect((0..<5).map { _ in rates.take("a", limit: 3, at: start) } == [true, true, true, false, false])
    #expect(rates.take("b", limit: 3, at: start))
    #expect(!rates.take("a", limit: 3, at: start + .milliseconds(300)))
    #expect(rates.take("a", limit: 3, at: start + .milliseconds(400)))
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
}
