// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A continuation that several may want to resume: the first wins.
final class OnceContinuation<Value: Sendable>: Sendable {
  private let continuation: Mutex<CheckedContinuation<Value, Never>?>

  init(_ continuation: CheckedContinuation<Value, Never>) {
    self.continuation = Mutex(continuation)
  }

  func resume(_ value: Value) {
    continuation.withLock { $0.take() }?.resume(returning: value)
  }
}
