// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import WireProtocol

/// Carries out what the machines of the downloads decide.
extension Downloads {
  // MARK: Actions

  func carryOut(_ actions: [DownloadMachine.Action], _ job: ActiveDownload) {
    for action in actions {
      switch action {
      case .fetch: fetch(job)
      case .stop: job.work?.cancel()
      case .lookUpKey: lookUpKey(job)
      case .probe(let reason): probe(reason, job)
      case .retry(let delay):
        // Many are tried one after the other.
        start(timerOf: job, after: max(delay, Self.probeInterval * waiting.count))
      case .answer(let ids, let answer):
        let result: Result<String, WireFailure> =
          switch answer {
          case .done: .success(job.record.path)
          // One that has failed for good does not try again.
          case .failure(let failure) where job.machine.phase == .failed && failure.code == .cannotCreate:
            .failure(failure)
          case .failure(let failure): .failure(failure.about(job.id))
          }
        for id in ids { job.waiters[id]?.answer(result) }
      case .discard: discard(job)
      }
    }
    settle(job)
  }

  /// Brings everything in line with the state.
  private func settle(_ job: ActiveDownload) {
    let (phase, error) = (job.machine.phase, job.machine.error?.message)
    if case .waiting = job.machine.state {} else { job.timer.take()?.cancel() }
    if phase == .waiting { waiting.insert(job.id) } else { waiting.remove(job.id) }
    followHolders(of: job)
    let wasBusy = busy.contains(job.id)
    if job.machine.isBusy { busy.insert(job.id) } else { busy.remove(job.id) }
    job.transfer.show(phase.word, error: error)
    if !job.machine.isBusy, job.machine.state != .delivering {
      if phase == .paused, let file = job.file {
        // What a restart of the machine finds.
        writes.add { () throws(StoreError) in try file.synchronize() }
      }
      job.file = nil
    }
    if !job.machine.isBusy {
      if job.written != (phase, error) { record(job, phase, error) }
      if phase.hasEnded { remove(job) } else { enqueue(job) }
    }
    if wasBusy, !isLeader(job) { releaseFollowers(of: job.content) }
    job.readers?.signal()
    admit()
  }

  private func record(_ job: ActiveDownload, _ phase: DownloadMachine.Phase, _ error: String?) {
    job.written = (phase, error)
    job.record.state = phase
    job.record.error = error
    job.record.sources = job.transfer.sources
    if phase.hasEnded { job.record.finished = wallClock() }
    if job.isRecorded {
      writes.update(job.record)
    } else if phase.hasEnded {
      remember(job.record)
    } else if phase != .queued {
      // A small one that outlives its `get`.
      job.isRecorded = true
      let record = job.record
      writes.add { [catalogue] () throws(StoreError) in try catalogue.record([record]) }
    }
  }

  func prioritize(_ job: ActiveDownload, _ priority: DownloadPriority) {
    job.record.priority = priority
    job.transfer.prioritize(priority)
    // Else it is recorded with its next state.
    if job.isRecorded, !job.machine.isBusy { writes.update(job.record) }
  }

  private func remove(_ job: ActiveDownload) {
    if job.machine.phase == .done, !job.record.isStream {
      // Others that waited for the same content copy it.
      for other in jobs.of(job.content) where other.machine.state == .queued && other.record.home == job.record.home {
        other.copy = job.record.path
      }
    }
    jobs.remove(job)
    queue.remove(job.id)
    stopFollowing(job)
    busy.remove(job.id)
    waiting.remove(job.id)
    job.finalTotals = job.transfer.totals
    job.transfer.end()
  }

  // MARK: The queue

  /// Puts a download into the queue if it may begin, else out of it.
  func enqueue(_ job: ActiveDownload) {
    stopFollowing(job)
    if job.machine.state == .queued, !job.isHeld {
      queue.insert(job.id, job.record.priority, isSmall: job.isSmall)
    } else {
      queue.remove(job.id)
    }
  }

  /// Lets queued downloads begin while there are slots.
  func admit() {
    guard !isAdmitting, !isStopping else { return }
    isAdmitting = true
    defer { isAdmitting = false }
    var (begun, elsewhere) = ([ActiveDownload](), [ActiveDownload]())
    for isSmall in [true, false] {
      var slots = (isSmall ? Self.maxSmall : maxActive) - busy.count { jobs[$0]?.isSmall == isSmall }
      while slots > 0, let job = queue.next(isSmall: isSmall).flatMap({ jobs[$0] }) {
        guard job.machine.state == .queued, !job.isHeld else { continue }
        guard isHere(job) else {
          elsewhere.append(job)
          continue
        }
        guard !isFollower(job) else {
          followers[job.content, default: []].insert(job.id)
          continue
        }
        busy.insert(job.id)
        begun.append(job)
        slots -= 1
      }
    }
    for job in elsewhere { carryOut(job.machine.networkLeft(.waits(job.record.home)), job) }
    for job in begun { carryOut(job.machine.admitted(), job) }
  }

