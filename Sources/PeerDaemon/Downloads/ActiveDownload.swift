// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import Synchronization
import WireProtocol

/// One unfinished download and everything that works or waits for it. Confined to `Downloads`.
final class ActiveDownload {
  let id: Int64
  /// While a fetch is under way, its task has a newer one.
  var record: DownloadRecord
  var machine: DownloadMachine
  var transfer: TransferHandle
  /// The resolved path of the target, by which another `get` finds it.
  let place: String
  var waiters: [Int64: DownloadWaiter] = [:]
  /// The fetch or look-up.
  var work: Task<Void, Never>?
  var timer: Task<Void, Never>?
  /// What the last lookup found, until a fetch has used it.
  var choice: SourceChoice?
  /// The unfinished file, kept only while a fetch is under way, readers take it, or it is about to be discarded.
  var file: PieceFile?
  /// Of a stream.
  let readers: ReaderSignals?
  /// A finished file with the same content.
  var copy: String?
  /// Whether it has a row in the catalogue.
  var isRecorded: Bool
  /// Listens for holders while it waits for a source.
  var follower: Task<Void, Never>?
  /// Whether all holders are known, so that each other one is new.
  var isFollowed = false
  /// Whether sources are being looked for.
  var isProbing = false
  /// Holders that failed in the last fetch.
  var failed: Set<HolderID> = []
  /// For the holders that join while it waits.
  var wakes: WakeBudget?
  /// Whether it must not begin yet: its row is being written.
  var isHeld = false
  /// What it has moved, once it has ended.
  var finalTotals: TransferRegistry.Totals?
  /// State and error as last recorded.
  var written: (phase: DownloadMachine.Phase, error: String?)

  init(
    _ record: DownloadRecord, _ machine: DownloadMachine, place: String, transfer: TransferHandle, isRecorded: Bool
  ) {
    id = record.id
    self.record = record
    self.machine = machine
    self.place = place
    self.transfer = transfer
    self.isRecorded = isRecorded
    readers = record.isStream ? ReaderSignals() : nil
    written = (machine.phase, record.error)
  }

  var content: Content { record.document.content }
  var isSmall: Bool { record.isSmall }
}

/// A `get` that waits for a download. Confined to `Downloads`.
final class DownloadWaiter {
  /// What the download had moved before.
  let baseline: TransferRegistry.Totals
  private var continuation: CheckedContinuation<Result<String, WireFailure>, Never>?
  private(set) var result: Result<String, WireFailure>?
  /// Ends with the answer: of a reader.
  var signal: AsyncStream<Void>.Continuation?

  init(baseline: TransferRegistry.Totals) {
    self.baseline = baseline
  }

  /// - Parameter result: the path of the file.
  func answer(_ result: Result<String, WireFailure>) {
    guard self.result == nil else { return }
    self.result = result
    continuation.take()?.resume(returning: result)
    signal?.finish()
  }

  func wait(_ continuation: CheckedContinuation<Result<String, WireFailure>, Never>) {
    if let result { return continuation.resume(returning: result) }
    self.continuation = continuation
  }
}
