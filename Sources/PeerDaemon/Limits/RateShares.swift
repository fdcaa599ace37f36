// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Divides a rate among the transfers of one direction: a token bucket whose grants go out by fair queueing.
///
/// A transfer asks before it moves bytes and moves no more than it was granted. Grants are small, at most about a hundred per
/// second, so that many transfers advance together. A value without clock and I/O.
package struct RateShares<Waiter> {
  package typealias Grant = (waiter: Waiter, bytes: Int)

  /// Unused time that may be caught up: a timer that fires late costs no bytes.
  private static var burst: Double { 0.1 }
  private static var grantsPerSecond: Int64 { 100 }
  /// Bytes of one grant.
  package static var minGrant: Int64 { 1024 }
  package static var maxGrant: Int64 { 256 * 1024 }

  /// Bytes per second, at least 1; `nil` for no limit.
  package private(set) var rate: Int64?
  /// Bytes that may be granted now; negative for what was granted ahead, at most one grant.
  private var balance = 0.0
  private var last: NIODeadline
  private var queue = FairQueue<Waiter>()

  package init(rate: Int64? = nil, at now: NIODeadline) {
    self.rate = rate.map { max($0, 1) }
    last = now
  }

  package var waiting: Int { queue.count }

  /// Changes the limit. What was granted before does not count against it.
  /// - Returns: all waiters if there is no limit any more, else those that may go on now.
  package mutating func set(_ rate: Int64?, at now: NIODeadline) -> [Grant] {
    let rate = rate.map { max($0, 1) }
    guard rate != self.rate else { return [] }
    (self.rate, balance, last) = (rate, 0, max(now, last))
    return due(at: now)
  }

  /// Asks for bytes of one transfer.
  /// - Returns: the bytes that are granted; `nil` if it has to wait for `due`.
  package mutating func ask(_ waiter: Waiter, of client: ObjectIdentifier, at now: NIODeadline) -> Int? {
    guard rate != nil else { return Int(grant) }
    refill(at: now)
    queue.add(waiter, of: client, cost: grant)
    guard queue.count == 1, balance >= 0, queue.next() != nil else { return nil }
    balance -= Double(grant)
    return Int(grant)
  }

  /// The grants that are due, in order.
  package mutating func due(at now: NIODeadline) -> [Grant] {
    refill(at: now)
    var grants = [Grant]()
    while rate == nil || balance >= 0, let waiter = queue.next() {
      if rate != nil { balance -= Double(grant) }
      grants.append((waiter, Int(grant)))
    }
    return grants
  }

  /// When to call `due`; `nil` if nobody waits.
  package var next: NIODeadline? {
    guard queue.count > 0, let rate else { return nil }
    let nanoseconds = max(-balance, 0) / Double(rate) * 1e9
    return last + .nanoseconds(nanoseconds < 1e18 ? Int64(nanoseconds.rounded(.up)) : 1_000_000_000_000_000_000)
  }

  /// Takes back what was granted and not used.
  package mutating func giveBack(_ bytes: Int) {
    guard let rate else { return }
    balance = min(balance + Double(max(bytes, 0)), Self.burst * Double(rate))
  }

  /// The transfer has ended.
  package mutating func forget(_ client: ObjectIdentifier) {
    queue.forget(client)
  }

  private var grant: Int64 {
    min(max((rate ?? .max) / Self.grantsPerSecond, Self.minGrant), Self.maxGrant)
  }

  private mutating func refill(at now: NIODeadline) {
    guard now > last else { return }
    if let rate {
      let seconds = Double((now - last).nanoseconds) / 1e9
      balance = min(balance + seconds * Double(rate), Self.burst * Double(rate))
    }
    last = now
  }
}
