// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineTransport
import Logging
import NIOCore
import NIOPosix
import WireProtocol

/// Fetches what a file lacks from many sources: carries out what `SourceSelection` and `PiecePicker` decide. Confined to its
/// event loop.
final class ContentFetch {
  /// Other holders of the content and their total number; `nil` if the index does not answer.
  typealias LookUp = @Sendable () async -> (holders: [Holder], total: Int)?

  /// What all fetches of a peer share, and what belongs to one.
  struct Context {
    let identity: (id: PeerID, name: PeerName)
    let transport: TransportIdentity?
    /// What this peer shows in a closed network.
    let pass: @Sendable () -> SignedPass?
    let isClosed: Bool
    let pool: NIOThreadPool
    let timeout: SourceTimeout
    let idle: IdleSources
    /// Whether a holder may be on this machine.
    let mayBeLocal: Bool
    let logger: Logger
    /// 0..<1: where to begin, and how look-ups are spread.
    let random: Double
    let limiter: RateLimiter
    let observer: FetchObserver
    let lookUp: LookUp
    /// Listens for holders of the content.
    let watch: @Sendable (@escaping HolderWatches.Listener) async -> HolderWatches.Token
    let unwatch: @Sendable (HolderWatches.Token) async -> Void
    /// Whether a holder may be a source of this download.
    let admits: @Sendable (Holder) -> Bool
  }

  /// One holder that is asked, or that is a source.
  struct Source {
    let holder: Holder
    let connection: SourceConnection
    let sink: BlockSink
    var deadline: NIODeadline?
    var isSource = false
    /// A kept connection that the source may have closed at the same moment.
    let isReused: Bool
    let allowance: RateAllowance
    /// Whether the limit of the user keeps it from delivering.
    var isHeld = false
    /// Bytes since the last progress.
    var trickled = 0
    /// Leaves that were requested here.
    var askedLeaves: Set<HashRange> = []
    /// When it was asked last what it has.
    var lastQuestion: NIODeadline
    var lastProgress: NIODeadline
    var gained: Int64 = 0
  }

  private static let tick = TimeAmount.milliseconds(100)
  /// Between two questions to a partial source, which tells what it gets by itself.
  private static let questionInterval = TimeAmount.seconds(1)
  /// Bytes that wait for verification, of all sources together.
  static let maxQueued = 8 << 20

  let file: PieceFile
  let content: Content
  let context: Context
  let loop: any EventLoop
  private let outcome: OnceContinuation<FetchOutcome>
  var selection: SourceSelection
  var picker: PiecePicker
  var sources: [SourceSelection.ID: Source] = [:]
  var received: Int64 = 0
  var partialPeers: Set<PeerID> = []
  /// Ranges of upper nodes that are requested, and from whom.
  var upper: [HashRange: SourceSelection.ID] = [:]
  /// Number of sinks and other work whose threads may still use the file.
  var working = 0
  var result: FetchOutcome.End?
  private var isProceeding = false
  private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
  private var ticker: RepeatedTask?
  var lookUp: Task<Void, Never>?
  var watch: Task<HolderWatches.Token, Never>?
  /// Pieces that are whole in memory's view and not marked in the file yet.
  var unmarked: [Int] = []
  var isMarking = false

  init(
    _ file: PieceFile, _ context: Context, loop: any EventLoop, outcome: OnceContinuation<FetchOutcome>
  ) {
    self.file = file
    content = file.content
    self.context = context
    self.loop = loop
    self.outcome = outcome
    let isSmall = content.geometry.pieceCount <= 1
    selection = SourceSelection(
      bounds: context.timeout.selection, isSmall: isSmall, jitter: context.random, at: loop.now)
    picker = PiecePicker(
      size: content.size, pieces: file.pieces, isInOrder: file.isInOrder, start: context.random,
      bounds: context.timeout.picker)
  }

  func begin(_ holders: [Holder], total: Int) {
    guard content.size > 0 else { return finish(.complete) }
    let bound = NIOLoopBound(self, eventLoop: loop)
    ticker = loop.scheduleRepeatedTask(initialDelay: Self.tick, delay: Self.tick) { _ in bound.value.ticked() }
    note(holders)
    selection.add(holders, total: total, at: loop.now)
    report()
    proceed()
  }

  func cancel() {
    finish(.cancelled)
  }

  var now: PiecePicker.Time { Double(loop.now.uptimeNanoseconds) / 1e9 }

  // MARK: Holders

