// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import NIOCore
import Synchronization

/// Counts the requests of each address or member, or the bytes of their replies: as many in a second as the limit says, and
/// as many at once.
package final class RequestRates<Key: Hashable & Sendable>: Sendable {
  private struct Bucket {
    /// What may follow immediately; less than nothing after a long reply.
    var left: Double
    var time: NIODeadline
  }

  /// Buckets are full again after a second, so most can be forgotten.
  private static var maxBuckets: Int { 4096 }

  private let buckets = Mutex<[Key: Bucket]>([:])

  package init() {}

  /// - Returns: whether a request is within the limit.
  package func take(_ key: Key, limit: Int, at now: NIODeadline) -> Bool {
    change(key, limit, now) { left in
      guard left >= 1 else { return false }
      left -= 1
      return true
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

  /// Whether what was sent so far is within the limit.
  package func isWithin(_ key: Key, limit: Int, at now: NIODeadline) -> Bool {
    change(key, limit, now) { $0 >= 0 }
  }

  private func change<Result>(
    _ key: Key, _ limit: Int, _ now: NIODeadline, _ body: (inout Double) -> Result
  ) -> Result {
    buckets.withLock { buckets in
      if buckets.count >= Self.maxBuckets {
        buckets = buckets.filter { now - $0.value.time < .seconds(1) || $0.value.left < 0 }
      }
      var bucket = buckets[key] ?? Bucket(left: Double(limit), time: now)
      let seconds = Double((now - bucket.time).nanoseconds) / 1e9
      bucket.left = min(Double(limit), bucket.left + seconds * Double(limit))
      bucket.time = now
      defer { buckets[key] = bucket }
      return body(&bucket.left)
    }
  }
}

/// The rates of all clients of an index.
struct ClientRates: Sendable {
  let requestsOfAddresses = RequestRates<AddressBlock>()
  let bytesOfAddresses = RequestRates<AddressBlock>()
  let requestsOfMembers = RequestRates<PeerID>()
  let bytesOfMembers = RequestRates<PeerID>()
}
