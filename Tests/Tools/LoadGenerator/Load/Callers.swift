// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization
import TestSupport

/// Clients of a server that is killed again and again: each holds one conversation after another, and none waits longer
/// than a millisecond before it tries again.
final class Callers: Sendable {
  struct Count: Sendable {
    var answers = 0
    /// Nobody listened: a restart has to spare every client this.
    var refused = 0
    /// Conversations that ended with the process that held them.
    var broken = 0
  }

  private let count = Mutex(Count())
  private let isEnding = Atomic(false)
  private let threads = DispatchGroup()

  /// - Parameters:
  ///   - number: how many talk at the same time.
  ///   - conversation: connects, asks, calls its argument for every answer, and ends where that returns false.
  init(_ number: Int, _ conversation: @escaping @Sendable (_ answered: () -> Bool) throws -> Void) {
    for _ in 0..<number {
      DispatchQueue.global().async(group: threads) { [self] in
        while !isEnding.load(ordering: .relaxed) { talk(conversation) }
      }
    }
  }

  /// Ends all conversations.
  func end() -> Count {
    isEnding.store(true, ordering: .relaxed)
    threads.wait()
    return count.withLock { $0 }
  }

  private func talk(_ conversation: (_ answered: () -> Bool) throws -> Void) {
    do {
      try conversation {
        count.withLock { $0.answers += 1 }
        return !isEnding.load(ordering: .relaxed)
      }
    } catch {
      let isRefused = "\(error)".hasPrefix("connect:")
      count.withLock { count in
        if isRefused { count.refused += 1 } else { count.broken += 1 }
      }
      usleep(1_000)
    }
  }
}