  func proceed() {
    guard !isProceeding, result == nil else { return }
    isProceeding = true
    defer { isProceeding = false }
    guard !finishIfComplete() else { return }
    while result == nil, let step = selection.step(at: loop.now) { carryOut(step) }
    guard result == nil else { return }
    switch selection.rest(at: loop.now) {
    case .end where isMarking: break
    case .end: finish(endWithoutSource)
    case .until(let deadline): wake(at: deadline)
    }
  }

  private var endWithoutSource: FetchOutcome.End {
    selection.failures.hasWrongBytes && !selection.hadHonestSource
      ? .wrongBytes(selection.failures) : .noSource(selection.failures, holders: selection.holderCount)
  }

  private func carryOut(_ step: SourceSelection.Step) {
    switch step {
    case .ask(let id, let holder, let pace): ask(id, holder, pace)
    case .replaceOne: replaceOne()
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

  private func ask(_ id: SourceSelection.ID, _ holder: Holder, _ pace: SourceSelection.Pace) {
    let holder = holder.secured(inClosed: context.isClosed)
    guard let address = SourceAddress.usable(holder, mayBeLocal: context.mayBeLocal) else {
      return leave(id, holder, .misplaced(holder.host), gained: 0)
    }
    let security = SourceSecurity(of: holder, context.transport)
    let kept = context.idle.take(holder, on: loop)
    let isAlone = sources.isEmpty
    let answer = context.timeout.answer(at: pace)
    let connection = kept ?? SourceConnection(source: holder.peer, identity: context.identity, pass: context.pass)
    let source = Source(
      holder: holder, connection: connection, sink: makeSink(id), deadline: loop.now + answer, isReused: kept != nil,
      allowance: RateAllowance(of: context.limiter, for: ObjectIdentifier(self), on: loop), lastQuestion: loop.now,
      lastProgress: loop.now)
    sources[id] = source
    connection.begin(for: user(id, source))
    // A small document then takes one round trip.
    if isAlone, holder.complete {
      picker.add(id, .complete, at: now)
      request(from: id)
    }
    if kept == nil { connect(id, connection, to: address, security, timeout: min(context.timeout.connect, answer)) }
  }

  private func connect(
    _ id: SourceSelection.ID, _ connection: SourceConnection, to address: SocketAddress, _ security: SourceSecurity,
    timeout: TimeAmount
  ) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let role = NIOLoopBound(connection, eventLoop: loop)
    let connected = LineClient.connect(
      to: address, on: loop, limits: LineLimits(line: 256 * 1024), timeout: timeout, tls: security.tls,
      receiveBuffer: LineClient.bodyBuffer
    ) { _ in role.value }
    connected.whenFailure { bound.value.take(.failed(SourceFailure(connecting: $0)), of: id) }
  }

  private func user(_ id: SourceSelection.ID, _ source: Source) -> SourceConnection.User {
    let bound = NIOLoopBound(self, eventLoop: loop)
    return .init(
      content: content, sink: source.sink, notify: { bound.value.take($0, of: id) },
      received: { bound.value.received($0, from: id) }, allowance: source.allowance,
      held: { bound.value.setHeld($0, id) })
  }

  private func replaceOne() {
    let candidates = sources.filter { $0.value.isSource }
    let useless = candidates.keys.filter { !picker.isUseful($0) }.min()
    guard let id = useless ?? candidates.keys.min(by: { rate(of: $0) < rate(of: $1) }) else { return }
    selection.replaced(id, at: loop.now)
    close(id)
    requestFromAll()
  }

  private func rate(of id: SourceSelection.ID) -> Double { picker.rate(of: id, at: now) ?? .infinity }

  // MARK: Events of a source

  private func take(_ event: SourceConnection.Event, of id: SourceSelection.ID) {
    guard result == nil, let source = sources[id] else { return }
    switch event {
    case .holding(let holding):
      // What this peer has a part of is this very download: its own file has changed since the index was told of it.
      if source.holder.peer == context.identity.id, holding != .complete { return end(id, .incomplete) }
      sources[id]?.lastProgress = loop.now
      sources[id]?.deadline = nil
      if !source.isSource {
        sources[id]?.isSource = true
        selection.answered(id)
        picker.add(id, holding, at: now)
      }
      picker.update(id, holding)
      requestFromAll()
      proceed()
    case .gained(let ranges):
      sources[id]?.lastProgress = loop.now
      for range in ranges { picker.gained(id, range) }
      request(from: id)
    case .lacks(let body): lacks(body, id)
    case .failed(let failure): end(id, failure)
    case .closed where source.isReused && !source.isSource:
      // A kept connection that the source closed at the same moment.
      close(id)
      selection.replaced(id, at: loop.now)
      proceed()
    case .closed: closed(id)
    }
  }

  /// A source may close while its last blocks are being verified.
  private func closed(_ id: SourceSelection.ID) {
    guard let source = sources[id] else { return }
    guard source.sink.isBusy else { return end(id, .lost("the connection was closed")) }
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(5)) { bound.value.closed(id) }
  }

