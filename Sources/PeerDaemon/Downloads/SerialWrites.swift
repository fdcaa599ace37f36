// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Logging
import NIOPosix
import Synchronization
import WireProtocol

/// Blocking changes of the catalogue and the disk, one after the other, in the order of the calls.
final class SerialWrites: Sendable {
  private let pool: NIOThreadPool
  private let catalogue: Catalogue
  private let logger: Logger
  private let sleep: @Sendable (Duration) async throws -> Void
  private struct State {
    var last: Task<Void, Never>?
    /// The last change, if it takes more rows.
    var batch: RowBatch?
    /// The newest of each download that could not be written.
    var unwritten = Rows()
    var hasTimer = false
    /// Whether the last try has failed.
    var isFailing = false
  }

  private let state = Mutex(State())
  private static let retryDelay = Duration.seconds(10)

  init(
    pool: NIOThreadPool, catalogue: Catalogue, logger: Logger,
    sleep: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.pool = pool
    self.catalogue = catalogue
    self.logger = logger
    self.sleep = sleep
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

  /// Returns when all changes so far have ended. Rows that could not be written are tried once more.
  func finished() async {
    if state.withLock({ !$0.unwritten.isEmpty }) { add {} }
    await tail?.value
  }

  /// Replaces the row of a download. Rows that come before the change begins are written in one transaction: ten thousand
  /// downloads are paused at once. What cannot be written is tried again until it is: a download that was cancelled must
  /// not go on at the next start.
  func update(_ record: DownloadRecord) {
    update { $0.files[record.id] = record }
  }

  /// Replaces the row of a download of a prefix, in the same way.
  func update(_ record: PrefixRecord) {
    update { $0.prefixes[record.id] = record }
  }

  private func update(_ change: @Sendable (inout Rows) -> Void) {
    let isTaken = state.withLock { $0.batch?.add(change) ?? false }
    guard !isTaken else { return }
    let batch = RowBatch()
    _ = batch.add(change)
    _ = enqueue(batch) {}
  }

  /// Writes rows, and those that could not be written before. On the pool, like all changes, so that no newer row is
  /// written meanwhile.
  private func write(_ rows: Rows) {
    let rows = state.withLock { state in
      state.unwritten.replace(with: rows)
      return state.unwritten
    }
    guard !rows.isEmpty else { return }
    do throws(StoreError) {
      if !rows.files.isEmpty { try catalogue.updateDownloads(Array(rows.files.values)) }
      for record in rows.prefixes.values { try catalogue.update(record) }
    } catch {
      let isNews = state.withLock { state in
        defer { state.isFailing = true }
        return !state.isFailing
      }
      if isNews {
        logger.warning("cannot record downloads; trying again", metadata: ["error": "\(error.reason)"])
      }
      return retryLater()
    }
    state.withLock { state in
      state.unwritten = Rows()
      state.isFailing = false
    }
  }

  private func retryLater() {
    let isFirst = state.withLock { state in
      defer { state.hasTimer = true }
      return !state.hasTimer
    }
    guard isFirst else { return }
    Task { [weak self, sleep] in
      try? await sleep(Self.retryDelay)
      self?.state.withLock { $0.hasTimer = false }
      self?.add {}
    }
  }

  private func enqueue(
    _ batch: RowBatch?, _ body: @escaping @Sendable () throws(StoreError) -> Void
  ) -> Task<Result<Void, WireFailure>, Never> {
    state.withLock { state in
      let last = state.last
      let task: Task<Result<Void, WireFailure>, Never> = Task { [pool, logger, last] in
        await last?.value
        do throws(WireFailure) {
          try await pool.store { [self] () throws(StoreError) in
            defer { write(batch?.take() ?? Rows()) }
            try body()
          }
          return .success(())
        } catch {
          logger.warning("cannot change a download", metadata: ["error": "\(error.message)"])
          return .failure(error)
        }
      }
      state.last = Task { _ = await task.value }
      state.batch = batch
      return task
    }
  }
}

/// The newest row of each download.
private struct Rows {
  var files: [Int64: DownloadRecord] = [:]
  var prefixes: [Int64: PrefixRecord] = [:]

  var isEmpty: Bool { files.isEmpty && prefixes.isEmpty }

  mutating func replace(with newer: Rows) {
    files.merge(newer.files) { $1 }
    prefixes.merge(newer.prefixes) { $1 }
  }
}

/// Rows that are written together, until that begins.
private final class RowBatch: Sendable {
  private let rows = Mutex<Rows?>(Rows())

  /// - Returns: false if it is too late.
  func add(_ change: (inout Rows) -> Void) -> Bool {
    rows.withLock { rows in
      guard var changed = rows.take() else { return false }
      change(&changed)
      rows = changed
      return true
    }
  }

  func take() -> Rows { rows.withLock { $0.take() ?? Rows() } }
}
