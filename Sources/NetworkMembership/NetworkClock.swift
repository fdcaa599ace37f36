// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The clock of an index, as a peer knows it: what the index said last, and what has passed since. Steps of the peer's own
/// clock do not count.
package struct NetworkClock: Sendable {
  private var heard: (time: Timestamp, at: ContinuousClock.Instant)?

  package init() {}

  /// The index has told its time.
  package mutating func hear(_ time: Timestamp, at now: ContinuousClock.Instant) {
    heard = (time, now)
  }

  /// - Parameter wallClock: used until the index has told its time.
  package func time(at now: ContinuousClock.Instant, wallClock: Timestamp) -> Timestamp {
    guard let heard else { return wallClock }
    let (seconds, _) = heard.at.duration(to: now).components
    return Timestamp(seconds: heard.time.seconds + max(0, seconds))
  }
}
