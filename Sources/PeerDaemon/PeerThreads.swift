// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import Logging
package import NIOPosix
import Synchronization
package import WireProtocol

/// Threads for blocking work, which event loops must not do.
package struct PeerThreads: Sendable {
  /// Threads of `files`.
  package static let fileThreads = 8
  private static let catalogueThreads = 4
  private static let longThreads = 2
  /// All of them.
  package static let count = catalogueThreads + fileThreads + longThreads

  /// Reads of the catalogue alone. It never waits for a user's file, so `status` and `list --mine` answer while a file
  /// system hangs.
  package let catalogue = NIOThreadPool(numberOfThreads: Self.catalogueThreads)
  /// Users' files, and changes of the catalogue that depend on them: uploads, downloads, shares.
  package let files = NIOThreadPool(numberOfThreads: Self.fileThreads)
  /// Work that may take hours: each thread runs one `add`, which hashes on as many threads as there are processors.
  package let long = NIOThreadPool(numberOfThreads: Self.longThreads)

  package init() {
    for pool in [catalogue, files, long] { pool.start() }
  }

  func open(
    _ settings: PeerDaemon.Settings, _ logger: Logger, _ catalogueDamaged: @escaping @Sendable () -> Void
  ) async throws(PeerStartError) -> PeerState {
    do {
      return try await catalogue.runIfActive {
        try PeerState.open(
          settings.state, index: settings.index, isOwnIndex: settings.isOwnIndex,
          forgetsConnect: settings.forgetsConnect, logger: logger,
          catalogueDamaged: catalogueDamaged)
      }
    } catch let error as PeerStartError {
      throw error
    } catch {
      throw PeerStartError("\(error)")
    }
  }

  func stop() async {
    for pool in [catalogue, files, long] { try? await pool.shutdownGracefully() }
  }
}

extension NIOThreadPool {
  /// Runs blocking work on a thread of the pool.
  /// - Throws: the failure of the store; `cancelled` if the task was cancelled before the work began; `unavailable` if the
  ///   pool has ended.
  func store<Value: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> Value
  ) async throws(WireFailure) -> Value {
    do {
      return try await runIfActive { try body() }
    } catch let error as StoreError {
      throw WireFailure(error)
    } catch is CancellationError where Task.isCancelled {
      throw WireFailure(.cancelled, "request cancelled")
    } catch {
      throw WireFailure(.unavailable, "the daemon is stopping")
    }
  }

  /// Runs blocking work that ends early when the task is cancelled.
  /// - Parameter body: checks `isCancelled` from any thread, often; what it returns afterwards is dropped.
  /// - Throws: as `store`; `cancelled` if the task was cancelled.
  package func interruptible<Value: Sendable>(
    _ body: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws(StoreError) -> Value
  ) async throws(WireFailure) -> Value {
    let flag = CancellationFlag()
    let result = await withTaskCancellationHandler {
      do throws(WireFailure) {
        let value = try await store { () throws(StoreError) in try body { flag.isRaised } }
        return Result<Value, WireFailure>.success(value)
      } catch {
        return .failure(error)
      }
    } onCancel: {
      flag.raise()
    }
    guard !Task.isCancelled else { throw WireFailure(.cancelled, "request cancelled") }
    return try result.get()
  }
}

private final class CancellationFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  var isRaised: Bool { flag.load(ordering: .relaxed) }

  func raise() {
    flag.store(true, ordering: .relaxed)
  }
}

extension WireFailure {
  /// The failure of a request that failed in the store.
  package init(_ error: StoreError) {
    let code: ErrorCode =
      switch error.code {
      case .vanished, .unreadable, .notAFile, .isPrivate: .noInput
      case .changed: .changed
      case .cancelled: .cancelled
      case .exists, .cannotCreate, .noSpace, .notADirectory, .nameTooLong: .cannotCreate
      case .invalidRange: .invalidRange
      case .catalogueInUse, .exhausted, .catalogueDamaged: .unavailable
      case .inputOutput, .damagedLayer, .catalogueFailed: .internal
      }
    // The process ends, starts again and repairs the catalogue.
    self.init(code, error.description, retryAfter: error.code == .catalogueDamaged ? 2 : nil)
  }
}

/// A continuation that may be resumed more than once: the first call counts.
final class OnceContinuation<Value: Sendable>: Sendable {
  private let continuation: Mutex<CheckedContinuation<Value, Never>?>

  init(_ continuation: CheckedContinuation<Value, Never>) {
    self.continuation = Mutex(continuation)
  }

  func resume(_ value: Value) {
    continuation.withLock { $0.take() }?.resume(returning: value)
  }
}
