// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
package import LineTransport
package import Logging
package import NIOCore
package import NIOPosix
import Synchronization
import WireProtocol

/// Time limits and bounds of a fetch.
package struct SourceTimeout: Sendable {
  package var connect = TimeAmount.seconds(3)
  /// Until the source says what it has, including connecting.
  package var answer = TimeAmount.seconds(5)
  /// The same after many silent sources.
  package var hurriedAnswer = TimeAmount.seconds(1)
  /// Without a reply or a complete block.
  package var stall = TimeAmount.seconds(10)
  package var selection = SourceSelection.Bounds()
  package var picker = PiecePicker.Bounds()

  package init() {}

  /// - Parameter descriptors: maximum number of open ones of the process; a download asks fewer sources at a time if these
  ///   are few.
  package init(descriptors: Int) {
    selection.maxWidth = max(4, min(selection.maxWidth, descriptors / 16))
    selection.width = min(selection.width, selection.maxWidth)
    selection.sources = min(selection.sources, selection.maxWidth)
  }

  func answer(at pace: SourceSelection.Pace) -> TimeAmount {
    switch pace {
    case .patient: stall
    case .usual: answer
    case .hurried: hurriedAnswer
    }
  }
}

/// What a fetch tells while it runs. Called on its event loop: must not block.
struct FetchObserver: Sendable {
  /// Bytes arrived, right or wrong.
  let received: @Sendable (_ bytes: Int, _ source: Holder) -> Void
  /// - Parameter bytes: verified bytes of the content.
  let verified: @Sendable (_ bytes: Int64, _ pieces: Int) -> Void
  /// Pieces are whole and may be served.
  let completed: @Sendable ([Int]) -> Void
  /// A source sent wrong bytes or hashes.
  let lied: @Sendable (Holder, SourceFailure) -> Void
}

/// Fetches contents from other peers.
package struct ContentFetcher: Sendable {
  private let identity: (id: PeerID, name: PeerName)
  private let transport: TransportIdentity?
  private let link: IndexLink
  private let group: any EventLoopGroup
  private let pool: NIOThreadPool
  private let timeout: SourceTimeout
  private let idle = IdleSources()
  private let watches: HolderWatches
  private let logger: Logger
  private let gained: @Sendable (Content, Int) -> Void

  /// - Parameters:
  ///   - transport: `nil` if only holders that prove no id are to be reached.
  ///   - pool: threads for disk and verification.
  ///   - gained: called for each piece that may be served now.
  package init(
    identity: (id: PeerID, name: PeerName), transport: TransportIdentity? = nil, link: IndexLink,
    group: any EventLoopGroup, pool: NIOThreadPool,
    timeout: SourceTimeout = SourceTimeout(), logger: Logger,
    gained: @escaping @Sendable (Content, Int) -> Void = { _, _ in }
  ) {
    self.identity = identity
    self.transport = transport
    self.link = link
    watches = HolderWatches(link: link)
    self.group = group
    self.pool = pool
    self.timeout = timeout
    self.logger = logger
    self.gained = gained
  }

  /// Fetches what a file lacks.
  package var fetch: FetchContent {
    { file, home, choice, transfer, limit, gained in
      let observer = observer(of: file, transfer, gained)
      return await fetch(file, home, choice, limit, observer) { [link] in await choice.lookUpOthers(link, in: home) }
    }
  }

  private func observer(
    of file: PieceFile, _ transfer: TransferHandle, _ gainedMore: @escaping @Sendable () -> Void
  ) -> FetchObserver {
    let throttle = Throttle()
    let content = file.content
    return FetchObserver(
      received: { bytes, holder in transfer.progress(Int64(bytes), from: holder.source) },
      verified: { bytes, pieces in
        transfer.verified(pieces: Int64(pieces), bytes: bytes)
        if throttle.isDue() || bytes == content.size { gainedMore() }
      },
      completed: { [gained] pieces in
        transfer.completed(pieces)
        for piece in pieces { gained(content, piece) }
      }, lied: { transfer.dropped($0.source, "\($1)") })
  }

  private func fetch(
    _ file: PieceFile, _ home: Home, _ choice: SourceChoice, _ limiter: RateLimiter, _ observer: FetchObserver,
    _ lookUp: @escaping ContentFetch.LookUp
  ) async -> FetchOutcome {
    let loop = idle.loop(for: choice.holders) ?? group.next()
    let context = ContentFetch.Context(
      identity: identity, transport: transport, pass: { [passes = link.passes] in passes.pass },
      isClosed: link.passes.isClosed, pool: pool,
      timeout: timeout, idle: idle, mayBeLocal: link.isIndexLocal,
      logger: logger,
      random: Double.random(in: 0..<1), limiter: limiter, observer: observer, lookUp: lookUp,
      watch: { [watches] in await watches.begin(file.content, in: home, $0) },
      unwatch: { [watches] in await watches.end($0) },
      admits: { choice.admits($0) })
    let cancellation = Mutex<(isCancelled: Bool, cancel: (@Sendable () -> Void)?)>((false, nil))
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<FetchOutcome, Never>) in
        let outcome = OnceContinuation(continuation)
        loop.execute {
          let fetch = ContentFetch(file, context, loop: loop, outcome: outcome)
          let bound = NIOLoopBound(fetch, eventLoop: loop)
          let isCancelled = cancellation.withLock { state in
            state.cancel = { loop.execute { bound.value.cancel() } }
            return state.isCancelled
          }
          if isCancelled { fetch.cancel() } else { fetch.begin(choice.holders, total: choice.content.total) }
        }
      }
    } onCancel: {
      let cancel = cancellation.withLock { state in
        state.isCancelled = true
        return state.cancel
      }
      cancel?()
    }
  }
}

extension Holder {
  fileprivate var source: TransferRegistry.Source {
    TransferRegistry.Source(peer: peer, name: name.text, host: host)
  }
}
