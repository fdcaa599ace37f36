// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import Synchronization

/// The ids of live sessions: while one proves an id, no session that only claims it lives.
final class ProvenIDs: Sendable {
  private struct Sessions {
    var proven = 0
    /// Those that claim the id, and how to end them.
    var claiming: [SessionID: @Sendable () -> Void] = [:]
  }

  private let sessions = Mutex<[PeerID: Sessions]>([:])

  /// A session begins. One that proves its id ends those that claim it.
  /// - Parameter end: closes the connection of the session; called from any thread.
  /// - Returns: false if it must not begin, because another one proves the id.
  func enter(_ id: PeerID, _ session: SessionID, isProven: Bool, end: @escaping @Sendable () -> Void) -> Bool {
    let ended = sessions.withLock { all -> [@Sendable () -> Void]? in
      var known = all[id] ?? Sessions()
      guard isProven || known.proven == 0 else { return nil }
      var ended: [@Sendable () -> Void] = []
      if isProven {
        known.proven += 1
        ended = Array(known.claiming.values)
        known.claiming = [:]
      } else {
        known.claiming[session] = end
      }
      all[id] = known
      return ended
    }
    for end in ended ?? [] { end() }
    return ended != nil
  }

  /// A session that has begun ends.
  func leave(_ id: PeerID, _ session: SessionID, isProven: Bool) {
    sessions.withLock { all in
      guard var known = all[id] else { return }
      if isProven { known.proven -= 1 } else { known.claiming[session] = nil }
      all[id] = known.proven == 0 && known.claiming.isEmpty ? nil : known
    }
  }
}
