// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerDaemon
import TestSupport
import Testing

/// Transfers that share a rate, on a virtual clock.
@Suite struct RateSharesTests {
  private final class Client {}

  /// Transfers that always want to move more than they may, and what they have moved.
  private struct Line {
    var shares: RateShares<Int>
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var clients: [Client] = []
    var moved: [Int64] = []
    /// Timers fire this much late at most.
    var lateness: Int64
    var random = SeededGenerator(seed: 7)

    init(rate: Int64?, clients count: Int, lateness: Int64 = 2) {
      shares = RateShares(rate: rate, at: now)
      self.lateness = lateness
      for _ in 0..<count { join() }
    }

    mutating func join() {
      clients.append(Client())
      moved.append(0)
      ask(clients.count - 1)
    }

    private mutating func ask(_ client: Int) {
      guard let bytes = shares.ask(client, of: ObjectIdentifier(clients[client]), at: now) else { return }
      take([(client, bytes)])
    }

    mutating func take(_ grants: [RateShares<Int>.Grant]) {
      for (client, bytes) in grants {
        moved[client] += Int64(bytes)
        ask(client)
      }
    }

    mutating func run(_ time: TimeAmount) {
      let end = now + time
      while let next = shares.next, next <= end {
        now = max(now, next) + .milliseconds(Int64.random(in: 0...lateness, using: &random))
        take(shares.due(at: now))
      }
      now = max(now, end)
    }

    mutating func set(_ rate: Int64?) { take(shares.set(rate, at: now)) }
    var total: Int64 { moved.reduce(0, +) }
  }

  @Test(arguments: [10_000, 1_000_000, 10_000_000, 100_000_000] as [Int64], [1, 3, 50])
  func `transfers together keep to the rate within 5 % over 5 s`(_ rate: Int64, _ clients: Int) {
    var line = Line(rate: rate, clients: clients)
    for _ in 0..<4 {
      let before = line.total
      line.run(.seconds(5))
      let moved = Double(line.total - before)
      #expect(abs(moved - 5 * Double(rate)) <= 0.05 * 5 * Double(rate), "\(moved)")
    }
  }

  @Test func `late timers cost no bytes`() {
    var line = Line(rate: 10_000_000, clients: 2, lateness: 80)
    line.run(.seconds(10))
    #expect(abs(Double(line.total) - 1e8) < 0.02 * 1e8, "\(line.total)")
  }

  @Test func `50 transfers at 1 MB per second all advance, by equal parts`() throws {
    var line = Line(rate: 1_000_000, clients: 50)
    for _ in 0..<5 {
      let before = line.moved
      line.run(.seconds(2))
      #expect(zip(line.moved, before).allSatisfy { $0 > $1 })
    }
    let (least, most) = (try #require(line.moved.min()), try #require(line.moved.max()))
    #expect(Double(least) > 0.9 * Double(most), "\(least) … \(most)")
  }

  @Test func `transfer with many connections has the share of one`() {
    var shares = RateShares<String>(rate: 1_000_000, at: .uptimeNanoseconds(0))
    let (one, many) = (Client(), Client())
    var moved = ["one": 0, "many": 0]
    var now = NIODeadline.uptimeNanoseconds(0)
    let ask = { (shares: inout RateShares<String>, name: String) in
      shares.ask(name, of: ObjectIdentifier(name == "one" ? one : many), at: now)
    }
    for _ in 0..<32 { if let bytes = ask(&shares, "many") { moved["many", default: 0] += bytes } }
    _ = ask(&shares, "one")
    while now < .uptimeNanoseconds(5_000_000_000), let next = shares.next {
      now = max(now, next)
      for (name, bytes) in shares.due(at: now) {
        moved[name, default: 0] += bytes
        _ = ask(&shares, name)
      }
    }
    #expect(Double(moved["one", default: 0]) > 0.9 * Double(moved["many", default: 0]), "\(moved)")
  }

  @Test func `new transfer waits for no backlog of others`() {
    var line = Line(rate: 1_000_000, clients: 20)
    line.run(.seconds(3))
    line.join()
    line.run(.milliseconds(250))
    #expect(line.moved[20] > 0)
  }

  @Test func `limit that changes in mid-transfer holds at once`() {
    var line = Line(rate: 1_000_000, clients: 3)
    line.run(.seconds(5))
    for rate: Int64 in [10_000_000, 100_000, 1_000_000] {
      let before = line.total
      line.set(rate)
      line.run(.seconds(5))
      let moved = Double(line.total - before)
      #expect(abs(moved - 5 * Double(rate)) <= 0.05 * 5 * Double(rate), "\(moved) at \(rate)")
    }
  }

  @Test func `end of the limit releases all who wait`() {
    var shares = RateShares<Int>(rate: 1, at: .uptimeNanoseconds(0))
    let clients = (0..<5).map { _ in Client() }
    #expect(shares.ask(0, of: ObjectIdentifier(clients[0]), at: .uptimeNanoseconds(0)) != nil)
    for number in 1..<5 {
      #expect(shares.ask(number, of: ObjectIdentifier(clients[number]), at: .uptimeNanoseconds(0)) == nil)
    }
    #expect(shares.set(nil, at: .uptimeNanoseconds(1)).map(\.waiter).sorted() == [1, 2, 3, 4])
    #expect(shares.next == nil && shares.waiting == 0)
    #expect(shares.ask(9, of: ObjectIdentifier(clients[0]), at: .uptimeNanoseconds(1)) != nil)
  }

  @Test func `idle time is not saved up`() {
    let client = Client()
    var shares = RateShares<Int>(rate: 1_000_000, at: .uptimeNanoseconds(0))
    let now = NIODeadline.uptimeNanoseconds(3_600_000_000_000)
    var burst = 0
    while let bytes = shares.ask(0, of: ObjectIdentifier(client), at: now) { burst += bytes }
    // A tenth of a second may be caught up, and one grant goes ahead.
    #expect((100_000...120_000).contains(burst), "\(burst)")
  }

  @Test func `what is given back is granted to others`() {
    let client = Client()
    var shares = RateShares<Int>(rate: 1_000_000, at: .uptimeNanoseconds(0))
    let first = shares.ask(0, of: ObjectIdentifier(client), at: .uptimeNanoseconds(0)) ?? 0
    #expect(shares.ask(1, of: ObjectIdentifier(client), at: .uptimeNanoseconds(0)) == nil)
    shares.giveBack(first)
    #expect(shares.due(at: .uptimeNanoseconds(0)).map(\.waiter) == [1])
    shares.giveBack(.max)
    shares.giveBack(-5)
  }

  @Test func `extreme rates and a clock that goes back are harmless`() throws {
    let client = Client()
    for rate in [Int64.min, 0, 1, .max] {
      var shares = RateShares<Int>(rate: rate, at: .uptimeNanoseconds(5))
      #expect(try #require(shares.rate) >= 1)
      _ = shares.ask(0, of: ObjectIdentifier(client), at: .uptimeNanoseconds(0))
      _ = shares.ask(1, of: ObjectIdentifier(client), at: .uptimeNanoseconds(0))
      _ = shares.next
      _ = shares.due(at: .distantFuture)
    }
  }
}
