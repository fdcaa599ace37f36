// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Lets a thread that has nothing else to do wait for asynchronous work: above all the first thread of a process.
///
/// An asynchronous `main` would end that thread instead. Ending it unwinds its stack (pthread_exit(3)), and a static
/// executable first sorts all its unwinding tables for that: 20 ms and more, at the moment it should begin to serve.
package enum AsynchronousWork {
  /// Blocks until `work` has returned, and returns its value.
  package static func wait<Value: Sendable>(for work: @escaping @Sendable () async -> Value) -> Value {
    let outcome = Outcome<Value>()
    Task.detached { outcome.set(await work()) }
    return outcome.wait()
  }

  private final class Outcome<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let isSet = DispatchSemaphore(value: 0)

    func set(_ new: Value) {
      value.withLock { $0 = new }
      isSet.signal()
    }

    func wait() -> Value {
      while true {
        isSet.wait()
        if let value = value.withLock({ $0 }) { return value }
      }
    }
  }
}

/// Applies values one after the other, in the order of submission. While one is being applied, only the latest of those
/// submitted meanwhile is kept: settings replace each other.
package struct LatestValues<Value: Sendable>: Sendable {
  private let continuation: AsyncStream<Value>.Continuation
  private let task: Task<Void, Never>

  package init(apply: @escaping @Sendable (Value) async -> Void) {
    let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))
    self.continuation = continuation
    // A finished stream still delivers the value that it holds.
    task = Task.detached { for await value in stream where !Task.isCancelled { await apply(value) } }
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
