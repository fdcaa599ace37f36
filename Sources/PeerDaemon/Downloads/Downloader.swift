import ContentStore
package import DocumentModel
package import Logging
package import NIOCore
package import NIOPosix
import Synchronization
package import WireProtocol

/// Fetches documents: finds who has them, verifies every block, puts them under their name when they are whole, durable
/// and right, and shares them.
package struct Downloader: Sendable {
  private let identity: (id: PeerID, name: PeerName)
  private let link: IndexLink
  private let ledger: ShareLedger
  private let publication: Publication
  private let transfers: TransferRegistry
  private let group: any EventLoopGroup
  private let pool: NIOThreadPool
  private let patience: SourcePatience
  private let logger: Logger

  /// - Parameter pool: runs what blocks: disk, database, hashing.
  package init(
    identity: (id: PeerID, name: PeerName), link: IndexLink, ledger: ShareLedger, transfers: TransferRegistry,
    group: any EventLoopGroup, pool: NIOThreadPool, patience: SourcePatience = SourcePatience(), logger: Logger
  ) {
    self.identity = identity
    self.link = link
    self.ledger = ledger
    publication = Publication(catalogue: ledger.catalogue, link: link, pool: pool)
    self.transfers = transfers
    self.group = group
    self.pool = pool
    self.patience = patience
    self.logger = logger
  }

  /// Fetches one document. Cancelling the task ends it and removes what was fetched.
  ///
  /// - Parameter progress: called from any thread, about ten times a second.
  package func get(
    _ request: GetDocument, progress: @escaping @Sendable (DownloadProgress) -> Void
  ) async throws(ControlFailure) -> ControlGetReply {
    let started = NIODeadline.now()
    let choice = try await choose(request)
    let content = choice.content.content
    let target = try await target(of: request)
    let document = Document(
      key: request.key, title: choice.content.title, content: content, modified: choice.content.modified)
    if let file = try await present(target, content) {
      if request.share { try await share(document, file, forgetting: []) }
      return reply(request, target.path, content, [:], started)
    }
    try await refuseOccupied(target, force: request.force)
    let fetch = try await blocking { [ledger] () throws(StoreError) in
      try Fetch(content: content, target: target, catalogue: ledger.catalogue)
    }
    do throws(ControlFailure) {
      let sources = try await fetchAll(fetch, choice, request.key, progress)
      let path = try await finish(fetch, document, request)
      return reply(request, path, content, sources, started)
    } catch {
      // No effect where the file has its name already.
      _ = try? await blocking { fetch.discard() }
      throw error
    }
  }

  // MARK: Before

  private func choose(_ request: GetDocument) async throws(ControlFailure) -> SourceChoice {
    let peer = request.from.flatMap { PeerID(hex: $0) }
    let found: LookupReply
    do throws(WireFailure) {
      found = try await link.ask(.lookup(.init(.key(request.key), peer: peer)), LookupReply.init)
    } catch  where error.code == .notFound {
      throw ControlFailure(WireFailure(.notFound, "nobody shares \(request.key) now; p2pctl list shows what there is"))
    } catch {
      throw ControlFailure(error)
    }
    return try SourceChoice(
      request.key, found, from: request.from, prefix: request.content, asking: identity.id)
  }

  private func target(of request: GetDocument) async throws(ControlFailure) -> DownloadTarget {
    let name = request.key.suggestedFileName
    return try await blocking { () throws(StoreError) in
      switch request.target {
      case .path(let path): try DownloadTarget(path: path, suggestedName: name)
      case .directory(let directory): try DownloadTarget(directory: directory, name: name)
      }
    }
  }

  /// The file that is there already, where it has the content that is wanted.
  private func present(_ target: DownloadTarget, _ content: Content) async throws(ControlFailure) -> HashedFile? {
    let hasher = FileHasher(layers: ledger.catalogue.layers)
    let occupant = try await blocking { () throws(StoreError) in
      try target.occupant(comparedTo: content, hasher: hasher)
    }
    guard case .same(let file) = occupant else { return nil }
    return file
  }

  private func refuseOccupied(_ target: DownloadTarget, force: Bool) async throws(ControlFailure) {
    let isFree = try await blocking { () throws(StoreError) in
      guard force else { return target.isFree }
      try target.checkReplaceable()
      return true
    }
    guard isFree else {
      throw ControlFailure(
        WireFailure(.cannotCreate, "\(target.path) exists and is different; -o names another file, --force replaces it")
      )
    }
  }

  // MARK: Fetching

  /// Asks one source after the other until nothing is missing.
  private func fetchAll(
    _ fetch: Fetch, _ choice: SourceChoice, _ key: DocumentKey,
    _ progress: @escaping @Sendable (DownloadProgress) -> Void
  ) async throws(ControlFailure) -> [HolderRow: Int64] {
    let transfer = transfers.begin(.download, key: key, content: choice.content.content, peer: "", host: "")
    defer { transfer.end() }
    var bytes: [HolderRow: Int64] = [:]
    var failures: [(HolderRow, SourceFailure)] = []
    let content = choice.content.content
    for holder in choice.holders where fetch.verified < content.size {
      let before = fetch.verified
      transfer.serve(by: holder.name.text, host: holder.host)
      let outcome = await fetchOnce(fetch, holder, transfer, progress)
      let gained = fetch.verified - before
      if gained > 0 { bytes[holder, default: 0] += gained }
      switch outcome {
      case .complete: break
      case .cancelled: throw ControlFailure(WireFailure(.cancelled, "the download of \(key) was cancelled"))
      case .failed(let error): throw ControlFailure(WireFailure(error))
      case .left(let failure):
        logger.notice(
          "source left",
          metadata: ["key": "\(key)", "peer": "\(holder.name)", "id": "\(holder.peer)", "reason": "\(failure)"])
        failures.append((holder, failure))
      }
    }
    guard fetch.verified == content.size else { throw Self.noSourceLeft(key, failures) }
    return bytes
  }

  private func fetchOnce(
    _ fetch: Fetch, _ holder: HolderRow, _ transfer: TransferHandle,
    _ progress: @escaping @Sendable (DownloadProgress) -> Void
  ) async -> SourceOutcome {
    let loop = group.next()
    let meter = ProgressMeter(size: fetch.content.size, peer: holder.name.text, transfer, progress)
    let cancellation = Mutex<(@Sendable () -> Void)?>(nil)
    return await withTaskCancellationHandler {
      guard !Task.isCancelled else { return .cancelled }
      return await withCheckedContinuation { (continuation: CheckedContinuation<SourceOutcome, Never>) in
        let outcome = OnceContinuation(continuation)
        loop.execute { [self] in
          let attempt = begin(fetch, holder, on: loop, meter: meter, outcome: outcome)
          let bound = NIOLoopBound(attempt, eventLoop: loop)
          cancellation.withLock { $0 = { loop.execute { bound.value.end(.cancelled) } } }
        }
      }
    } onCancel: {
      // Where the attempt has not begun yet, its first look at the task ends it.
      cancellation.withLock { $0 }?()
    }
  }

  /// On the event loop of the connection that is to be made.
  private func begin(
    _ fetch: Fetch, _ holder: HolderRow, on loop: any EventLoop, meter: ProgressMeter,
    outcome: OnceContinuation<SourceOutcome>
  ) -> SourceAttempt {
    let start = fetch.verified
    let relay = ReportRelay(loop: loop)
    let sink = BlockSink(
      intake: BlockIntake(content: fetch.content, file: fetch.file, draft: fetch.draft, from: start), pool: pool
    ) { report in
      if case .verified(let end) = report {
        meter.report(end, gained: fetch.advance(to: end))
      }
      relay.pass(report)
    }
    let attempt = SourceAttempt(content: fetch.content, loop: loop, patience: patience, sink: sink, outcome: outcome)
    relay.target = NIOLoopBound(attempt, eventLoop: loop)
    let machine = SourceMachine(content: fetch.content, source: holder.peer, from: start)
    attempt.start(holder, machine: machine, identity: identity)
    return attempt
  }

  private static func noSourceLeft(_ key: DocumentKey, _ failures: [(HolderRow, SourceFailure)]) -> ControlFailure {
    let said = failures.prefix(3).map { "\($0.0.name) \($0.1)" }.joined(separator: "; ")
    let more = failures.count > 3 ? "; and \(failures.count - 3) more" : ""
    for case (_, .wrongBytes) in failures {
      return ControlFailure(WireFailure(.verificationFailed, "\(key) could not be fetched: \(said)\(more)"))
    }
    return ControlFailure(WireFailure(.noSource, "no source of \(key) answers: \(said)\(more)"))
  }

  // MARK: After

  /// - Returns: the path of the file.
  private func finish(
    _ fetch: Fetch, _ document: Document, _ request: GetDocument
  ) async throws(ControlFailure) -> String {
    let catalogue = ledger.catalogue
    let file = try await commit(fetch, replacing: request.force)
    if request.share {
      try await share(document, file, forgetting: [fetch.file.temporaryPath])
    } else {
      try await blocking { () throws(StoreError) in try catalogue.forgetTemporary(fetch.file.temporaryPath) }
    }
    return file.path
  }

  /// Gives the file its name. Where another download of the same content has been quicker, its file is as good.
  private func commit(_ fetch: Fetch, replacing: Bool) async throws(ControlFailure) -> HashedFile {
    let hasher = FileHasher(layers: ledger.catalogue.layers)
    return try await blocking { () throws(StoreError) in
      do throws(StoreError) {
        return try fetch.commit(replacing: replacing)
      } catch {
        guard error.code == .exists,
          case .same(let file) = try fetch.target.occupant(comparedTo: fetch.content, hasher: hasher)
        else { throw error }
        fetch.discard()
        return file
      }
    }
  }

  private func share(
    _ document: Document, _ file: HashedFile, forgetting temporary: [String]
  ) async throws(ControlFailure) {
    let share = Share(document: document, path: file.path, origin: .downloaded, fingerprint: file.fingerprint)
    let ledger = ledger
    let superseded = try await blocking { () throws(StoreError) in
      try ledger.add(share, fetched: file, forgetting: temporary)
    }
    await publication.withdraw(superseded)
    _ = await publication.publish([document])
  }

  private func reply(
    _ request: GetDocument, _ path: String, _ content: Content, _ sources: [HolderRow: Int64], _ started: NIODeadline
  ) -> ControlGetReply {
    let sorted = sources.sorted { $0.value > $1.value }
    return ControlGetReply(
      key: request.key, content: content, path: path, received: sources.values.reduce(0, +),
      sources: sorted.map { .init(name: $0.key.name.text, id: $0.key.peer, bytes: $0.value) },
      seconds: Double((NIODeadline.now() - started).nanoseconds) / 1e9)
  }

  private func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> Value
  ) async throws(ControlFailure) -> Value {
    try await refusing { () throws(WireFailure) in try await pool.store(body) }
  }
}

/// Passes what the sink reports to the attempt, on the attempt's event loop.
private final class ReportRelay: Sendable {
  private let loop: any EventLoop
  private let held = Mutex<NIOLoopBound<SourceAttempt>?>(nil)

  init(loop: any EventLoop) {
    self.loop = loop
  }

  var target: NIOLoopBound<SourceAttempt>? {
    get { held.withLock { $0 } }
    set { held.withLock { $0 = newValue } }
  }

  func pass(_ report: BlockSink.Report) {
    guard let target else { return }
    loop.execute { target.value.take(report) }
  }
}
