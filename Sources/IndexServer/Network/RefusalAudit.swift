// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import WireProtocol

/// Decides which refusals are written to the audit log: the first of a kind at once, the others together, with the first
/// refusal after a minute or at the end. However many peers are refused, the log grows by a bounded number of entries.
package struct RefusalAudit: Sendable {
  /// What is counted together.
  package struct Refusal: Hashable, Sendable {
    package let peer: PeerID?
    package let host: String?
    package let reason: String

    package init(peer: PeerID?, host: String?, reason: String) {
      self.peer = peer
      self.host = host
      self.reason = reason
    }
  }

  private struct Count {
    var since: Timestamp
    /// Of the last one.
    var last: Timestamp
    var left: Int
  }

  /// In seconds.
  private static let interval: Int64 = 60
  /// Refusals that are told apart in a minute. Beyond that they are counted by their reason alone.
  package static let maxKinds = 64

  private var counts: [Refusal: Count] = [:]

  package init() {}

  /// - Returns: what is to be written now.
  package mutating func note(_ refusal: Refusal, at now: Timestamp) -> [AuditEntry] {
    var entries = expired(at: now)
    var refusal = refusal
    if counts[refusal] == nil, counts.count >= Self.maxKinds {
      refusal = Refusal(peer: nil, host: nil, reason: refusal.reason)
    }
    if counts[refusal] == nil {
      counts[refusal] = Count(since: now, last: now, left: 0)
      entries.append(Self.entry(refusal, 1, at: now))
    } else {
      counts[refusal]?.left += 1
      counts[refusal]?.last = now
    }
    return entries
  }

  /// What has been counted and not been written. It is forgotten, but not that the minute has begun.
  package mutating func flush() -> [AuditEntry] {
    defer { for refusal in counts.keys { counts[refusal]?.left = 0 } }
    return pending
  }

  /// What has been counted and not been written, in the order of the last ones.
  package var pending: [AuditEntry] {
    counts.filter { $0.value.left > 0 }
      .sorted { ($0.value.last.seconds, $0.key.reason) < ($1.value.last.seconds, $1.key.reason) }
      .map { Self.entry($0.key, $0.value.left, at: $0.value.last) }
  }

  /// Counts what could not be written, to be written later.
  package mutating func putBack(_ entries: [AuditEntry]) {
    for entry in entries {
      var refusal = Refusal(peer: entry.peer, host: entry.host, reason: entry.reason ?? "")
      if counts[refusal] == nil, counts.count >= Self.maxKinds {
        refusal = Refusal(peer: nil, host: nil, reason: refusal.reason)
      }
      counts[refusal, default: Count(since: entry.time, last: entry.time, left: 0)].left += entry.count ?? 1
    }
  }

  /// Whether a minute is over; also if the clock was set back.
  private mutating func expired(at now: Timestamp) -> [AuditEntry] {
    let over = counts.filter { !(0..<Self.interval).contains(now.seconds - $0.value.since.seconds) }
    for refusal in over.keys { counts[refusal] = nil }
    return over.filter { $0.value.left > 0 }.sorted { $0.key.reason < $1.key.reason }
      .map { Self.entry($0.key, $0.value.left, at: now) }
  }

  private static func entry(_ refusal: Refusal, _ count: Int, at time: Timestamp) -> AuditEntry {
    var entry = AuditEntry(.refused, at: time, peer: refusal.peer)
    (entry.host, entry.reason) = (refusal.host, refusal.reason)
    if count > 1 { entry.count = count }
    return entry
  }
}
