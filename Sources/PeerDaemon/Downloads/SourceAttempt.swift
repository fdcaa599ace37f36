// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineTransport
package import NIOCore
import NIOPosix
import WireProtocol

/// Time limits of sources.
package struct SourceTimeout: Sendable {
  package var connect = TimeAmount.seconds(3)
  /// Until the source confirms that it has the content, including connecting.
  package var answer = TimeAmount.seconds(5)
  /// The same after many silent sources.
  package var hurriedAnswer = TimeAmount.seconds(1)
  /// Without a reply or a complete block.
  package var stall = TimeAmount.seconds(10)
  /// Limits of choosing sources, and how long all of them together may deliver nothing.
  package var selection = SourceSelection.Bounds()

  package init() {}

  /// - Parameter descriptors: maximum number of open ones of the process; a download asks fewer sources at a time if these
  ///   are few.
  package init(descriptors: Int) {
    selection.maxWidth = max(4, min(selection.maxWidth, descriptors / 16))
    selection.width = min(selection.width, selection.maxWidth)
  }

  func answer(at pace: SourceSelection.Pace) -> TimeAmount {
    switch pace {
    case .patient: stall
    case .usual: answer
    case .hurried: hurriedAnswer
    }
  }
}

/// How an attempt to fetch from one source ended. Blocks verified by then are written.
enum SourceOutcome: Sendable {
  /// The content is complete.
  case complete
  /// The source was dropped.
  case left(SourceFailure)
  /// The local disk failed.
  case failed(StoreError)
}

/// One attempt to fetch the rest of a content from one source: asks whether it has the content, then fetches. Confined to
/// its event loop.
final class SourceAttempt {
  enum Event {
    /// The source has the content.
    case willing
    /// Number of newly verified bytes.
    case gained(Int64)
    /// The last event.
    case ended(SourceOutcome)
  }

  let holder: Holder
  /// Bytes verified by this attempt.
  private(set) var gained: Int64 = 0
  /// Verifies the source's bytes; `nil` until fetching begins.
  private(set) var sink: BlockSink?
  private let content: Content
  private let loop: any EventLoop
  private let timeout: SourceTimeout
  private var role: SourceRole
  /// Makes a role for a new connection if the reused one fails.
  private let makeRole: () -> SourceRole
  private var isReused = false
  private let notify: (Event) -> Void
  private var isWilling = false
  private var hasEnded = false
  private var lastProgress: NIODeadline
  private var verified: Int64 = 0
  private var job: SourceRole.Job?
  private var connect: (() -> Void)?
  private var deadline: Scheduled<Void>?
  private var watch: RepeatedTask?

  /// - Parameters:
  ///   - kept: an idle connection to reuse.
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
  /// - Parameter fetch: sink and first missing byte, to fetch immediately without waiting for the answer.
  func start(at address: SocketAddress, pace: SourceSelection.Pace, fetch: (sink: BlockSink, start: Int64)?) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let answer = timeout.answer(at: pace)
    deadline = loop.scheduleTask(in: answer) { bound.value.end(.left(.silent)) }
    if let fetch { watchProgress(of: fetch.sink) }
    job = SourceRole.Job(content: content, notify: { bound.value.take($0) }, fetch: fetch)
    connect = { bound.value.connect(to: address, timeout: min(bound.value.timeout.connect, answer)) }
    if let job { role.take(job) }
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

  /// Replaces a reused connection that the source closed at the same moment.
  private func reconnect() {
    isReused = false
    role.close()
    role = makeRole()
    if let job { role.take(job) }
    connect?()
  }

  /// Begins to fetch. No effect if it has begun.
  func fetch(into sink: BlockSink, from start: Int64) {
    guard self.sink == nil, !hasEnded else { return }
    watchProgress(of: sink)
    role.fetch(into: sink, from: start)
  }

  /// Whether fetching has begun.
  var isFetching: Bool { sink != nil }

  private func take(_ event: SourceRole.Event) {
    guard !hasEnded else { return }
    switch event {
    case .closed where isReused: return reconnect()
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

  /// - Parameter bytes: number of newly verified bytes.
  func take(_ report: BlockSink.Report, gained bytes: Int64) {
    guard !hasEnded else { return }
    switch report {
    case .verified(let end):
      // Only complete blocks count as progress, not a trickle of bytes.
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

  /// Only the first outcome counts.
  private func end(_ result: SourceOutcome) {
    guard !hasEnded else { return }
    // A source may close while its last blocks are being verified.
    if case .left(.lost) = result, sink?.isBusy == true { return endWhenVerified(result) }
    if case .complete = result, role.isIdle { leave(keeping: true) } else { leave() }
    notify(.ended(result))
  }

  private func endWhenVerified(_ result: SourceOutcome) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(5)) { bound.value.end(result) }
  }

  /// The connection, if it can be reused.
  private(set) var reusable: SourceRole?

  /// Ends the attempt without further events. Closes the connection or leaves it open for reuse.
  func leave(keeping: Bool = false) {
    guard !hasEnded else { return }
    hasEnded = true
    deadline?.cancel()
    watch?.cancel()
    job = nil
    connect = nil
    if keeping {
      role.release()
      reusable = role
    } else {
      role.close()
    }
  }
}
