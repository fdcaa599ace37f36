// SPDX-License-Identifier: Apache-2.0

import ContentStore
import NIOPosix
import WireProtocol

extension NIOThreadPool {
  /// Runs what blocks on a thread of the pool.
  /// - Throws: what the store's error means to the one who asked; `cancelled` where the task was before it began;
  ///   `unavailable` where the pool has ended.
  func store<Value: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> Value
  ) async throws(WireFailure) -> Value {
    do {
      return try await runIfActive { try body() }
    } catch let error as StoreError {
      throw WireFailure(error)
    } catch is CancellationError {
      throw WireFailure(.cancelled, "whoever asked no longer wants it")
    } catch {
      throw WireFailure(.unavailable, "the daemon is stopping")
    }
  }
}
