// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import Logging
package import NIOCore
package import NIOPosix
import Synchronization
import WireProtocol

/// Fetches a content from one source at a time, from the first missing piece to the end.
package struct SingleSourceFetch: Sendable {
  private let identity: (id: PeerID, name: PeerName)
  private let link: IndexLink
  private let group: any EventLoopGroup
  private let pool: NIOThreadPool
  private let timeout: SourceTimeout
  private let idle = IdleSources()
  private let logger: Logger

  /// - Parameter pool: threads for disk, database and verification.
  package init(
    identity: (id: PeerID, name: PeerName), link: IndexLink, group: any EventLoopGroup, pool: NIOThreadPool,
    timeout: SourceTimeout = SourceTimeout(), logger: Logger
  ) {
    self.identity = identity
    self.link = link
    self.group = group
    self.pool = pool
    self.timeout = timeout
    self.logger = logger
  }

  package var fetch: FetchContent {
    { file, choice, transfer, _, progress in
      let before = transfer.totals
      let context = SourceSearch.Context(
        identity: identity, pool: pool, timeout: timeout, idle: idle, mayBeLocal: link.isIndexLocal,
        transfer: transfer, progress: progress, lookUp: { [link] in await choice.lookUpOthers(link) }, logger: logger)
      let outcome = await search(Fetch(file), choice, context)
      let received = (transfer.totals - before).received
      switch outcome {
      case .complete(let bytes): return FetchOutcome(.complete, sources: bytes, received: received)
      case .cancelled: return FetchOutcome(.cancelled, sources: [:], received: received)
      case .failed(let error): return FetchOutcome(.storage(error), sources: [:], received: received)
      case .noSource(let failures, let holders):
        return FetchOutcome(
          failures.hasWrongBytes ? .wrongBytes(failures) : .noSource(failures, holders: holders), sources: [:],
          received: received)
      }
    }
  }

  private func search(
    _ fetch: Fetch, _ choice: SourceChoice, _ context: SourceSearch.Context
  ) async -> SourceSearch.Outcome {
    let loop = idle.loop(for: choice.holders) ?? group.next()
    let cancellation = Mutex<(isCancelled: Bool, cancel: (@Sendable () -> Void)?)>((false, nil))
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<SourceSearch.Outcome, Never>) in
        let outcome = OnceContinuation(continuation)
        loop.execute {
          let search = SourceSearch(fetch, context, loop: loop, outcome: outcome)
          let bound = NIOLoopBound(search, eventLoop: loop)
          let isCancelled = cancellation.withLock { state in
            state.cancel = { loop.execute { bound.value.cancel() } }
            return state.isCancelled
          }
          if isCancelled { search.cancel() } else { search.begin(choice.holders, total: choice.content.total) }
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
