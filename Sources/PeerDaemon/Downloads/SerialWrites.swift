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
  private struct State {
    var last: Task<Void, Never>?
    /// The last change, if it takes more rows.
    var batch: RowBatch?
  }

  private let state = Mutex(State())

  init(pool: NIOThreadPool, logger: Logger) {
    self.pool = pool
    self.logger = logger
  }

  /// The last change; it ends after all earlier ones.
  var tail: Task<Void, Never>? { state.withLock { $0.last } }

  /// A failure is logged: the change is lost, and the next start finds the state before it.
  func add(_ body: @escaping @Sendable () throws(StoreError) -> Void) {
    _ = enqueue(nil, body)
  }

  /// Returns when the change is durable.
  func run(_ body: @escaping @Sendable () throws(StoreError) -> Void) async throws(WireFailure) {
    try await enqueue(nil, body).value.get()
  }

  /// Returns when all changes so far have ended.
  func finished() async {
    await tail?.value
  }

  /// Replaces the row of a download. Rows that come before the change begins are written in one transaction: ten thousand
  /// downloads are paused at once.
  func update(_ record: DownloadRecord, in catalogue: Catalogue) {
    let isTaken = state.withLock { $0.batch?.add(record) ?? false }
    guard !isTaken else { return }
    let batch = RowBatch(record)
    _ = enqueue(batch) { () throws(StoreError) in try catalogue.updateDownloads(batch.take()) }
  }

  private func enqueue(
    _ batch: RowBatch?, _ body: @escaping @Sendable () throws(StoreError) -> Void
  ) -> Task<Result<Void, WireFailure>, Never> {
    state.withLock { state in
      let last = state.last
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
      state.last = Task { _ = await task.value }
      state.batch = batch
      return task
    }
  }
}

/// Rows of one transaction, until it begins.
private final class RowBatch: Sendable {
  private let records: Mutex<[DownloadRecord]?>

  init(_ record: DownloadRecord) {
    records = Mutex([record])
  }

  /// - Returns: false if it is too late.
  func add(_ record: DownloadRecord) -> Bool {
    records.withLock { records in
      guard records != nil else { return false }
      records?.append(record)
      return true
    }
  }

  func take() -> [DownloadRecord] { records.withLock { $0.take() ?? [] } }
}
