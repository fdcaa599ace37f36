// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineTransport
package import NIOCore
import NIOPosix
import WireProtocol

/// How long a source may take.
package struct SourceTimeout: Sendable {
  package var connect = TimeAmount.seconds(3)
  /// Until it says that it has the content, connecting included.
  package var answer = TimeAmount.seconds(5)
  /// The same where many have been silent already.
  package var hurriedAnswer = TimeAmount.seconds(1)
  /// Without a reply or a whole block.
  package var stall = TimeAmount.seconds(10)
  /// How sources are chosen, and how long all of them together may give nothing.
  package var selection = SourceSelection.Bounds()

  package init() {}

  func answer(at pace: SourceSelection.Pace) -> TimeAmount {
    switch pace {
    case .patient: stall
    case .usual: answer
    case .hurried: hurriedAnswer
    }
  }
}

/// How an attempt to fetch from one source ended. What was verified by then is written.
enum SourceOutcome: Sendable {
  /// Nothing is missing any more.
  case complete
  /// The source was left.
  case left(SourceFailure)
  /// Our own disk failed.
  case failed(StoreError)
}

/// One attempt to fetch the rest of a content from one source: first it is asked whether it has it, then it gives it.
/// Confined to its event loop.
final class SourceAttempt {
  enum Event {
    /// It has the content.
    case willing
    /// So many bytes more are verified.
    case gained(Int64)
    /// The last event.
    case ended(SourceOutcome)
  }

  let holder: Holder
  /// What this attempt has brought.
  private(set) var gained: Int64 = 0
  /// Where it puts what it gives; `nil` as long as it is only asked.
  private(set) var sink: BlockSink?
  private let content: Content
  private let loop: any EventLoop
  private let timeout: SourceTimeout
  private var role: SourceRole
  /// Makes a role for a new connection, where the one that was kept turns out to be of no use.
  private let makeRole: () -> SourceRole
  private var isReused = false
  private let notify: (Event) -> Void
  private var isWilling = false
  private var hasEnded = false
  private var lastProgress: NIODeadline
  private var verified: Int64 = 0
  private var order: SourceRole.Order?
  private var connect: (() -> Void)?
  private var deadline: Scheduled<Void>?
  private var watch: RepeatedTask?

  /// - Parameters:
  ///   - kept: a connection that is there already.
  ///   - notify: called on the event loop.
  init(
    _ holder: Holder, content: Content, kept: SourceRole?, makeRole: @escaping () -> SourceRole,
    loop: any EventLoop, timeout: SourceTimeout, notify: @escaping (Event) -> Void
  ) {
    self.holder = holder
    self.content = content
    role = kept ?? makeRole()
    isReused = kept != nil
    self.makeRole = makeRole
    self.loop = loop
    self.timeout = timeout
    self.notify = notify
    lastProgress = loop.now
  }

  // MARK: Asking

  /// Connects and asks.
  ///
  /// - Parameter fetch: where what is missing goes, from which byte on, if the source is to give it at once.
  func start(at address: SocketAddress, pace: SourceSelection.Pace, fetch: (sink: BlockSink, start: Int64)?) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let answer = timeout.answer(at: pace)
    deadline = loop.scheduleTask(in: answer) { bound.value.end(.left(.silent)) }
    if let fetch { watchProgress(of: fetch.sink) }
    order = SourceRole.Order(content: content, notify: { bound.value.take($0) }, fetch: fetch)
    connect = { bound.value.connect(to: address, timeout: min(bound.value.timeout.connect, answer)) }
    if let order { role.take(order) }
    if !isReused { connect?() }
  }

  private func connect(to address: SocketAddress, timeout: TimeAmount) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let role = NIOLoopBound(role, eventLoop: loop)
    let connected = LineClient.connect(
      to: address, on: loop, limits: LineLimits(line: 256 * 1024), timeout: timeout,
      receiveBuffer: LineClient.bodyBuffer
    ) { _ in role.value }
    connected.whenComplete { result in
      switch result {
      case .success: break
      case .failure(ChannelError.connectTimeout): bound.value.end(.left(.silent))
      case .failure(let error): bound.value.end(.left(.lost(ConnectFailure.explain(error))))
      }
    }
  }

  /// A source may have closed a kept connection in the very moment in which it was to be used again.
  private func connectAnew() {
    isReused = false
    role.close()
    role = makeRole()
    if let order { role.take(order) }
    connect?()
  }

  /// Lets the source give what is missing; no effect where it does so already.
  func fetch(into sink: BlockSink, from start: Int64) {
    guard self.sink == nil, !hasEnded else { return }
    watchProgress(of: sink)
    role.fetch(into: sink, from: start)
  }

  /// Whether it gives, or has been asked to.
  var isFetching: Bool { sink != nil }

  private func take(_ event: SourceRole.Event) {
    guard !hasEnded else { return }
    switch event {
    case .closed where isReused: return connectAnew()
    case .reply:
      isReused = false
      lastProgress = loop.now
    case .willing:
      isReused = false
      lastProgress = loop.now
      isWilling = true
      deadline?.cancel()
      notify(.willing)
    case .failed(let failure): end(.left(failure))
    case .closed: end(.left(.lost("the connection was closed")))
    }
  }

  // MARK: Fetching

  private func watchProgress(of sink: BlockSink) {
    self.sink = sink
    lastProgress = loop.now
    let bound = NIOLoopBound(self, eventLoop: loop)
    let interval = TimeAmount.nanoseconds(max(timeout.stall.nanoseconds / 10, 1_000_000))
    watch = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in bound.value.checkForStall() }
  }

  /// - Parameter bytes: how many more are verified by it.
  func take(_ report: BlockSink.Report, gained bytes: Int64) {
    guard !hasEnded else { return }
    switch report {
    case .verified(let end):
      // A trickle of bytes is no progress: a whole block is.
      if end > verified { lastProgress = loop.now }
      verified = end
      if bytes > 0 {
        gained += bytes
        notify(.gained(bytes))
      }
      if end == content.size { self.end(.complete) }
    case .wrong(let what): end(.left(.wrongBytes(what)))
    case .failed(let error): end(.failed(error))
    }
  }

  private func checkForStall() {
    guard isWilling, let sink, !sink.isBusy else { return }
    if loop.now - lastProgress > timeout.stall { end(.left(.stalled)) }
  }

  // MARK: The end

  /// The first reason counts.
  private func end(_ result: SourceOutcome) {
    guard !hasEnded else { return }
    // A source that closes while its last blocks are being verified has done nothing wrong.
    if case .left(.lost) = result, sink?.isBusy == true { return endWhenVerified(result) }
    if case .complete = result, role.isIdle { leave(keeping: true) } else { leave() }
    notify(.ended(result))
  }

  private func endWhenVerified(_ result: SourceOutcome) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(5)) { bound.value.end(result) }
  }

  /// The connection, where it can be kept for others.
  private(set) var reusable: SourceRole?

  /// Nothing is told any more. The connection is closed, or left open for others.
  func leave(keeping: Bool = false) {
    guard !hasEnded else { return }
    hasEnded = true
    deadline?.cancel()
    watch?.cancel()
    order = nil
    connect = nil
    if keeping {
      role.release()
      reusable = role
    } else {
      role.close()
    }
  }
}
