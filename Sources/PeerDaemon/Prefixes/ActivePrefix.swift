// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Synchronization
import WireProtocol

/// One unfinished download of a prefix and everything that works or waits for it. Confined to `PrefixDownloads`.
final class ActivePrefix {
  let id: Int64
  var record: PrefixRecord
  var machine: DownloadMachine
  let transfer: TransferHandle
  let observers = ResultObservers()
  var waiters: [Int64: PrefixWaiter] = [:]
  /// The round.
  var work: Task<Void, Never>?
  var timer: Task<Void, Never>?
  /// Of the last round.
  var counts = PrefixCounts()
  /// Rounds in turn that found fewer documents than before.
  var shortRounds = 0
  /// Holders that the next round leaves out.
  var avoided: Set<HolderID> = []
  /// Whether it must not begin yet: its row is being written.
  var isHeld = false
  /// State and error as last recorded.
  var written: (phase: DownloadRecord.State, error: String?)

  init(_ record: PrefixRecord, _ machine: DownloadMachine, transfer: TransferHandle) {
    id = record.id
    self.record = record
    self.machine = machine
    self.transfer = transfer
    written = (machine.phase, record.error)
  }
}

/// A `get` that waits for a download of a prefix. Confined to `PrefixDownloads`.
final class PrefixWaiter {
  /// Called for each document, from any thread.
  let result: @Sendable (PrefixResult) -> Void
  private var continuation: CheckedContinuation<WireFailure?, Never>?
  private var answer: WireFailure??

  init(result: @escaping @Sendable (PrefixResult) -> Void) {
    self.result = result
  }

  /// - Parameter failure: `nil` if all documents are there.
  func answer(_ failure: WireFailure?) {
    guard answer == nil else { return }
    answer = .some(failure)
    continuation.take()?.resume(returning: failure)
  }

  func wait(_ continuation: CheckedContinuation<WireFailure?, Never>) {
    if let answer { return continuation.resume(returning: answer) }
    self.continuation = continuation
  }
}

/// Receives what becomes of each document, for each `get` that waits. Called from any thread.
final class ResultObservers: Sendable {
  private let observers = Mutex<[Int64: @Sendable (PrefixResult) -> Void]>([:])

  func set(_ id: Int64, _ observer: (@Sendable (PrefixResult) -> Void)?) {
    observers.withLock { $0[id] = observer }
  }

  func report(_ result: PrefixResult) {
    for observer in observers.withLock({ Array($0.values) }) { observer(result) }
  }
}
