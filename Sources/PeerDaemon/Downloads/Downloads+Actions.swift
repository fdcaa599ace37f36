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
        start(timerOf: job, after: delay)
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
    if job.machine.isBusy { busy.insert(job.id) } else { busy.remove(job.id) }
    job.transfer.show(phase.word, error: error)
    if !job.machine.isBusy {
      job.file = nil
      if job.written != (phase, error) { record(job, phase, error) }
      if phase.hasEnded { remove(job) } else if phase == .queued, !queue.contains(job.id) { queue.append(job.id) }
    }
    admit()
  }

  private func record(_ job: ActiveDownload, _ phase: DownloadMachine.Phase, _ error: String?) {
    job.written = (phase, error)
    job.record.state = phase
    job.record.error = error
    job.record.sources = job.transfer.sources
    if phase.hasEnded { job.record.finished = wallClock() }
    if job.isRecorded {
      write(job.record)
    } else if phase.hasEnded {
      remember(job.record)
    } else if phase != .queued {
      // A small one that outlives its `get`.
      job.isRecorded = true
      let record = job.record
      writes.add { [catalogue] () throws(StoreError) in try catalogue.record([record]) }
    }
  }

  func write(_ record: DownloadRecord) {
    writes.add { [catalogue] () throws(StoreError) in try catalogue.updateDownload(record) }
  }

  private func remove(_ job: ActiveDownload) {
    if job.machine.phase == .done {
      // Others that waited for the same content copy it.
      for id in queue { if let other = jobs[id], other.content == job.content { other.copy = job.record.path } }
    }
    jobs[job.id] = nil
    busy.remove(job.id)
    job.finalTotals = job.transfer.totals
    job.transfer.end()
  }

  /// Lets queued downloads begin while there are slots.
  func admit() {
    guard !isAdmitting, !isStopping else { return }
    isAdmitting = true
    defer { isAdmitting = false }
    var begun = [Int64]()
    queue.removeAll { id in
      guard let job = jobs[id], job.machine.state == .queued else { return true }
      guard !job.isHeld, hasSlot(job), !isFollower(job) else { return false }
      busy.insert(id)
      begun.append(id)
      return true
    }
    for id in begun {
      if let job = jobs[id] { carryOut(job.machine.admitted(), job) }
    }
  }

  private func hasSlot(_ job: ActiveDownload) -> Bool {
    let same = busy.count { jobs[$0]?.isSmall == job.isSmall }
    return same < (job.isSmall ? Self.maxSmall : maxActive)
  }

  /// Whether the same content is being fetched from the same sources to another place, to be copied from there.
  private func isFollower(_ job: ActiveDownload) -> Bool {
    busy.contains { id in
      guard let other = jobs[id], other !== job else { return false }
      return other.content == job.content && other.record.from == job.record.from
        && (other.machine.phase == .active || other.machine.state == .queued)
    }
  }

  // MARK: Work

  private func fetch(_ job: ActiveDownload) {
    job.record.state = .active
    job.record.error = nil
    let order = DownloadWork.Order(
      record: job.record, isRecorded: job.isRecorded, choice: job.choice.take(), copy: job.copy.take(),
      transfer: job.transfer, earlier: writes.tail)
    job.written = (.active, nil)
    job.work = Task { [work, id = job.id] in
      let report = await work.run(order) { await self.opened($0, by: id) }
      self.ended(report, id)
    }
  }

  private func opened(_ file: PieceFile, by id: Int64) {
    jobs[id]?.file = file
  }

  private func ended(_ report: DownloadWork.Report, _ id: Int64) {
    guard let job = jobs[id] else { return }
    job.work = nil
    job.isRecorded = report.isRecorded
    job.record.take(report.record)
    guard !isStopping else { return }
    carryOut(job.machine.ended(report.outcome, using: &random), job)
  }

  private func discard(_ job: ActiveDownload) {
    let (record, file) = (job.record, job.file)
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
    let choice = job.machine.state == .renewing ? choice : nil
    if let choice {
      discard(job)
      job.file = nil
      job.record.document = choice.document(job.record.document.key)
      job.choice = choice
      job.transfer.end()
      job.transfer = transfers.download(
        job.record.document.key, job.content, to: job.record.path, id: job.id, received: job.record.received)
    }
    carryOut(job.machine.renewed(choice != nil, using: &random), job)
  }

  private func probe(_ reason: DownloadMachine.Reason, _ job: ActiveDownload) {
    Task { [preparation, id = job.id, record = job.record] in
      switch reason {
      case .noSource:
        let choice = try? await preparation.sources(of: record)
        self.probed(choice?.holders.isEmpty == false, choice, id)
      case .storage: self.probed(await preparation.canWrite(record), nil, id)
      }
    }
  }

  private func probed(_ hasHope: Bool, _ choice: SourceChoice?, _ id: Int64) {
    guard let job = jobs[id], !isStopping else { return }
    if hasHope, let choice { job.choice = choice }
    carryOut(job.machine.probed(hasHope, using: &random), job)
  }

  private func start(timerOf job: ActiveDownload, after delay: Duration) {
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
