// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Bounds the bodies that are sent at a time. Who has to wait gets the next free slot in order of arrival.
package final class UploadSlots: Sendable {
  /// What to give up waiting with.
  package struct Ticket: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  private struct State {
    var limit: Int
    /// Negative while more bodies are sent than a smaller limit allows.
    var free: Int
    var waiting: [(ticket: Ticket, grant: @Sendable () -> Void)] = []
    var lastNumber: UInt64 = 0
  }

  private let state: Mutex<State>

  package init(limit: Int) {
    state = Mutex(State(limit: limit, free: limit))
  }

  package var limit: Int { state.withLock { $0.limit } }

  /// Changes the number of slots. Bodies that are being sent are completed.
  package func set(_ limit: Int) {
    let grants = state.withLock { state in
      state.free += limit - state.limit
      state.limit = limit
      let granted = state.waiting.prefix(max(state.free, 0))
      state.waiting.removeFirst(granted.count)
      state.free -= granted.count
      return granted.map(\.grant)
    }
    for grant in grants { grant() }
  }

  /// Takes a slot. Give it back with `leave`.
  /// - Parameter grant: called once when the slot is there, from any thread.
  /// - Returns: `nil` if the slot is there already; `grant` is not called then.
  package func enter(_ grant: @escaping @Sendable () -> Void) -> Ticket? {
    state.withLock { state in
      guard state.free <= 0 else {
        state.free -= 1
        return nil
      }
      state.lastNumber += 1
      let ticket = Ticket(number: state.lastNumber)
      state.waiting.append((ticket, grant))
      return ticket
    }
  }

  /// Stops waiting.
  /// - Returns: false if the slot was granted before: `grant` was called or is being called.
  package func cancel(_ ticket: Ticket) -> Bool {
    state.withLock { state in
      guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
      state.waiting.remove(at: index)
      return true
    }
  }

  /// Gives a slot back.
  package func leave() {
    let grant = state.withLock { state -> (@Sendable () -> Void)? in
      guard state.free >= 0, !state.waiting.isEmpty else {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst().grant
    }
    grant?()
  }
}
