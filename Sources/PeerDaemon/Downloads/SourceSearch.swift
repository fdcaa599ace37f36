// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Logging
import NIOCore
import NIOPosix
import WireProtocol

/// Fetches the missing part of one content: carries out the decisions of `SourceSelection`. Confined to its event loop.
final class SourceSearch {
  /// How a search ended. No thread works for it any more.
  enum Outcome: Sendable {
    /// With the bytes received from each holder.
    case complete([Holder: Int64])
    /// No source is left.
    case noSource(SourceFailures, holders: Int)
    /// The local disk failed.
    case failed(StoreError)
    case cancelled
  }

  /// Other holders of the content and their total number; `nil` if the index does not answer.
  typealias LookUp = @Sendable () async -> (holders: [Holder], total: Int)?

  private let fetch: Fetch
  private let context: Context
  private let loop: any EventLoop
  private let outcome: OnceContinuation<Outcome>
  private var selection: SourceSelection
  private var attempts: [SourceSelection.ID: SourceAttempt] = [:]
  private var bytes: [Holder: Int64] = [:]
  /// Number of sinks whose threads may still write. Only one sink may write at a time.
  private var openSinks = 0
  private var heldFetch: SourceSelection.ID?
  private var isProceeding = false
  private var result: Outcome?
  private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
  private var lookUp: Task<Void, Never>?

  /// Shared by all sources of a download.
  struct Context {
    let identity: (id: PeerID, name: PeerName)
    let pool: NIOThreadPool
    let timeout: SourceTimeout
    let idle: IdleSources
    /// Whether a holder may be on this machine.
    let mayBeLocal: Bool
    let transfer: TransferHandle
    let progress: @Sendable (DownloadProgress) -> Void
    let lookUp: LookUp
    let logger: Logger
  }

  init(_ fetch: Fetch, _ context: Context, loop: any EventLoop, outcome: OnceContinuation<Outcome>) {
    self.fetch = fetch
    self.context = context
    self.loop = loop
    self.outcome = outcome
    selection = SourceSelection(bounds: context.timeout.selection, at: loop.now)
  }

  func begin(_ holders: [Holder], total: Int) {
    guard fetch.verified < fetch.content.size else { return finish(.complete([:])) }
    selection.add(holders, total: total)
    proceed()
  }

  func cancel() {
    finish(.cancelled)
  }

  // MARK: Steps

  private func proceed() {
    guard !isProceeding else { return }
    isProceeding = true
    defer { isProceeding = false }
    while result == nil, let step = selection.step(at: loop.now) { carryOut(step) }
    guard result == nil else { return }
    switch selection.rest(at: loop.now) {
    case .end: finish(.noSource(selection.failures, holders: selection.holderCount))
    case .until(let deadline): wake(at: deadline)
    }
  }

  private func carryOut(_ step: SourceSelection.Step) {
    switch step {
    case .ask(let id, let holder, let pace, let isAlone): ask(id, holder, pace, isAlone: isAlone)
    case .fetch(let id): beginFetching(from: id)
    case .leave(let id): close(attempts.removeValue(forKey: id))
    case .lookUp: askIndex()
    }
  }

  private func wake(at deadline: NIODeadline) {
    if timer?.deadline == deadline { return }
    timer?.task.cancel()
    let bound = NIOLoopBound(self, eventLoop: loop)
    let task = loop.scheduleTask(deadline: deadline) {
      bound.value.timer = nil
      bound.value.proceed()
    }
    timer = (deadline, task)
  }

  private func ask(_ id: SourceSelection.ID, _ holder: Holder, _ pace: SourceSelection.Pace, isAlone: Bool) {
    guard let address = SourceAddress.usable(holder, mayBeLocal: context.mayBeLocal) else {
      return note(id, holder, .misplaced(holder.host), gained: 0)
    }
    let bound = NIOLoopBound(self, eventLoop: loop)
    let identity = context.identity
    let attempt = SourceAttempt(
      holder, content: fetch.content, kept: context.idle.take(holder, on: loop),
      makeRole: { SourceRole(source: holder.peer, identity: identity) }, loop: loop, timeout: context.timeout
    ) { bound.value.take($0, of: id) }
    attempts[id] = attempt
    let isEager = isAlone && openSinks == 0
    let start = fetch.verified
    attempt.start(at: address, pace: pace, fetch: isEager ? (sink(for: attempt, from: start), start) : nil)
  }

