// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization
import TestSupport

/// Clients of a server that is killed repeatedly. Each holds one conversation after another and retries a millisecond
/// after a failure.
final class Callers: Sendable {
  struct Count: Sendable {
    var answers = 0
    /// Connections refused. A restart must not cause any.
    var refused = 0
    /// Conversations cut off by a kill.
    var broken = 0
  }

  private let count = Mutex(Count())
  private let isEnding = Atomic(false)
  private let threads = DispatchGroup()

  /// - Parameters:
  ///   - number: concurrent clients.
  ///   - conversation: connects and asks; calls its argument for every answer and ends when that returns false.
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
      let isRefused = (error as? RawConnection.Failure)?.kind == .refused
      count.withLock { count in
        if isRefused { count.refused += 1 } else { count.broken += 1 }
      }
      usleep(1_000)
    }
  }
}
