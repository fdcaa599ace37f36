// SPDX-License-Identifier: Apache-2.0

import NIOConcurrencyHelpers

/// A value that event loops share. Each loop reads it under a lock of its own, so that readers never wait for each other;
/// who changes it takes the locks of all.
final class SharedState<Value>: @unchecked Sendable {
  // Sound because each access holds a lock, and a change holds all of them.
  private let value: UnsafeMutablePointer<Value>
  private let locks: [NIOLock]

  /// - Parameter readers: loops that may read at the same time.
  init(_ value: Value, readers: Int) {
    self.value = .allocate(capacity: 1)
    self.value.initialize(to: value)
    locks = (0..<max(1, readers)).map { _ in NIOLock() }
  }

  deinit {
    value.deinitialize(count: 1)
    value.deallocate()
  }

  /// - Parameters:
  ///   - reader: the number of the loop; loops with the same number wait for each other.
  ///   - body: may read what the value refers to. It does not get the value: a copy would count every reference in it.
  @inline(__always)
  func read<Result>(_ reader: Int, _ body: () -> Result) -> Result {
    let lock = locks[reader % locks.count]
    lock.lock()
    defer { lock.unlock() }
    return body()
  }

  /// Changes it, or reads it from anywhere.
  func change<Result>(_ body: (inout Value) -> Result) -> Result {
    for lock in locks { lock.lock() }
    defer { for lock in locks { lock.unlock() } }
    return body(&value.pointee)
  }
}
