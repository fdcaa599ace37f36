// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Paths of shares whose files are said to have changed, or whose hashes are damaged: each once, until somebody looks at
/// them.
package final class ChangedFiles: Sendable {
  private struct State {
    /// In the order of notice.
    var queue: [String] = []
    var queued: Set<String> = []
    var waiting: CheckedContinuation<Void, Never>?
    var hasEnded = false
  }

  private let state = Mutex(State())

  package init() {}

  /// From any thread; quick.
  package func notice(_ path: String) {
    let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard !state.hasEnded, state.queued.insert(path).inserted else { return nil }
      state.queue.append(path)
      return state.waiting.take()
    }
    waiting?.resume()
  }

  /// All that have gathered; waits for one where there is none. `nil` at the end. For one reader.
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
