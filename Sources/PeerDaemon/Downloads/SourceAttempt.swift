import ContentStore
import DocumentModel
import LineTransport
package import NIOCore
import NIOPosix
import WireProtocol

/// How long a source may take.
package struct SourcePatience: Sendable {
  package var connect = TimeAmount.seconds(3)
  /// Without a reply or a whole block.
  package var stall = TimeAmount.seconds(10)

  package init() {}
}

/// How an attempt to fetch from one source ended. What was verified by then is written.
enum SourceOutcome: Sendable {
  /// Nothing is missing any more.
  case complete
  /// The source was left.
  case left(SourceFailure)
  /// Our own disk failed.
  case failed(StoreError)
  /// Nobody wants it any more.
  case cancelled
}

/// One attempt to fetch the rest of a content from one source. Confined to its event loop.
final class SourceAttempt {
  private let content: Content
  private let loop: any EventLoop
  private let patience: SourcePatience
  private let sink: BlockSink
  private let outcome: OnceContinuation<SourceOutcome>
  private var channel: (any Channel)?
  private var result: SourceOutcome?
  private var lastProgress = NIODeadline.now()
  private var verified: Int64 = 0
  private var watch: RepeatedTask?

  init(
    content: Content, loop: any EventLoop, patience: SourcePatience, sink: BlockSink,
    outcome: OnceContinuation<SourceOutcome>
  ) {
    self.content = content
    self.loop = loop
    self.patience = patience
    self.sink = sink
    self.outcome = outcome
  }

  /// Connects and asks. `end` is called in every case.
  func start(_ holder: HolderRow, machine: SourceMachine, identity: (id: PeerID, name: PeerName)) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let sink = sink
    let interval = TimeAmount.nanoseconds(max(patience.stall.nanoseconds / 10, 1_000_000))
    watch = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in bound.value.checkForStall() }
    let connected = LineClient.connect(
      host: holder.host, port: holder.port, on: loop, limits: LineLimits(line: 256 * 1024), timeout: patience.connect,
      receiveBuffer: LineClient.bodyBuffer
    ) { _ in
      SourceRole(machine: machine, sink: sink, identity: identity) { bound.value.take($0) }
    }
    connected.whenComplete { result in
      switch result {
      case .success(let channel): bound.value.connected(channel)
      case .failure(let error): bound.value.end(.left(.lost(ConnectFailure.explain(error))))
      }
    }
  }

  private func connected(_ channel: any Channel) {
    guard result == nil else { return channel.close(promise: nil) }
    self.channel = channel
  }

  private func take(_ event: SourceRole.Event) {
    switch event {
    case .reply: lastProgress = .now()
    case .failed(let failure): end(.left(failure))
    case .closed: end(.left(.lost("the connection was closed")))
    }
  }

  func take(_ report: BlockSink.Report) {
    switch report {
    case .verified(let end):
      // A trickle of bytes is no progress: a whole block is.
      if end > verified { lastProgress = .now() }
      verified = end
      if end == content.size { self.end(.complete) }
    case .wrong(let what): end(.left(.wrongBytes(what)))
    case .failed(let error): end(.failed(error))
    }
  }

  private func checkForStall() {
    guard !sink.isBusy else { return }
    if NIODeadline.now() - lastProgress > patience.stall { end(.left(.stalled)) }
  }

  /// The first reason counts; it is told when nothing of the attempt runs any more.
  func end(_ result: SourceOutcome) {
    guard self.result == nil else { return }
    // A source that closes while its last blocks are being verified has done nothing wrong.
    if case .left(.lost) = result, sink.isBusy { return endWhenVerified(result) }
    self.result = result
    watch?.cancel()
    channel?.close(promise: nil)
    let outcome = outcome
    sink.close { outcome.resume(result) }
  }

  private func endWhenVerified(_ result: SourceOutcome) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: .milliseconds(5)) { bound.value.end(result) }
  }
}
