// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import Synchronization

/// The sessions of each peer in a closed network, to be told when what their peer may do changes.
final class LiveMembers: Sendable {
  /// Tells a session to look again, on its event loop; calls `done` when it has.
  typealias Notice = @Sendable (_ done: @escaping @Sendable () -> Void) -> Void

  private struct State {
    var sessions: [PeerID: [UInt64: (notice: Notice, name: PeerName, session: SessionID?)]] = [:]
    var last: UInt64 = 0
  }

  private let state = Mutex(State())

  /// - Returns: the number by which the session leaves.
  func enter(_ peer: PeerID, as name: PeerName, _ notice: @escaping Notice) -> UInt64 {
    state.withLock { state in
      state.last += 1
      state.sessions[peer, default: [:]][state.last] = (notice, name, nil)
      return state.last
    }
  }

  /// A session has begun that may have records.
  func opened(_ session: SessionID, _ peer: PeerID, _ number: UInt64) {
    state.withLock { $0.sessions[peer]?[number]?.session = session }
  }

  func sessions(of peer: PeerID) -> [SessionID] {
    state.withLock { $0.sessions[peer]?.values.compactMap(\.session) ?? [] }
  }

  func leave(_ peer: PeerID, _ number: UInt64) {
    state.withLock { state in
      state.sessions[peer]?[number] = nil
      if state.sessions[peer]?.isEmpty == true { state.sessions[peer] = nil }
    }
  }

  func count(of peer: PeerID) -> Int { state.withLock { $0.sessions[peer]?.count ?? 0 } }

  /// The number of sessions of each peer, and what one of them calls itself.
  var connected: [PeerID: (sessions: Int, name: PeerName?)] {
    state.withLock { $0.sessions.mapValues { ($0.count, $0.values.first?.name) } }
  }

  /// Tells the sessions of some peers; `then` is called when all have looked.
  func tell(_ peers: Set<PeerID>, then: @escaping @Sendable () -> Void) {
    let notices = state.withLock { state in peers.flatMap { state.sessions[$0]?.values.map(\.notice) ?? [] } }
    guard !notices.isEmpty else { return then() }
    let left = Countdown(notices.count)
    for notice in notices { notice { if left.isLast() { then() } } }
  }
}

/// Counts calls down to the last one.
private final class Countdown: Sendable {
  private let left: Atomic<Int>

  init(_ count: Int) {
    left = Atomic(count)
  }

  func isLast() -> Bool { left.wrappingSubtract(1, ordering: .relaxed).newValue == 0 }
}
