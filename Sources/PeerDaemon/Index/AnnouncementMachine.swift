// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Decides when shares are announced to the index, and where in the catalogue to begin: everything on each connection,
/// everything once more after an addition that the index did not acknowledge, the rest after a failure.
///
/// One announcement runs at a time. After a failure the next one waits for a pause that doubles from 1 s to 5 min.
package struct AnnouncementMachine {
  /// What the index does not know yet. Withdrawals that it did not acknowledge are always part of it.
  package enum Work: Equatable, Sendable {
    case withdrawals
    /// Shares behind this position of the catalogue.
    case after(DocumentID)
    case everything

    /// The smallest work that covers both.
    package func merged(with other: Work?) -> Work {
      switch (self, other) {
      case (let work, nil), (let work, .withdrawals), (.withdrawals, .some(let work)): work
      case (.everything, _), (_, .everything): .everything
      case (.after(let one), .after(let another)): one == another ? self : .everything
      }
    }
  }

  package enum State: Equatable {
    /// No connection. To `running` by `connected`.
    case disconnected
    /// The index knows everything. To `running` by `request`, to `waiting` by `fail`.
    case idle
    /// An announcement runs; `next` was requested meanwhile. To `idle` or `running` by a complete end, to `waiting` by an
    /// incomplete one.
    case running(next: Work?)
    /// Until the retry. To `running` by the timer.
    case waiting(Work)
  }

  package enum Action: Equatable {
    case nothing
    /// Announce this, then call `ended`.
    case begin(Work)
    /// Call `timerFired` after this.
    case wait(Duration)
  }

  package private(set) var state = State.disconnected
  private var backoff = Backoff(first: .seconds(1), longest: .seconds(300))

  package init() {}

  package var isRunning: Bool {
    if case .running = state { true } else { false }
  }

  package mutating func connected() -> Action {
    backoff.reset()
    return begin(.everything)
  }

  package mutating func disconnected() {
    state = .disconnected
  }

  /// The index may not know this. Announced immediately, or after what runs or waits.
  package mutating func request(_ work: Work) -> Action {
    switch state {
    case .disconnected: return .nothing
    case .idle: return begin(work)
    case .running(let next): state = .running(next: work.merged(with: next))
    case .waiting(let due): state = .waiting(work.merged(with: due))
    }
    return .nothing
  }

  /// The index refused this outside an announcement. Announced after a pause, or after what runs or waits.
  package mutating func fail(_ work: Work, using random: inout some RandomNumberGenerator) -> Action {
    guard case .idle = state else { return request(work) }
    return wait(work, &random)
  }

  /// - Parameter left: what the index did not acknowledge; `nil` if it acknowledged everything.
  package mutating func ended(left: Work?, using random: inout some RandomNumberGenerator) -> Action {
    guard case .running(let next) = state else { return .nothing }
    if let left { return wait(left.merged(with: next), &random) }
    backoff.reset()
    if let next { return begin(next) }
    state = .idle
    return .nothing
  }

  package mutating func timerFired() -> Action {
    guard case .waiting(let work) = state else { return .nothing }
    return begin(work)
  }

  private mutating func begin(_ work: Work) -> Action {
    state = .running(next: nil)
    return .begin(work)
  }

  private mutating func wait(_ work: Work, _ random: inout some RandomNumberGenerator) -> Action {
    state = .waiting(work)
    return .wait(backoff.next(using: &random))
  }
}

/// Withdrawals that the index has not acknowledged on this connection. Those left after a failure are repeated, except
/// records that were announced again meanwhile: repeating these would remove what is shared.
package struct PendingWithdrawals {
  /// The number of the latest round of requests that withdraws each record.
  private var rounds: [DocumentID: Int] = [:]
  private var lastRound = 0

  package init() {}

  package var records: [DocumentID] { Array(rounds.keys) }

  /// Call before the requests are sent.
  /// - Returns: the number of the round.
  package mutating func begin(_ records: some Sequence<DocumentID>) -> Int {
    lastRound += 1
    for record in records { rounds[record] = lastRound }
    return lastRound
  }

  /// A later round may withdraw the same records: they stay until that one is acknowledged.
  package mutating func acknowledged(_ records: some Sequence<DocumentID>, round: Int) {
    for record in records where rounds[record] == round { rounds[record] = nil }
  }

  package mutating func announced(_ records: some Sequence<DocumentID>) {
    for record in records { rounds[record] = nil }
  }
}
