// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentIndex
import DocumentModel
import NIOCore
import NIOPosix
import WireProtocol

/// The adapter of the control plane: decodes each request into calls of the services, and encodes what they return.
struct PeerOperations: Sendable {
  let identity: (id: PeerID, name: PeerName)
  /// Absolute.
  let controlPath: String
  /// Where other machines reach this peer, if they do.
  let uploads: @Sendable () -> Endpoint
  let link: IndexLink
  let selection: IndexSelection
  let indexes: KnownIndexes
  let sharing: Sharing
  let downloads: Downloads
  let prefixes: PrefixDownloads
  let limits: LimitKeeper
  let index: IndexQueries
  let own: CatalogueQueries
  let transfers: TransferRegistry
  let moved: MovedTotals
  let examination: SelfExamination

  /// All operations, in the order of the written protocol.
  func answer(_ request: ControlRequest, _ events: ControlEvents) async throws(WireFailure) -> any WireReply {
    switch request {
    // The session answers it.
    case .hello: throw WireFailure(.internal, "unexpected hello")
    case .add(let files): try await add(files, events)
    case .lookup(let key): try await lookup(key)
    case .list(let query) where query.mine: try await listOwn(query, events)
    case .list(let query): try await list(query, events)
    case .get(let document): try await get(document, events)
    case .getAll(let documents):
      try await SeveralDownloads(downloads: downloads, prefixes: prefixes, transfers: transfers).get(documents, events)
    case .remove(let documents): try await remove(documents)
    case .status: try await status()
    case .stats: try await link.ask(.stats, StatsReply.init)
    case .peers(let limit): try await peers(limit: limit, events)
    case .transfers(let list): try await transfers(list, events)
    case .pause(let pause):
      try await change(pause.selection) { selection throws(WireFailure) in
        try await downloads.pause(selection, waiter: pause.waiter)
      } prefixes: { selection throws(WireFailure) in
        try await prefixes.pause(selection, waiter: pause.waiter)
      }
    case .resume(let selection):
      try await change(selection) { selection throws(WireFailure) in
        try await downloads.resume(selection)
      } prefixes: { selection throws(WireFailure) in
        try await prefixes.resume(selection)
      }
    case .cancel(let selection):
      try await change(selection) { selection throws(WireFailure) in
        try await downloads.cancel(selection)
      } prefixes: { selection throws(WireFailure) in
        try await prefixes.cancel(selection)
      }
    case .limit(let change): try await limit(change)
    case .watch(let filter): try await WatchReports(link: link).send(filter, to: events)
    case .connect(let address, let id, let isReleased): try await connect(address, id: id, sharesExisting: isReleased)
    case .join(let join): try await self.join(join)
    case .network(let request): try await membership(request)
    case .doctor: await doctor()
    }
  }

  // MARK: Documents

  private func add(_ files: AddFiles, _ events: ControlEvents) async throws(WireFailure) -> ControlAddReply {
    let throttle = Throttle()
    let outcome = try await sharing.add(
      AddRequest(
        paths: files.paths,
        tree: files.recursive
          ? TreeSelection(followsLinks: files.follow, takesHidden: files.hidden, excluded: files.exclude) : nil,
        key: files.key, title: files.title),
      hashing: { file, count, progress in
        guard files.progress, throttle.isDue() else { return }
        events.offer(
          .hashing(
            HashingProgress(
              path: progress.path, done: progress.done, total: progress.total, file: file + 1, files: count)))
      },
      report: { step throws(WireFailure) in
        let added = step.added.map { ControlEvent.added($0.document, path: $0.path) }
        try await events.send(added + step.failed.map(ControlEvent.failed))
      })
    // What was added stays, and is announced when the index takes it.
    if !outcome.isAnnounced, let refusal = await link.refusal { throw refusal }
    let error = outcome.isAnnounced ? nil : await link.announcementRefusal
    return ControlAddReply(
      added: outcome.added, failed: outcome.failed, announced: outcome.isAnnounced, refused: outcome.refused,
      leftOut: outcome.leftOut, error: error)
  }

  private func lookup(_ key: DocumentKey) async throws(WireFailure) -> LookupReply {
    let found = try await index.lookup(key)
    return LookupReply(key: key, contents: found.contents, more: found.more).bounded
  }

  private func listOwn(_ query: ListDocuments, _ events: ControlEvents) async throws(WireFailure) -> ControlListReply {
    let documents = ListQuery(
      collection: query.collection, prefix: query.prefix ?? "", isLevel: query.level, words: query.words ?? "")
    let network = await networkOfIndex
    let count = try await own.list(documents, limit: query.limit) { rows throws(WireFailure) in
      let refused = await link.refused(of: rows.compactMap { if case .share(let share) = $0 { share.id } else { nil } })
      try await events.send(rows.map { Self.event($0, in: network, refused) })
    }
    return ControlListReply(documents: count)
  }

