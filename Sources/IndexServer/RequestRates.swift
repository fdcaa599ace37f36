// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import NIOCore
import Synchronization

/// Counts the requests of each address or member, or the bytes of their replies: as many in a second as the limit says, and
/// as many at once.
package final class RequestRates<Key: Hashable & Sendable>: Sendable {
  private let buckets = Mutex(RateBuckets<Key>())

  package init() {}

  /// Counts a request that is within the limit.
  /// - Returns: the seconds after which it is, at most a day; `nil` if it is now.
  package func take(_ key: Key, limit: Int, at now: NIODeadline) -> Int? {
    change(key, limit, now) { left in
      guard left >= 1 else { return Self.seconds(until: 1, left, limit) }
      left -= 1
      return nil
    }
  }

  /// Counts what was sent, which may be more than is left.
  /// - Parameter maxDebt: the seconds after which that is made up for, at most. What exceeds them is not counted.
  package func spend(
    _ amount: Int, _ key: Key, limit: Int, at now: NIODeadline, maxDebt: Double = .infinity
  ) {
    change(key, limit, now) { left in
      left = max(left - Double(amount), min(left, -Double(limit) * maxDebt))
    }
  }

  /// The seconds after which what was sent so far is within the limit, at most a day; `nil` if it is now.
  package func wait(_ key: Key, limit: Int, at now: NIODeadline) -> Int? {
    change(key, limit, now) { $0 >= 0 ? nil : Self.seconds(until: 0, $0, limit) }
  }

  private static func seconds(until needed: Double, _ left: Double, _ limit: Int) -> Int {
    Int(min(max(((needed - left) / Double(limit)).rounded(.up), 1), 86_400))
  }

  private func change<Result: Sendable>(
    _ key: Key, _ limit: Int, _ now: NIODeadline, _ body: (inout Double) -> Result
  ) -> Result {
    buckets.withLock { $0.change(key, limit: limit, at: now, body) }
  }
}

/// What each key has left. A key that has everything is forgotten in time.
package struct RateBuckets<Key: Hashable & Sendable>: Sendable {
  private struct Bucket {
    /// What may follow immediately; less than nothing after a long reply.
    var left: Double
    var time: NIODeadline

    func left(_ limit: Int, at now: NIODeadline) -> Double {
      let seconds = Double((now - time).nanoseconds) / 1e9
      return min(Double(limit), left + seconds * Double(limit))
    }
  }

  /// Fewer are not worth a sweep.
  package static var minSwept: Int { 4096 }

  private var buckets: [Key: Bucket] = [:]
  /// The number of buckets at which all are looked at: twice as many as the last sweep has left, so that each change pays for
  /// two of them, however many are in use.
  package private(set) var nextSweep = Self.minSwept

  package init() {}

  package var count: Int { buckets.count }

  /// Changes what a key has left by now.
  package mutating func change<Result>(
    _ key: Key, limit: Int, at now: NIODeadline, _ body: (inout Double) -> Result
  ) -> Result {
    if buckets.count >= nextSweep {
      buckets = buckets.filter { $0.value.left(limit, at: now) < Double(limit) }
      nextSweep = max(Self.minSwept, 2 * buckets.count)
    }
    var left = buckets[key]?.left(limit, at: now) ?? Double(limit)
    defer { buckets[key] = Bucket(left: left, time: now) }
    return body(&left)
  }
}

/// The rates of all clients of an index.
struct ClientRates: Sendable {
  let requestsOfAddresses = RequestRates<AddressBlock>()
  let bytesOfAddresses = RequestRates<AddressBlock>()
  let requestsOfMembers = RequestRates<PeerID>()
  let bytesOfMembers = RequestRates<PeerID>()
}
