// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Logging
import NIOPosix
import Synchronization
import WireProtocol

/// Blocking changes of the catalogue and the disk, one after the other, in the order of the calls.
final class SerialWrites: Sendable {
  private let pool: NIOThreadPool
  private let logger: Logger
  private let last = Mutex<Task<Void, Never>?>(nil)

  init(pool: NIOThreadPool, logger: Logger) {
    self.pool = pool
    self.logger = logger
  }

  /// The last change; it ends after all earlier ones.
  var tail: Task<Void, Never>? { last.withLock { $0 } }

  /// A failure is logged: the change is lost, and the next start finds the state before it.
  func add(_ body: @escaping @Sendable () throws(StoreError) -> Void) {
    _ = enqueue(body)
  }

  /// Returns when the change is durable.
  func run(_ body: @escaping @Sendable () throws(StoreError) -> Void) async throws(WireFailure) {
    try await enqueue(body).value.get()
  }

  /// Returns when all changes so far have ended.
  func finished() async {
    await tail?.value
  }

  private func enqueue(
    _ body: @escaping @Sendable () throws(StoreError) -> Void
  ) -> Task<Result<Void, WireFailure>, Never> {
    last.withLock { last in
      let task: Task<Result<Void, WireFailure>, Never> = Task { [pool, logger, last] in
        await last?.value
        do throws(WireFailure) {
          try await pool.store(body)
          return .success(())
        } catch {
          logger.warning("cannot record a download", metadata: ["error": "\(error.message)"])
          return .failure(error)
        }
      }
      last = Task { _ = await task.value }
      return task
    }
  }
}