  /// A partial source does not have what it was believed to have: it is asked again what it has.
  private func lacks(_ body: SourceMachine.Body, _ id: SourceSelection.ID) {
    sources[id]?.lastProgress = loop.now
    switch body {
    case .blocks(let run): picker.refused(run, from: id, at: now)
    case .hashes(let range):
      sources[id]?.askedLeaves.remove(range)
      picker.lacks(id, blocks: range.index..<min(range.index + Int64(range.length), content.geometry.blockCount))
    }
    if let source = sources[id], loop.now - source.lastQuestion > Self.questionInterval {
      sources[id]?.lastQuestion = loop.now
      source.connection.askAgain()
    }
    request(from: id)
  }

  func end(_ id: SourceSelection.ID, _ failure: SourceFailure) {
    guard let source = sources[id] else { return }
    close(id)
    leave(id, source.holder, failure, gained: source.gained)
  }

  private func leave(_ id: SourceSelection.ID, _ holder: Holder, _ failure: SourceFailure, gained: Int64) {
    // There may be thousands of failures; only wrong bytes are worth a notice.
    let isLie = if case .wrongBytes = failure { true } else { false }
    if isLie { context.observer.lied(holder, failure) }
    context.logger.log(
      level: isLie ? .notice : .debug, "source left",
      metadata: [
        "content": "\(content.root)", "peer": "\(holder.name)", "id": "\(holder.peer)", "reason": "\(failure)",
      ])
    selection.failed(id, failure, gained: gained, at: loop.now)
    requestFromAll()
    proceed()
  }

  // MARK: Time

  private func ticked() {
    guard result == nil else { return }
    let isIdle = isIdle
    for (id, source) in sources {
      if let deadline = source.deadline, loop.now >= deadline {
        end(id, .silent)
      } else if source.isHeld {
        sources[id]?.lastProgress = loop.now
        selection.held(at: loop.now)
      } else if source.isSource, picker.isBusy(id), !source.sink.isBusy,
        loop.now - source.lastProgress > context.timeout.stall
      {
        end(id, .stalled)
      } else if isIdle, loop.now - source.lastProgress > Self.idleStalls * context.timeout.stall {
        end(id, .incomplete)
      }
    }
    requestFromAll()
    proceed()
  }

  /// Times of a stall that sources may have nothing that is missing, and get nothing: each may wait for the others.
  private static let idleStalls: Int64 = 3

  /// Whether nothing is asked of any source, and nothing that came is being worked on.
  private var isIdle: Bool {
    unmarked.isEmpty && !isMarking
      && sources.allSatisfy { id, source in
        source.isSource && !source.isHeld && !picker.isBusy(id) && !source.sink.isBusy
      }
  }

  // MARK: The end

  private func finishIfComplete() -> Bool {
    guard picker.isComplete, unmarked.isEmpty, !isMarking else { return false }
    finish(.complete)
    return true
  }

  private func close(_ id: SourceSelection.ID) {
    guard let source = sources.removeValue(forKey: id) else { return }
    for (range, owner) in upper where owner == id { upper[range] = nil }
    picker.remove(id)
    source.connection.close()
    source.allowance.end()
    closeSink(of: source)
  }

  private func closeSink(of source: Source) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    source.sink.close { [loop] in
      loop.execute {
        bound.value.working -= 1
        bound.value.endIfIdle()
      }
    }
  }

  /// Only the first outcome counts. It is reported when no thread works on the file any more.
  func finish(_ end: FetchOutcome.End) {
    guard result == nil else { return }
    result = end
    timer?.task.cancel()
    ticker?.cancel()
    lookUp?.cancel()
    if let watch { Task { [unwatch = context.unwatch] in await unwatch(await watch.value) } }
    defer { context.limiter.forget(ObjectIdentifier(self)) }
    let open = sources.values
    sources = [:]
    for source in open {
      source.allowance.end()
      if case .complete = end, source.connection.isIdle {
        source.connection.release()
        context.idle.keep(source.connection, to: source.holder, on: loop)
      } else {
        source.connection.close()
      }
      closeSink(of: source)
    }
    endIfIdle()
  }

  func endIfIdle() {
    guard working == 0, let result else { return }
    outcome.resume(FetchOutcome(result, received: received))
  }

  func report() {
    context.observer.verified(picker.written, picker.pieces.population)
  }
}
