// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import NIOCore
import Synchronization

/// Bounds what all sessions together have not been told yet.
final class WatchBudget: Sendable {
  private let used = Atomic<Int>(0)

  var bytes: Int { used.load(ordering: .relaxed) }

  func take(_ bytes: Int, of limit: Int) -> Bool {
    guard used.add(bytes, ordering: .relaxed).newValue > limit else { return true }
    giveBack(bytes)
    return false
  }

  func giveBack(_ bytes: Int) {
    used.subtract(bytes, ordering: .relaxed)
  }
}

/// What the watches of one session have to tell, in order and bounded. Whoever changes the index fills it, with the index
/// locked; the event loop of the session empties it.
final class WatchOutbox: Sendable {
  enum Telling: Sendable {
    case event(IndexEvent)
    /// What no longer fitted was left out; the watch has ended.
    case overflow
  }

  struct Item: Sendable {
    /// Its number in the session.
    let watch: Int
    let telling: Telling
    let since: NIODeadline

    fileprivate var bytes: Int {
      switch telling {
      case .event(.document(_, let document, _)):
        Self.overhead + document.key.text.utf8.count + document.title.text.utf8.count
      case .event, .overflow: Self.overhead
      }
    }

    private static let overhead = 320
  }

  private struct State {
    var items = CircularBuffer<Item>()
    var bytes = 0
    /// Whether the event loop knows that there is something.
    var isAwake = false
    var isClosed = false
  }

  /// A session that does not read has this much to be told, in bytes.
  private static let limit = 512 << 10
  /// With less, more of the state may be told.
  private static let room = 128 << 10

  private let state = Mutex(State())
  private let budget: WatchBudget
  private let wake: @Sendable () -> Void

  /// - Parameter wake: called when there is something in an empty outbox; returns at once.
  init(budget: WatchBudget, wake: @escaping @Sendable () -> Void) {
    self.budget = budget
    self.wake = wake
  }

  /// - Parameter total: what all sessions together may have, in bytes.
  /// - Returns: false if it does not fit: the session is told that the watch has ended.
  func push(_ event: IndexEvent, of watch: Int, at now: NIODeadline, total: Int) -> Bool {
    let item = Item(watch: watch, telling: .event(event), since: now)
    let (fits, wakes) = state.withLock { state -> (Bool, Bool) in
      guard !state.isClosed else { return (true, false) }
      let fits = state.bytes + item.bytes <= Self.limit && budget.take(item.bytes, of: total)
      if fits {
        state.items.append(item)
        state.bytes += item.bytes
      } else {
        // One for each watch at most: bounded without being counted.
        state.items.append(Item(watch: watch, telling: .overflow, since: now))
      }
      defer { state.isAwake = true }
      return (fits, !state.isAwake)
    }
    if wakes { wake() }
    return fits
  }

  /// - Returns: empty if there is nothing: the next push wakes the loop.
  func take(_ bytes: Int) -> [Item] {
    state.withLock { state in
      var (items, sum) = ([Item](), 0)
      while sum < bytes, let item = state.items.popFirst() {
        items.append(item)
        sum += item.bytes
        if case .event = item.telling {
          state.bytes -= item.bytes
          budget.giveBack(item.bytes)
        }
      }
      if items.isEmpty { state.isAwake = false }
      return items
    }
  }

  /// Whether more of the state may be told: what changes meanwhile must fit as well.
  var hasRoom: Bool { state.withLock { $0.bytes < Self.room } }

  func close() {
    state.withLock { state in
      state.isClosed = true
      budget.giveBack(state.bytes)
      (state.items, state.bytes) = (CircularBuffer(), 0)
    }
  }
}