  private func beginFetching(from id: SourceSelection.ID) {
    guard let attempt = attempts[id] else { return }
    guard !attempt.isFetching else { return }
    guard openSinks == 0 else {
      heldFetch = id
      return
    }
    let start = fetch.verified
    attempt.fetch(into: sink(for: attempt, from: start), from: start)
  }

  private func askIndex() {
    let bound = NIOLoopBound(self, eventLoop: loop)
    lookUp = Task { [loop, lookUp = context.lookUp] in
      let found = await lookUp()
      loop.execute { bound.value.take(found) }
    }
  }

  private func take(_ found: (holders: [Holder], total: Int)?) {
    if let found { selection.add(found.holders, total: found.total) } else { selection.lookUpFailed() }
    proceed()
  }

  // MARK: Sinks

  private func sink(for attempt: SourceAttempt, from start: Int64) -> BlockSink {
    openSinks += 1
    let bound = NIOLoopBound(attempt, eventLoop: loop)
    let intake = BlockIntake(fetch.file, from: start)
    let meter = ProgressMeter(
      size: fetch.content.size, peer: attempt.holder.name.text, context.transfer, context.progress)
    let holder = attempt.holder
    let source = TransferRegistry.Source(peer: holder.peer, name: holder.name.text, host: holder.host)
    let received = { @Sendable [transfer = context.transfer] (bytes: Int) in
      transfer.progress(Int64(bytes), from: source)
    }
    return BlockSink(intake: intake, pool: context.pool, received: received) { [fetch, loop] report in
      guard case .verified(let end) = report else { return loop.execute { bound.value.take(report, gained: 0) } }
      let gained = fetch.advance(to: end)
      meter.report(end)
      loop.execute { bound.value.take(report, gained: gained) }
    }
  }

  private func close(_ attempt: SourceAttempt?) {
    guard let attempt else { return }
    attempt.leave()
    guard let sink = attempt.sink else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    sink.close { [loop] in loop.execute { bound.value.sinkClosed() } }
  }

  private func sinkClosed() {
    openSinks -= 1
    guard openSinks == 0 else { return }
    if let result { return outcome.resume(result) }
    if let id = heldFetch.take() { beginFetching(from: id) }
  }

  // MARK: Attempts

  private func take(_ event: SourceAttempt.Event, of id: SourceSelection.ID) {
    guard result == nil, let attempt = attempts[id] else { return }
    switch event {
    case .willing:
      selection.becameWilling(id)
      proceed()
    case .gained(let count):
      bytes[attempt.holder, default: 0] += count
      selection.gained(count, at: loop.now)
    case .ended(let outcome):
      attempts[id] = nil
      close(attempt)
      switch outcome {
      case .complete:
        if let role = attempt.reusable { context.idle.keep(role, to: attempt.holder, on: loop) }
        finish(.complete(bytes))
      case .failed(let error): finish(.failed(error))
      case .left(let failure): note(id, attempt.holder, failure, gained: attempt.gained)
      }
    }
  }

  private func note(_ id: SourceSelection.ID, _ holder: Holder, _ failure: SourceFailure, gained: Int64) {
    // There may be thousands of failures; only wrong bytes are worth a notice.
    let level: Logger.Level = if case .wrongBytes = failure { .notice } else { .debug }
    context.logger.log(
      level: level, "source left",
      metadata: [
        "content": "\(fetch.content.root)", "peer": "\(holder.name)", "id": "\(holder.peer)", "reason": "\(failure)",
      ])
    if heldFetch == id { heldFetch = nil }
    selection.failed(id, failure, gained: gained, at: loop.now)
    proceed()
  }

  /// Only the first outcome counts. It is reported when no thread writes any more.
  private func finish(_ outcome: Outcome) {
    guard result == nil else { return }
    result = outcome
    timer?.task.cancel()
    lookUp?.cancel()
    let open = attempts.values
    attempts = [:]
    for attempt in open { close(attempt) }
    if openSinks == 0 { self.outcome.resume(outcome) }
  }
}
