// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel
import Logging
import NIOCore
package import WireProtocol

/// The downloads of prefixes: durable jobs that go on by themselves, and the `get`s that wait for them.
///
/// Their life is that of other downloads, decided by a `DownloadMachine` each; what is missing is found out anew in each
/// round. They have slots of their own.
package actor PrefixDownloads {
  /// Unfinished ones.
  static let maxJobs = 1_000
  private static let maxShown = 1_000
  /// After so many rounds with fewer documents, about a minute, the others are taken as removed.
  private static let maxShortRounds = 6

  let work: PrefixWork
  let transfers: TransferRegistry
  let writes: SerialWrites
  let logger: Logger
  private let sleep: @Sendable (Duration) async throws -> Void
  let wallClock: @Sendable () -> Timestamp
  var jobs: [Int64: ActivePrefix] = [:]
  private var maxActive = TransferLimits.defaultDownloads
  private(set) var isStopping = false
  private var lastWaiter: Int64 = 0
  private var random = SystemRandomNumberGenerator()

  init(
    work: PrefixWork, transfers: TransferRegistry, writes: SerialWrites, logger: Logger,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    wallClock: @escaping @Sendable () -> Timestamp
  ) {
    self.work = work
    self.transfers = transfers
    self.writes = writes
    self.logger = logger
    self.sleep = sleep
    self.wallClock = wallClock
  }

  private var catalogue: Catalogue { work.preparation.ledger.catalogue }
  private var oldest: Timestamp { Timestamp(seconds: wallClock().seconds - Downloads.historySeconds) }

  // MARK: Life

  /// Goes on with the downloads of earlier processes. Call it after `Downloads.start`, which learns the last number.
  package func start() async {
    do throws(WireFailure) {
      let records = try await work.preparation.pools.quick.store {
        [catalogue, oldest] () throws(StoreError) in
        for item in try catalogue.downloadsWithoutPrefix() {
          PieceFile.discard(item, catalogue: catalogue)
          try catalogue.removeDownload(item.id)
        }
        try catalogue.forgetFinishedPrefixes(before: oldest)
        return try catalogue.unfinishedPrefixes()
      }
      for record in records {
        let machine = DownloadMachine(recorded: record.state, isDetached: record.isDetached, isContentChosen: true)
        let job = ActivePrefix(record, machine, transfer: transfers.prefix(record))
        jobs[job.id] = job
        job.transfer.show(machine.phase.word, error: nil)
      }
      if !records.isEmpty { logger.info("downloads of prefixes go on", metadata: ["count": "\(records.count)"]) }
    } catch {
      logger.error("cannot read the downloads of prefixes", metadata: ["error": "\(error.message)"])
    }
    admit()
  }

  /// Stops all work. Downloads go on at the next start.
  package func stop() async {
    isStopping = true
    for job in jobs.values {
      job.timer?.cancel()
      job.work?.cancel()
      let failure = WireFailure(
        .unavailable, "the daemon is stopping; download \(job.id) goes on when it runs again", job: job.id)
      for waiter in job.waiters.values { waiter.answer(failure) }
    }
    for job in jobs.values {
      let hasWorked = job.work != nil
      await job.work?.value
      if hasWorked { write(job) }
      job.transfer.end()
    }
    await writes.finished()
  }

  /// The index has said whether this peer belongs to its network, and can be asked again.
  package func indexConnected() {
    for job in jobs.values {
      let before = job.machine.state
      let actions = isHere(job) ? job.machine.networkEntered() : job.machine.networkLeft(.waits(job.record.home))
      if job.machine.state != before { carryOut(actions, job) }
    }
    for job in jobs.values { carryOut(job.machine.sourcesMayBeBack(), job) }
  }

  /// As `Downloads.openNetworkClosed`.
  func openNetworkClosed(to network: Home) {
    for job in jobs.values where job.record.home == .open {
      job.record.home = network
      write(job)
    }
  }

  package func limit(active count: Int) {
    maxActive = max(count, 1)
    admit()
  }

  /// Those that ended within the last day.
  package func ended() async throws(WireFailure) -> [PrefixRecord] {
    await writes.finished()
    return try await work.preparation.pools.quick.store { [catalogue, oldest] () throws(StoreError) in
      try catalogue.endedPrefixes(since: oldest, limit: Self.maxShown)
    }
  }

  // MARK: Waiters

  /// - Parameter isOther: whether the request has changed the options of the download: it compares again.
  func join(
    _ job: ActivePrefix, _ waiter: PrefixWaiter, isPatient: Bool, resumes: Bool, isOther: Bool
  ) -> Int64 {
    lastWaiter += 1
    job.waiters[lastWaiter] = waiter
    job.observers.set(lastWaiter, waiter.result)
    let id = lastWaiter
    carryOut(job.machine.join(id, isPatient: isPatient, replacesSource: isOther, resumes: resumes), job)
    return id
  }

  func leave(_ id: Int64, _ job: Int64) {
    guard let job = jobs[job] else { return }
    carryOut(job.machine.leave(id), job)
    job.observers.set(id, nil)
    job.waiters.removeValue(forKey: id)?.answer(WireFailure(.cancelled, "client disconnected"))
  }

  // MARK: Actions

  func carryOut(_ actions: [DownloadMachine.Action], _ job: ActivePrefix) {
    for action in actions {
      switch action {
      case .fetch: fetch(job)
      case .stop: job.work?.cancel()
      // The next round lists the keys again.
      case .lookUpKey, .probe: carryOut(job.machine.probed(true, using: &random), job)
      case .retry(let delay): start(timerOf: job, after: delay)
      case .answer(let ids, let answer):
        for id in ids {
          job.observers.set(id, nil)
          let waiter = job.waiters.removeValue(forKey: id)
          switch answer {
          case .done: waiter?.answer(nil)
          case .failure(let failure): waiter?.answer(failure.about(job.id))
          }
        }
      case .discard: discard(job)
      }
    }
    settle(job)
  }

  /// Brings everything in line with the state.
  private func settle(_ job: ActivePrefix) {
    let (phase, error) = (job.machine.phase, job.machine.error?.message)
    if case .waiting = job.machine.state {} else { job.timer.take()?.cancel() }
    job.transfer.show(phase.word, error: error)
    if !job.machine.isBusy, job.written != (phase, error) { record(job, phase, error) }
    if phase.hasEnded, !job.machine.isBusy {
      // Half of a version that nobody has any more, for example.
      discard(job)
      jobs[job.id] = nil
      job.transfer.end()
    }
    admit()
  }

  private func record(_ job: ActivePrefix, _ phase: DownloadRecord.State, _ error: String?) {
    job.written = (phase, error)
    (job.record.state, job.record.error) = (phase, error)
    if phase.hasEnded { job.record.finished = wallClock() }
    write(job)
  }

  private func write(_ job: ActivePrefix) {
    job.record.received = job.transfer.totals.received
    writes.update(job.record)
  }

  private func admit() {
    guard !isStopping else { return }
    let queued = jobs.values.filter { $0.machine.state == .queued && !$0.isHeld }.sorted { $0.id < $1.id }
    // Each of these steps leads here again.
    for job in queued where job.machine.state == .queued && !isHere(job) {
      carryOut(job.machine.networkLeft(.waits(job.record.home)), job)
    }
    var slots = maxActive - jobs.values.count { $0.machine.isBusy }
    for job in queued where slots > 0 && job.machine.state == .queued {
      slots -= 1
      carryOut(job.machine.admitted(), job)
    }
  }

  /// Whether this peer is in the network in which the download began.
  private func isHere(_ job: ActivePrefix) -> Bool {
    job.record.home == work.preparation.link.passes.home
  }

  /// Lets a download begin whose row is written.
  func release(_ job: ActivePrefix) {
    job.isHeld = false
    admit()
  }

  private func fetch(_ job: ActivePrefix) {
    job.record.state = .active
    job.written = (.active, nil)
    let transfer = job.transfer
    let order = PrefixWork.Order(
      record: job.record, expected: job.shortRounds < Self.maxShortRounds ? job.record.documents : 0,
      avoided: job.avoided, transfer: transfer, newNumber: { [transfers] in transfers.newDownload() },
      result: { [observers = job.observers] in observers.report($0) },
      progress: { counts in
        transfer.counted(documents: counts.total, have: counts.have, bytes: counts.bytes)
      })
    job.work = Task { [work, id = job.id] in
      let report = await work.run(order)
      self.ended(report, id)
    }
  }

  private func ended(_ report: PrefixWork.Report, _ id: Int64) {
    guard let job = jobs[id] else { return }
    job.work = nil
    job.counts = report.counts
    job.avoided = report.avoided
    let isShort = report.counts.documents < job.record.documents
    job.shortRounds = isShort ? job.shortRounds + 1 : 0
    if !isShort || job.shortRounds > Self.maxShortRounds { job.record.documents = report.counts.documents }
    job.record.have = report.counts.have
    guard !isStopping else { return }
    carryOut(job.machine.ended(report.outcome, using: &random), job)
  }

  /// Removes what is half done; whole files stay.
  private func discard(_ job: ActivePrefix) {
    writes.add { [catalogue, id = job.id] () throws(StoreError) in
      for item in try catalogue.downloads(ofPrefix: id) {
        PieceFile.discard(item, catalogue: catalogue)
        try catalogue.removeDownload(item.id)
      }
    }
  }

  private func start(timerOf job: ActivePrefix, after delay: Duration) {
    job.timer?.cancel()
    job.timer = Task { [sleep, id = job.id] in
      guard (try? await sleep(delay)) != nil, !Task.isCancelled else { return }
      self.timerFired(id)
    }
  }

  private func timerFired(_ id: Int64) {
    guard let job = jobs[id], !isStopping else { return }
    job.timer = nil
    carryOut(job.machine.timerFired(), job)
  }
}
