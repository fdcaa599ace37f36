// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Queue of shared files to look at: their content may have changed, or their hashes are damaged. A path that is queued
/// already is not queued again.
package final class ChangedFiles: Sendable {
  private struct State {
    /// In the order of arrival.
    var queue: [String] = []
    var queued: Set<String> = []
    var waiting: CheckedContinuation<Void, Never>?
    var hasEnded = false
  }

  private let state = Mutex(State())

  package init() {}

  /// Called from any thread; does not block.
  package func notice(_ path: String) {
    let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard !state.hasEnded, state.queued.insert(path).inserted else { return nil }
      state.queue.append(path)
      return state.waiting.take()
    }
    waiting?.resume()
  }

  /// Takes all queued paths, waiting for the first one. For a single reader.
  /// - Returns: `nil` after `end`.
  package func next() async -> [String]? {
    while true {
      let (paths, hasEnded) = state.withLock { state in
        let paths = state.queue
        (state.queue, state.queued) = ([], [])
        return (paths, state.hasEnded)
      }
      if hasEnded { return nil }
      if !paths.isEmpty { return paths }
      await withCheckedContinuation { continuation in
        let isDue = state.withLock { state in
          guard state.queue.isEmpty, !state.hasEnded else { return true }
          state.waiting = continuation
          return false
        }
        if isDue { continuation.resume() }
      }
    }
  }

  package func end() {
    state.withLock { state in
      state.hasEnded = true
      return state.waiting.take()
    }?.resume()
  }
}

/// When to look again at files that are being written: after 1 s, doubling to 64 s, about 15 minutes in total.
package struct RetrySchedule: Sendable {
  package static let first = Duration.seconds(1)
  package static let longest = Duration.seconds(64)
  package static let maxTries = 20

  private var tries: [String: Int] = [:]

  package init() {}

  /// The pause before the next try; `nil` after `maxTries`, which also resets the count.
  package mutating func next(_ path: String) -> Duration? {
    let count = tries[path, default: 0]
    guard count < Self.maxTries else {
      tries[path] = nil
      return nil
    }
    tries[path] = count + 1
    var wait = Self.first
    for _ in 0..<count where wait < Self.longest { wait *= 2 }
    return wait
  }

  package mutating func forget(_ path: String) {
    tries[path] = nil
  }
}

/// Limits how often a file is hashed again because its hashes are missing or damaged: on a failing device this would never
/// end.
package struct RepairAllowance: Sendable {
  /// Per file and process.
  package static let maxRepairs = 3

  private var repairs: [String: Int] = [:]

  package init() {}

  /// - Returns: whether the file may be hashed once more.
  package mutating func take(_ path: String) -> Bool {
    guard repairs[path, default: 0] < Self.maxRepairs else { return false }
    repairs[path, default: 0] += 1
    return true
  }
}
