// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Glibc
package import Logging
import NIOCore
package import NIOPosix
package import WireProtocol

/// The downloads of this peer: durable jobs that go on by themselves, and the `get`s that wait for them.
///
/// Carries out the decisions of one `DownloadMachine` per download. While a fetch is under way only its task writes the row
/// of the download; otherwise `writes` does, in order.
package actor Downloads {
  /// Small ones, which are soon over, at a time.
  static let maxSmall = 64
  /// Unfinished downloads.
  static let maxJobs = 50_000
  /// How long an ended download is shown.
  static let historySeconds: Int64 = 86_400

  let preparation: DownloadPreparation
  let watches: HolderWatches
  let work: DownloadWork
  let transfers: TransferRegistry
  let limiter: RateLimiter
  let logger: Logger
  let sleep: @Sendable (Duration) async throws -> Void
  let wallClock: @Sendable () -> Timestamp
  let writes: SerialWrites
  var jobs = JobTable()
  /// Downloads that may begin when there is a slot.
  var queue = DownloadQueue()
  /// Queued downloads that wait for another one of the same content.
  var followers: [Content: Set<Int64>] = [:]
  /// Downloads of several pieces that fetch at a time; others are queued.
  var maxActive = TransferLimits.defaultDownloads
  /// Downloads that wait for a source or the disk.
  var waiting: Set<Int64> = []
  /// The number of those whose holders are watched.
  var followed = 0
  /// Downloads with a fetch or look-up.
  var busy: Set<Int64> = []
  var isAdmitting = false
  var isStopping = false
  private var lastWaiter: Int64 = 0
  var random = SystemRandomNumberGenerator()
  /// Small downloads that have ended and have no row yet.
  var history: [DownloadRecord] = []
  var historyTimer: Task<Void, Never>?

  /// - Parameters:
  ///   - pools: threads for blocking work: `quick` for disk, database and verification, `long` for hashing.
  ///   - partial: what others are told while a download is under way.
  ///   - fetch: fetches a content from its sources.
  package init(
    identity: (id: PeerID, name: PeerName), link: IndexLink, ledger: ShareLedger, transfers: TransferRegistry,
    pools: (quick: NIOThreadPool, long: NIOThreadPool), limiter: RateLimiter = RateLimiter(),
    partial: PartialSharing = .none, logger: Logger,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    wallClock: (@Sendable () -> Timestamp)? = nil, syncInterval: Duration = .seconds(5),
    fetch: @escaping FetchContent
  ) {
    let wallClock = wallClock ?? { Timestamp(seconds: Int64(time(nil))) }
    watches = HolderWatches(link: link)
    preparation = DownloadPreparation(own: identity.id, link: link, ledger: ledger, pools: pools)
    work = DownloadWork(
      preparation: preparation, publication: Publication(catalogue: ledger.catalogue, link: link, pool: pools.quick),
      limiter: limiter, partial: partial, fetch: fetch, wallClock: wallClock,
      syncInterval: syncInterval)
    self.transfers = transfers
    self.limiter = limiter
    self.logger = logger
    self.sleep = sleep
    self.wallClock = wallClock
    writes = SerialWrites(pool: pools.quick, catalogue: ledger.catalogue, logger: logger, sleep: sleep)
  }

  /// The downloads of prefixes, which use the same catalogue, limits and numbers.
  nonisolated func prefixes(
    _ makeSources: @escaping @Sendable (TransferHandle) -> BatchSources
  ) -> PrefixDownloads {
    PrefixDownloads(
      work: PrefixWork(
        preparation: preparation, work: work, publication: work.publication, makeSources: makeSources),
      transfers: transfers, writes: writes, logger: logger, sleep: sleep, wallClock: wallClock)
  }

  var catalogue: Catalogue { preparation.ledger.catalogue }

  // MARK: Life

  /// Goes on with the downloads of earlier processes.
  package func start() async {
    do throws(WireFailure) {
      let (last, records) = try await preparation.pools.quick.store {
        [catalogue, oldest = oldest] () throws(StoreError) in
        try catalogue.forgetFinishedDownloads(before: oldest)
        return (try catalogue.lastDownload(), try catalogue.downloads(in: [.queued, .active, .waiting, .paused]))
      }
      transfers.beginDownloads(after: last)
      for (record, place) in zip(records, await preparation.places(of: records)) { resume(record, at: place) }
      showPieces(of: records)
      if !records.isEmpty { logger.info("downloads go on", metadata: ["count": "\(records.count)"]) }
    } catch {
      logger.error("cannot read the downloads", metadata: ["error": "\(error.message)"])
    }
    admit()
  }

  var oldest: Timestamp { Timestamp(seconds: wallClock().seconds - Self.historySeconds) }

  private func resume(_ record: DownloadRecord, at place: String) {
    let phase = record.state
    let machine = DownloadMachine(
      recorded: phase, kind: record.kind, isDetached: record.isDetached, isContentChosen: record.isContentChosen)
    let transfer = transfers.download(
      record.document.key, record.document.content, to: record.path, id: record.id, received: record.received,
      sources: record.sources)
    let job = ActiveDownload(record, machine, place: place, transfer: transfer, isRecorded: true)
    jobs.insert(job)
    transfer.prioritize(record.priority)
    transfer.show(machine.phase.word, error: nil)
    enqueue(job)
  }

  /// Shows what downloads have that do not go on at once.
  private func showPieces(of records: [DownloadRecord]) {
    let known = records.filter { $0.sideFile != nil }.compactMap { record in
      jobs[record.id].map { (record, $0.transfer) }
    }
    guard !known.isEmpty else { return }
    preparation.pools.long.submit { [catalogue] state in
      for (record, transfer) in known where state == .active {
        if let pieces = PieceFile.writtenPieces(of: record, catalogue: catalogue) { transfer.restored(pieces) }
      }
    }
  }

  /// Stops all work. Downloads go on at the next start.
  package func stop() async {
    isStopping = true
    historyTimer?.cancel()
    for job in jobs.values {
      job.timer?.cancel()
      job.work?.cancel()
      followHolders(of: job)
      let failure = WireFailure(
        .unavailable, "the daemon is stopping; download \(job.id) goes on when it runs again", job: job.id)
      for waiter in job.waiters.values { waiter.answer(.failure(failure)) }
    }
    for job in jobs.values {
      let hasWorked = job.work != nil
      await job.work?.value
      job.record.sources = job.transfer.sources
      if hasWorked, job.isRecorded { writes.update(job.record) }
      job.transfer.end()
    }
    writeHistory()
    await writes.finished()
  }

  /// The index has said whether this peer belongs to its network, and can be asked for sources again.
  package func indexConnected() {
    judgeHomes()
    for (number, id) in waiting.sorted().enumerated() {
      guard let job = jobs[id], job.machine.waitsForSource else { continue }
      // The index is not asked about all of them at once.
      if number < Self.maxProbes {
        carryOut(job.machine.sourcesMayBeBack(), job)
      } else {
        start(timerOf: job, after: Self.probeInterval * number)
      }
    }
  }

  // MARK: Joining

  /// A new or known download of this content and target.
  func job(
    for request: DownloadRequest, _ choice: SourceChoice, at path: String, place: String
  ) throws(WireFailure) -> (ActiveDownload, isNew: Bool) {
    let content = choice.content.content
    let home = home(of: request)
    // Readers of one network do not get what was fetched in another one, but a file can only be written by one download.
    let known = jobs.of(content).first {
      $0.place == place && $0.machine.canBeJoined && (!$0.record.isStream || $0.record.home == home)
    }
    if let known {
      try requireNetwork(of: known, home)
      return (known, false)
    }
    guard !isStopping else { throw WireFailure(.unavailable, "the daemon is stopping") }
    guard jobs.count < Self.maxJobs else {
      throw WireFailure(
        .tooMany, "\(Self.maxJobs) downloads are unfinished; end some of them with p2pctl cancel",
        limit: .init("downloads", Self.maxJobs))
    }
    let record = DownloadRecord(
      request, choice, in: home, path: path, id: transfers.newDownload(), created: wallClock())
    let transfer = transfers.download(request.key, content, to: path, id: record.id)
    let machine = DownloadMachine(
      kind: record.kind, isDetached: request.isDetached, isContentChosen: record.isContentChosen)
    let job = ActiveDownload(record, machine, place: place, transfer: transfer, isRecorded: false)
    jobs.insert(job)
    transfer.prioritize(record.priority)
    job.transfer.show("queued", error: nil)
    enqueue(job)
    return (job, true)
  }

  /// An unfinished download that this request may mean although the index does not know its key now.
  func unfinished(_ request: DownloadRequest, place: String) -> ActiveDownload? {
    let from = request.from.map { PeerID(hex: $0) }
    let home = home(of: request)
    return jobs.of(request.key).first { job in
      job.place == place && job.machine.canBeJoined && (!job.record.isStream || job.record.home == home)
        && (from == nil || from == job.record.from)
        && (request.content.map { job.content.root.hex.hasPrefix($0.prefix { $0 != ":" }) } ?? true)
    }
  }

  /// Takes part in a download.
  func join(_ job: ActiveDownload, _ request: DownloadRequest, _ choice: SourceChoice?) -> Int64 {
    let rejoins = request.rejoins?.job == job.id ? request.rejoins : nil
    let replacesSource = rejoins == nil && adopt(request, choice, job)
    lastWaiter += 1
    let id = lastWaiter
    var baseline = job.transfer.totals
    if let rejoins { baseline.received = min(rejoins.received, baseline.received) }
    job.waiters[id] = DownloadWaiter(baseline: baseline)
    carryOut(
      job.machine.join(
        id, isPatient: request.isPatient, replacesSource: replacesSource, resumes: rejoins == nil), job)
    return id
  }

  func detach(_ job: ActiveDownload, _ request: DownloadRequest, _ choice: SourceChoice?) {
    let replacesSource = adopt(request, choice, job)
    job.record.isDetached = true
    carryOut(job.machine.detach(replacesSource: replacesSource), job)
  }

  /// - Returns: whether the download has another source now.
  private func adopt(_ request: DownloadRequest, _ choice: SourceChoice?, _ job: ActiveDownload) -> Bool {
    job.record.isShared = job.record.isShared || request.isShared
    job.record.replacesFile = job.record.replacesFile || request.replacesFile
    if let priority = request.priority, priority != job.record.priority { prioritize(job, priority) }
    guard let choice else { return false }
    let isOther = job.record.from != choice.peer
    job.record.from = choice.peer
    // A running fetch looks for others itself.
    if isOther || !job.machine.isBusy { job.choice = choice }
    return isOther
  }

  /// Waits until the download has ended or waits for something.
  /// - Returns: the path of the file.
  func wait(_ id: Int64, for job: ActiveDownload) async -> Result<String, WireFailure> {
    guard let waiter = job.waiters[id] else { return .failure(WireFailure(.cancelled, "interrupted")) }
    let number = job.id
    return await withTaskCancellationHandler {
      await withCheckedContinuation { waiter.wait($0) }
    } onCancel: {
      Task { await self.leave(id, number) }
    }
  }

  /// The connection of a waiter was closed.
  func leave(_ id: Int64, _ job: Int64) {
    guard let job = jobs[job] else { return }
    carryOut(job.machine.leave(id), job)
    job.waiters[id]?.answer(.failure(WireFailure(.cancelled, "client disconnected")))
  }

  func forget(_ id: Int64, of job: ActiveDownload) {
    job.waiters[id] = nil
  }

  /// The download may begin.
  func release(_ job: ActiveDownload) {
    job.isHeld = false
    enqueue(job)
    admit()
  }

  // MARK: History

  private static let historyDelay = Duration.seconds(1)

  /// Rows of small downloads are written together, a while later.
  func remember(_ record: DownloadRecord) {
    history.append(record)
    guard historyTimer == nil, !isStopping else { return }
    historyTimer = Task { [sleep] in
      try? await sleep(Self.historyDelay)
      self.writeHistory()
    }
  }

  func writeHistory() {
    historyTimer = nil
    guard !history.isEmpty else { return }
    let records = history
    history = []
    writes.add { [catalogue, oldest] () throws(StoreError) in
      try catalogue.record(records)
      try catalogue.forgetFinishedDownloads(before: oldest)
    }
  }

  /// Ended downloads of the last day, oldest first.
  package func ended() async throws(WireFailure) -> [DownloadRecord] {
    writeHistory()
    await writes.finished()
    return try await preparation.pools.quick.store { [catalogue, oldest] () throws(StoreError) in
      try catalogue.endedDownloads(since: oldest, limit: Self.maxShown)
    }
  }

  private static let maxShown = 1_000
}