  /// Whether the same content is being fetched from the same sources to another place, to be copied from there. Readers
  /// of a stream do not wait for that.
  private func isFollower(_ job: ActiveDownload) -> Bool {
    !job.record.isStream
      && busy.contains { id in
        guard let other = jobs[id], other !== job else { return false }
        return other.content == job.content && other.record.from == job.record.from && isLeader(other)
      }
  }

  /// Whether others of the same content wait for it.
  private func isLeader(_ job: ActiveDownload) -> Bool {
    busy.contains(job.id) && !job.record.isStream && (job.machine.phase == .active || job.machine.state == .queued)
  }

  private func releaseFollowers(of content: Content) {
    guard let ids = followers.removeValue(forKey: content) else { return }
    for job in ids.compactMap({ jobs[$0] }) { enqueue(job) }
  }

  private func stopFollowing(_ job: ActiveDownload) {
    guard followers[job.content]?.remove(job.id) != nil else { return }
    if followers[job.content]?.isEmpty == true { followers[job.content] = nil }
  }

  // MARK: Work

  private func fetch(_ job: ActiveDownload) {
    job.record.state = .active
    job.record.error = nil
    let order = DownloadWork.Order(
      record: job.record, isRecorded: job.isRecorded, choice: job.choice.take(), copy: job.copy.take(),
      transfer: job.transfer, earlier: writes.tail, gained: { [readers = job.readers] in readers?.signal() },
      kept: { [weak self, id = job.id] in await self?.keepSources(of: id) })
    job.written = (.active, nil)
    job.work = Task { [work, id = job.id] in
      let report = await work.run(order) { await self.opened($0, by: id) }
      self.ended(report, id)
    }
  }

  /// Of a download that is under way: a process that is killed forgets the last seconds only.
  private func keepSources(of id: Int64) {
    guard let job = jobs[id], job.machine.state == .active, job.transfer.sources != job.record.sources else { return }
    job.record.sources = job.transfer.sources
    writes.add { [catalogue, sources = job.record.sources] () throws(StoreError) in
      try catalogue.updateSources(sources, of: id)
    }
  }

  private func opened(_ file: PieceFile, by id: Int64) {
    jobs[id]?.file = file
    jobs[id]?.readers?.signal()
  }

  private func ended(_ report: DownloadWork.Report, _ id: Int64) {
    guard let job = jobs[id] else { return }
    job.work = nil
    job.isRecorded = report.isRecorded
    job.record.take(report.record)
    job.failed = report.failed
    guard !isStopping else { return }
    carryOut(job.machine.ended(report.outcome, using: &random), job)
  }

  private func discard(_ job: ActiveDownload) {
    let (record, file) = (job.record, job.file)
    guard file != nil || record.temporary != nil || record.sideFile != nil else { return }
    (job.record.temporary, job.record.sideFile) = (nil, nil)
    writes.add { [preparation] () throws(StoreError) in try preparation.discard(record, file) }
  }

  private func lookUpKey(_ job: ActiveDownload) {
    job.work = Task { [preparation, id = job.id, record = job.record] in
      let choice = await preparation.renewed(record)
      self.lookedUp(choice, id)
    }
  }

  private func lookedUp(_ choice: SourceChoice?, _ id: Int64) {
    guard let job = jobs[id], !isStopping else { return }
    job.work = nil
    let choice = job.machine.state == .renewing && !job.machine.isContentChosen ? choice : nil
    if let choice {
      discard(job)
      job.file = nil
      jobs.remove(job)
      job.record.document = choice.document(job.record.document.key)
      jobs.insert(job)
      job.choice = choice
      job.transfer.end()
      job.transfer = transfers.download(
        job.record.document.key, job.content, to: job.record.path, id: job.id, received: job.record.received)
      job.transfer.prioritize(job.record.priority)
    }
    carryOut(job.machine.renewed(choice != nil, using: &random), job)
  }

  private func probe(_ reason: DownloadMachine.Reason, _ job: ActiveDownload) {
    job.isProbing = true
    Task { [preparation, id = job.id, record = job.record] in
      switch reason {
      case .noSource:
        let choice = await self.findSources(of: record)
        self.probed(choice != nil, choice, id)
      case .storage: self.probed(await preparation.canWrite(record), nil, id)
      // Nothing has to be found out.
      case .otherNetwork: self.probed(false, nil, id)
      }
    }
  }

  private func probed(_ hasHope: Bool, _ choice: SourceChoice?, _ id: Int64) {
    guard let job = jobs[id], !isStopping else { return }
    job.isProbing = false
    if hasHope, let choice { job.choice = choice }
    carryOut(job.machine.probed(hasHope, using: &random), job)
  }

  /// Between two looks for sources, however many downloads wait for them; and how many looks may come at once.
  static let probeInterval = Duration.milliseconds(10)
  static let maxProbes = 64

  func start(timerOf job: ActiveDownload, after delay: Duration) {
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