  /// - Parameters:
  ///   - network: that of the index, if there is a connection.
  ///   - refused: what the index does not take.
  private static func event(
    _ row: CatalogueQueries.Row, in network: Home?, _ refused: Set<DocumentID>
  ) -> ControlEvent {
    switch row {
    case .level(let level): return .level(level)
    case .share(let share):
      let isHeard = network.map(share.audience.contains) ?? true
      let state: OwnFile.State =
        share.state == .withdrawn ? .withdrawn : refused.contains(share.id) ? .refused : isHeard ? .shared : .withheld
      return .document(
        DocumentListing(document: share.document, total: state == .shared ? 1 : 0, holders: []),
        file: .init(path: share.path, state: state))
    }
  }

  private func list(_ query: ListDocuments, _ events: ControlEvents) async throws(WireFailure) -> ControlListReply {
    let documents = IndexRequest.ListQuery(
      collection: query.collection, prefix: query.prefix, level: query.level, words: query.words ?? "",
      limit: query.limit)
    let count = try await index.list(documents) { rows throws(WireFailure) in
      try await events.send(
        rows.map { row in
          switch row {
          case .document(let listing): .document(listing.bounded)
          case .level(let level): .level(level)
          }
        })
    }
    return ControlListReply(documents: count)
  }

  private func get(_ document: GetDocument, _ events: ControlEvents) async throws(WireFailure) -> ControlGetReply {
    let destination: DownloadRequest.Destination =
      switch document.target {
      case .path(let path): .path(path)
      case .directory(let directory): .directory(directory)
      case .stream: .stream
      }
    var request =
      DownloadRequest(
        key: document.key, destination: destination, from: document.from, content: document.content,
        takesNewest: document.newest, replacesFile: document.force, isShared: document.share)
    request.preserves = document.preserve
    request.mask = document.umask
    request.priority = document.priority
    (request.rejoins, request.offset) = (document.rejoins, document.offset)
    (request.isDetached, request.isPatient) = (document.detach, document.wait)
    guard !document.detach else {
      let (download, state) = try await downloads.detach(request)
      return Self.reply(document.key, download, state)
    }
    let progress = ProgressReports(transfers)
    let reports = document.progress ? Task { await progress.send(to: events) } : nil
    defer { reports?.cancel() }
    let began: @Sendable (DownloadJob) async throws(WireFailure) -> Void = { job throws(WireFailure) in
      try await events.send([.job(job)])
      progress.began(job.job)
    }
    let download =
      if document.target == .stream {
        try await downloads.stream(request, began: began, preparing: progress.preparing) { bytes in
          try await events.send(bytes: bytes)
        }
      } else {
        try await downloads.get(request, began: began, preparing: progress.preparing)
      }
    if let reports {
      reports.cancel()
      await reports.value
      let size = download.content.size
      try await events.send([.progress(DownloadProgress(received: size, size: size, state: "done"))])
    }
    return Self.reply(document.key, download)
  }

  /// A command for downloads of single documents, of prefixes, or of both.
  private func change(
    _ selection: DownloadSelection, _ single: (DownloadSelection) async throws(WireFailure) -> Int,
    prefixes many: (DownloadSelection) async throws(WireFailure) -> Int
  ) async throws(WireFailure) -> ControlDownloadsReply {
    switch selection {
    case .job(let job) where await prefixes.has(job): ControlDownloadsReply(downloads: try await many(selection))
    case .prefix: ControlDownloadsReply(downloads: try await many(selection))
    case .job, .key: ControlDownloadsReply(downloads: try await single(selection))
    case .all: ControlDownloadsReply(downloads: try await single(selection) + many(selection))
    }
  }

  private static func reply(_ key: DocumentKey, _ download: Download, _ state: String? = nil) -> ControlGetReply {
    ControlGetReply(
      key: key, content: download.content, path: download.path, received: download.received,
      sources: download.sources.map { .init(name: $0.name, id: $0.peer, bytes: $0.bytes, error: $0.error) },
      seconds: download.seconds, job: download.job, state: state, isShared: download.isShared)
  }

  private func remove(_ documents: RemoveDocuments) async throws(WireFailure) -> ControlRemoveReply {
    let removed =
      switch documents {
      case .document(let key, let content): try await sharing.remove(key, contentPrefix: content)
      case .prefix(let prefix): try await sharing.remove(prefix: prefix)
      }
    return ControlRemoveReply(removed: removed)
  }

  // MARK: Peers and transfers

  private func peers(limit: Int?, _ events: ControlEvents) async throws(WireFailure) -> ControlPeersReply {
    let count = try await index.peers(limit: limit) { peers throws(WireFailure) in
      try await events.send(peers.map(ControlEvent.peer))
    }
    return ControlPeersReply(peers: count)
  }

  /// Rows that are encoded at a time.
  private static let rowsAtATime = 256

