// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Asynchronous work for a thread that has nothing else to do than to wait for it: the first one of a process above all.
///
/// An asynchronous `main` would end that thread instead. This unwinds its stack (pthread_exit(3)), for which an executable
/// without shared libraries first sorts all its unwinding tables: 20 ms and more, just when it is to serve.
package enum AsynchronousWork {
  /// Waits here for what comes of work elsewhere.
  package static func wait<Value: Sendable>(for work: @escaping @Sendable () async -> Value) -> Value {
    let outcome = Outcome<Value>()
    Task.detached { outcome.set(await work()) }
    return outcome.wait()
  }

  private final class Outcome<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let isThere = DispatchSemaphore(value: 0)

    func set(_ new: Value) {
      value.withLock { $0 = new }
      isThere.signal()
    }

    func wait() -> Value {
      while true {
        isThere.wait()
        if let value = value.withLock({ $0 }) { return value }
      }
    }
  }
}

/// Applies values one after the other, in the order of submission. While one is being applied only the latest of those
/// submitted meanwhile is kept: settings replace each other.
package struct LatestValues<Value: Sendable>: Sendable {
  private let continuation: AsyncStream<Value>.Continuation
  private let task: Task<Void, Never>

  package init(apply: @escaping @Sendable (Value) async -> Void) {
    let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))
    self.continuation = continuation
    task = Task.detached { for await value in stream { await apply(value) } }
  }

  /// Returns immediately.
  package func submit(_ value: Value) {
    continuation.yield(value)
  }

  /// Drops what has not been applied.
  package func stop() {
    continuation.finish()
    task.cancel()
  }
}
