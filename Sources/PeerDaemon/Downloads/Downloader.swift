// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
package import Logging
package import NIOCore
package import NIOPosix
import Synchronization
package import WireProtocol

/// Downloads documents: finds sources, verifies every block, names the file when it is complete and durable, shares it.
package struct Downloader: Sendable {
  private let identity: (id: PeerID, name: PeerName)
  private let link: IndexLink
  let ledger: ShareLedger
  private let publication: Publication
  private let transfers: TransferRegistry
  private let group: any EventLoopGroup
  private let pool: NIOThreadPool
  private let longPool: NIOThreadPool
  private let timeout: SourceTimeout
  private let idle = IdleSources()
  private let logger: Logger

  /// - Parameter pools: threads for blocking work: `quick` for disk, database and verification, `long` for hashing large
  ///   existing files.
  package init(
    identity: (id: PeerID, name: PeerName), link: IndexLink, ledger: ShareLedger, transfers: TransferRegistry,
    group: any EventLoopGroup, pools: (quick: NIOThreadPool, long: NIOThreadPool),
    timeout: SourceTimeout = SourceTimeout(), logger: Logger
  ) {
    self.identity = identity
    self.link = link
    self.ledger = ledger
    publication = Publication(catalogue: ledger.catalogue, link: link, pool: pools.quick)
    self.transfers = transfers
    self.group = group
    pool = pools.quick
    longPool = pools.long
    self.timeout = timeout
    self.logger = logger
  }

  /// Downloads one document. Cancelling the task stops the download and removes its file.
  ///
  /// - Parameter progress: called from any thread, about ten times a second.
  package func get(
    _ request: DownloadRequest, progress: @escaping @Sendable (DownloadProgress) -> Void
  ) async throws(WireFailure) -> Download {
    let started = NIODeadline.now()
    let choice = try await choose(request)
    let news = SourceNews()
    do throws(WireFailure) {
      return try await get(request, choice, since: started, news, progress)
    } catch {
      // The file may have changed between the lookup and the request.
      guard error.code == .noSource, news.isOutdated, !news.hasDelivered, request.content == nil else { throw error }
      guard let again = try await newContent(of: request, besides: choice) else { throw error }
      return try await get(request, again, since: started, SourceNews(), progress)
    }
  }

  /// How long the index may take to learn what a changed file is now: its holder hashes and announces it meanwhile.
  private static let newsTimeout = TimeAmount.seconds(3)
  private static let newsInterval = Duration.milliseconds(200)

  /// Looks the key up until it has another content; `nil` if it has none in time.
  private func newContent(
    of request: DownloadRequest, besides old: SourceChoice
  ) async throws(WireFailure) -> SourceChoice? {
    let deadline = NIODeadline.now() + Self.newsTimeout
    while true {
      do throws(WireFailure) {
        let choice = try await choose(request)
        if choice.content.content != old.content.content { return choice }
      } catch {
        // Between the withdrawal and the announcement nobody holds the key.
        guard error.code == .notFound else { throw error }
      }
      guard NIODeadline.now() < deadline, (try? await Task.sleep(for: Self.newsInterval)) != nil else { return nil }
    }
  }

  private func get(
    _ request: DownloadRequest, _ choice: SourceChoice, since started: NIODeadline, _ news: SourceNews,
    _ progress: @escaping @Sendable (DownloadProgress) -> Void
  ) async throws(WireFailure) -> Download {
    let content = choice.content.content
    if case .stream(let deliver) = request.destination {
      let sources = try await stream(choice, request.key, news, progress, to: deliver)
      return Self.download(content, "-", sources, started)
    }
    let document = Document(
      key: request.key, title: choice.content.title, content: content, modified: choice.content.modified,
      executable: choice.content.executable)
    let fetch: Fetch
    switch try await prepare(request, content) {
    case .begun(let begun): fetch = begun
    case .present(let file):
      if request.isShared { try await share(document, file) }
      return Self.download(content, file.path, [:], started)
    }
    do throws(WireFailure) {
      let sources = try await fetchAll(fetch, choice, request.key, news, progress)
      let path = try await finish(fetch, document, request)
      return Self.download(content, path, sources, started)
    } catch {
      // No effect if the file already has its name.
      _ = try? await blocking { fetch.discard() }
      throw error
    }
  }

  // MARK: Before

  private func choose(_ request: DownloadRequest) async throws(WireFailure) -> SourceChoice {
    let peer = request.from.flatMap { PeerID(hex: $0) }
    let found: LookupReply
    do throws(WireFailure) {
      found = try await link.ask(.lookup(.init(.key(request.key), peer: peer)), LookupReply.init)
    } catch  where error.code == .notFound {
      throw WireFailure(.notFound, "nobody shares \(request.key) now; p2pctl list shows what is available")
    }
    return try SourceChoice(
      request.key, found, from: request.from, prefix: request.content, newest: request.takesNewest,
      asking: identity.id)
  }

  private enum Preparation: Sendable {
    case begun(Fetch)
    /// The file already exists.
    case present(HashedFile)
  }

  private func prepare(_ request: DownloadRequest, _ content: Content) async throws(WireFailure) -> Preparation {
    let catalogue = ledger.catalogue
    let places = ledger.places
    let (target, fetch) = try await blocking { () throws(StoreError) in
      let target = try Self.target(of: request, places.current())
      let fetch = target.isFree ? try Fetch(content: content, target: target, catalogue: catalogue) : nil
      return (target, fetch)
    }
    if let fetch { return .begun(fetch) }
    if let file = try await present(target, content) { return .present(file) }
    try await blocking { () throws(StoreError) in try target.checkReplaceable() }
    guard request.replacesFile else {
      throw WireFailure(
        .cannotCreate, "\(target.path) exists and is different; -o names another file, --force replaces it")
    }
    return try await blocking { () throws(StoreError) in
      try target.checkReplaceable()
      return .begun(try Fetch(content: content, target: target, catalogue: catalogue))
    }
  }

  private static func target(
    of request: DownloadRequest, _ places: PrivatePlaces.Current
  ) throws(StoreError) -> DownloadTarget {
    let name = request.key.suggestedFileName
    return switch request.destination {
    case .path(let path): try DownloadTarget(path: path, suggestedName: name, places: places, mask: request.mask)
    case .directory(let directory): try DownloadTarget(directory: directory, name: name, places: places)
    case .stream: throw StoreError(.cannotCreate, name, "a stream has no file")
    }
  }

  /// Bytes above which hashing would block a quick thread for too long.
  private static let maxQuickSize: Int64 = 16 << 20

  /// The existing file at the target if it has the wanted content. Cancelling the task stops hashing it.
  private func present(_ target: DownloadTarget, _ content: Content) async throws(WireFailure) -> HashedFile? {
    let hasher = FileHasher(layers: ledger.catalogue.layers)
    let pool = content.size > Self.maxQuickSize ? longPool : pool
    let occupant = try await pool.interruptible { isCancelled throws(StoreError) in
      try target.occupant(comparedTo: content, hasher: hasher, isCancelled: isCancelled)
    }
    guard case .same(let file) = occupant else { return nil }
    return file
  }

  // MARK: Fetching

  /// - Returns: bytes received from each source.
  func fetchAll(
    _ fetch: Fetch, _ choice: SourceChoice, _ key: DocumentKey, _ news: SourceNews,
    _ progress: @escaping @Sendable (DownloadProgress) -> Void
  ) async throws(WireFailure) -> [Holder: Int64] {
    let transfer = transfers.download(key, fetch.content, to: fetch.target.path)
    defer { transfer.end() }
    let context = SourceSearch.Context(
      identity: identity, pool: pool, timeout: timeout, idle: idle, mayBeLocal: link.isIndexLocal, transfer: transfer,
      progress: progress, lookUp: { [link] in await choice.lookUpOthers(link) }, logger: logger)
    switch await search(fetch, choice, context) {
    case .complete(let bytes): return bytes
    case .cancelled: throw WireFailure(.cancelled, "the download of \(key) was cancelled")
    case .failed(let error): throw WireFailure(error)
    case .noSource(let failures, let holders):
      news.note(failures)
      throw Self.noSource(of: key, failures, holders: holders)
    }
  }

  private func search(_ fetch: Fetch, _ choice: SourceChoice, _ context: SourceSearch.Context) async
    -> SourceSearch.Outcome
  {
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

  private static func noSource(of key: DocumentKey, _ failures: SourceFailures, holders: Int) -> WireFailure {
    if failures.hasWrongBytes {
      return WireFailure(.verificationFailed, "\(key) could not be fetched: \(failures.explanation)")
    }
    guard failures.count > 0 else {
      return WireFailure(.noSource, "nobody else offers \(key) now: there was no source to ask")
    }
    let tried = holders > 1 ? " (\(failures.count) tries at \(holders) holders)" : ""
    return WireFailure(.noSource, "no source of \(key) answers\(tried): \(failures.explanation)")
  }

  // MARK: After

  /// Makes the file durable, names it and shares it. If another download of the same content was faster, uses its file.
  /// - Returns: the path of the file.
  private func finish(
    _ fetch: Fetch, _ document: Document, _ request: DownloadRequest
  ) async throws(WireFailure) -> String {
    let ledger = ledger
    let attributes = request.attributes(of: document)
    let outcome = try await blocking {
      () throws(StoreError) -> Result<(path: String, superseded: [Share]), StoreError> in
      let file: HashedFile
      do throws(StoreError) {
        file = try fetch.commit(replacing: request.replacesFile, attributes)
      } catch {
        guard error.code == .exists else { throw error }
        return .failure(error)
      }
      let temporary = fetch.file.temporaryPaths
      if request.isShared {
        let superseded = try Self.share(document, file, in: ledger, forgetting: temporary)
        return .success((fetch.target.currentPath, superseded))
      }
      // A record that cannot be removed now is removed at the next start.
      for path in temporary { try? ledger.catalogue.forgetTemporary(path) }
      return .success((fetch.target.currentPath, []))
    }
    switch outcome {
    case .success(let (path, superseded)):
      if request.isShared { await publish(document, superseded) }
      return path
    case .failure(let error):
      guard let file = try await present(fetch.target, fetch.content) else {
        throw try await keepBeside(fetch, attributes, error)
      }
      try await blocking { fetch.discard() }
      if request.isShared { try await share(document, file) }
      return file.path
    }
  }

  /// Another file has taken the name meanwhile: gives the finished one a name beside it, and shares nothing.
  private func keepBeside(_ fetch: Fetch, _ attributes: FileAttributes, _ error: StoreError) async throws(WireFailure)
    -> WireFailure
  {
    let kept = try await blocking { [catalogue = ledger.catalogue] () throws(StoreError) in
      let path = try fetch.file.commitBeside(attributes)
      for path in fetch.file.temporaryPaths { try? catalogue.forgetTemporary(path) }
      return path
    }
    return WireFailure(
      .cannotCreate,
      "\(error.subject) appeared during the download and is different; the download is complete as \(kept)")
  }

  /// Shares an existing file.
  private func share(_ document: Document, _ file: HashedFile) async throws(WireFailure) {
    let ledger = ledger
    let superseded = try await blocking { () throws(StoreError) in
      try Self.share(document, file, in: ledger, forgetting: [])
    }
    await publish(document, superseded)
  }

  /// - Returns: superseded shares.
  private static func share(
    _ document: Document, _ file: HashedFile, in ledger: ShareLedger, forgetting temporary: [String]
  ) throws(StoreError) -> [Share] {
    let share = Share(
      document: document, path: file.path, origin: .downloaded, fingerprint: file.fingerprint,
      permissions: document.executable ? 0o755 : 0o644)
    do throws(StoreError) {
      return try ledger.add(share, fetched: file, forgetting: temporary)
    } catch {
      // The file is complete: the error must say that only the catalogue could not be written.
      throw StoreError(error.code, file.path, "is complete, but could not be added to the catalogue: \(error)")
    }
  }

  private func publish(_ document: Document, _ superseded: [Share]) async {
    await publication.withdraw(superseded)
    _ = await publication.publish([document])
  }

  private static func download(
    _ content: Content, _ path: String, _ sources: [Holder: Int64], _ started: NIODeadline
  ) -> Download {
    Download(
      content: content, path: path,
      sources: sources.sorted { $0.value > $1.value }.map { .init(holder: $0.key, bytes: $0.value) },
      seconds: Double((NIODeadline.now() - started).nanoseconds) / 1e9)
  }

  func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> Value
  ) async throws(WireFailure) -> Value {
    try await pool.store(body)
  }
}