  private func transfers(
    _ list: ListTransfers, _ events: ControlEvents
  ) async throws(WireFailure) -> ControlTransfersReply {
    var (rows, counts) = transfers.snapshot(limit: list.limit, maps: list.map)
    let room = list.limit.map { $0 - rows.count }
    // With a limit the latest come first.
    if list.all, room != 0 {
      var ended = try await downloads.ended().map(\.row) + prefixes.ended().map(\.row)
      ended.sort { $0.id < $1.id }
      rows += room.map { ended.reversed().prefix($0) + [] } ?? ended
    }
    for start in stride(from: 0, to: rows.count, by: Self.rowsAtATime) {
      try await events.send(rows[start..<min(start + Self.rowsAtATime, rows.count)].map(ControlEvent.transfer))
    }
    return ControlTransfersReply(transfers: rows.count, counts: counts)
  }

  private func limit(_ change: ChangeLimits) async throws(WireFailure) -> ControlLimitReply {
    try await limits.change(change)
    await downloads.limit(active: limits.limits.downloads)
    await prefixes.limit(active: limits.limits.downloads)
    return await limits.state
  }

  // MARK: The daemon

  /// That of the index, whether this peer belongs to it yet or not; `nil` without a connection.
  private var networkOfIndex: Home? {
    get async { await link.status.isConnected ? link.passes.homeOfNew : nil }
  }

  private func status() async throws(WireFailure) -> ControlStatusReply {
    let status = await link.status
    let (totals, withheld, problem) = try await own.condition(in: networkOfIndex)
    let state = IndexState(
      address: status.address, connected: status.isConnected, since: Timestamp(seconds: status.since),
      source: selection.current.source, error: status.error, id: status.id, role: status.role)
    return ControlStatusReply(
      name: identity.name, peer: identity.id, socket: controlPath, uploads: uploads(), index: state,
      documents: Int(totals.documents), bytes: totals.bytes, withheld: withheld, moved: moved.current,
      error: problem?.description)
  }

  /// - Parameters:
  ///   - id: what the index there has to prove from now on; `nil` to keep what is known.
  ///   - sharesExisting: whether what was shared elsewhere is announced there, too.
  private func connect(
    _ address: Endpoint?, id: PeerID?, sharesExisting: Bool
  ) async throws(WireFailure) -> ControlConnectReply {
    guard address?.port != 0, address?.host != "" else {
      throw WireFailure(.usage, "an index address needs a host and a port other than 0")
    }
    let turn = selection.begin()
    // A person says that the index of an open network has another key: it is still meant by what waits for it.
    let isSame = !link.passes.isClosed && selection.current.address == address
    let isChosen = try await own.pool.store { [selection, indexes, catalogue = own.catalogue] () throws(StoreError) in
      if let address, let id {
        let place = selection.place(of: address)
        indexes.remember(id, at: address)
        try indexes.write()
        if isSame {
          _ = try catalogue.settleHomes(at: [place], isOwn: false, in: .awaited(selection.place(of: address)))
        }
      }
      return try selection.choose(address, in: turn)
    }
    guard isChosen else { throw .overtaken }
    let chosen = selection.current
    await link.follow { [selection] in selection.current.address }
    let isConnected = await link.isConnectedInTime()
    let status = await link.status
    if !isConnected, let refusal = await link.refusal { throw refusal }
    var reply = ControlConnectReply(
      address: chosen.address, connected: isConnected, source: chosen.source,
      error: isConnected ? nil : status.error, index: status.id)
    // Another `connect` may have come meanwhile.
    guard status.address == chosen.address, let network = status.network else {
      if sharesExisting { reply.error = "\(reply.error ?? "not connected"); nothing was released to its network" }
      return reply
    }
    reply.withheld = try await release(sharesExisting, to: network)
    return reply
  }

  private func doctor() async -> ControlDoctorReply {
    let report = await examination.examine()
    let index: ControlDoctorReply.Index =
      switch report.index {
      case .success(let answer):
        .init(
          server: answer.server, seconds: answer.seconds, skew: answer.skew,
          refusedDocuments: report.refusedDocuments)
      case .failure(let failure):
        .init(
          error: failure.message, refused: failure.code == .forbidden, limit: failure.limit, found: report.otherIndex,
          refusedDocuments: report.refusedDocuments)
      }
    let uploads = report.uploads.map { uploads in
      ControlDoctorReply.Uploads(
        address: uploads.address, reachable: uploads.problem == nil, error: uploads.problem)
    }
    let (catalogue, files) = (report.catalogue, report.files)
    return ControlDoctorReply(
      index: index, uploads: uploads,
      catalogue: .init(
        error: catalogue.problem, aside: catalogue.putAside, cameBackEmpty: catalogue.cameBackEmpty),
      files: .init(
        checked: files.checked, unusable: files.unusable, changed: files.changed,
        examples: files.examples.map { PathProblem(path: $0.subject, message: $0.reason) }, complete: files.isComplete),
      portTaken: report.portTaken)
  }
}
