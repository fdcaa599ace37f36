// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore
import Synchronization

/// Counts the requests of each address: as many in a second as the limit says, and as many at once.
final class RequestRates: Sendable {
  private struct Bucket {
    /// Requests that may follow immediately.
    var left: Double
    var time: NIODeadline
  }

  /// Buckets are full again after a second, so most can be forgotten.
  private static let maxBuckets = 4096

  private let buckets = Mutex<[AddressBlock: Bucket]>([:])

  /// - Returns: whether a request is within the limit.
  func take(_ block: AddressBlock, limit: Int, at now: NIODeadline) -> Bool {
    buckets.withLock { buckets in
      if buckets.count >= Self.maxBuckets { buckets = buckets.filter { now - $0.value.time < .seconds(1) } }
      var bucket = buckets[block] ?? Bucket(left: Double(limit), time: now)
      let seconds = Double((now - bucket.time).nanoseconds) / 1e9
      bucket.left = min(Double(limit), bucket.left + seconds * Double(limit))
      bucket.time = now
      defer { buckets[block] = bucket }
      guard bucket.left >= 1 else { return false }
      bucket.left -= 1
      return true
    }
  }
}
