// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
package import WireProtocol

/// All documents below a prefix, and where to.
package struct PrefixRequest: Sendable {
  /// Ends in a slash.
  package var prefix: String
  /// An absolute path; made if it is missing.
  package var directory: String
  /// The name of a holder or the first digits of its id.
  package var from: String?
  package var takesNewest = false
  package var replacesFiles = false
  package var isShared = true
  package var preserves = true
  package var includesHidden = false
  package var mask: UInt32?
  package var isDetached = false
  /// Whether to wait for sources, too, even for a prefix below which nothing is yet.
  package var isPatient = false
  package var rejoins: GetDocument.Rejoining?

  package init(prefix: String, directory: String) {
    self.prefix = prefix
    self.directory = directory
  }
}

/// The end of a `get` of a prefix.
package struct PrefixEnd: Sendable {
  package let job: Int64
  package let counts: PrefixCounts
  /// Bytes that came over the network during this `get`.
  package let received: Int64
  /// The state of a download that goes on; `nil` if it has ended.
  package let state: String?
  /// `nil` if all documents are there.
  package let failure: WireFailure?
}

/// What front ends ask of downloads of prefixes.
extension PrefixDownloads {
  private static let listInterval = Duration.seconds(2)

  /// Downloads a prefix. Cancelling the task leaves the download to itself.
  /// - Parameters:
  ///   - began: called before anything is fetched.
  ///   - result: called for each document, from any thread.
  package func get(
    _ request: PrefixRequest, began: @escaping @Sendable (DownloadJob) async throws(WireFailure) -> Void = { _ in },
    result: @escaping @Sendable (PrefixResult) -> Void = { _ in }
  ) async throws(WireFailure) -> PrefixEnd {
    let (job, isOther) = try await enter(request)
    let rejoins = request.rejoins?.job == job.id ? request.rejoins : nil
    let baseline = min(rejoins?.received ?? .max, job.transfer.totals.received)
    let waiter = PrefixWaiter(result: result)
    let id = join(job, waiter, isPatient: request.isPatient, resumes: rejoins == nil, isOther: isOther)
    do throws(WireFailure) {
      try await began(DownloadJob(job: job.id, waiter: id, path: job.record.path, received: baseline))
    } catch {
      leave(id, job.id)
      throw error
    }
    let number = job.id
    let failure = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter.wait($0) }
    } onCancel: {
      Task { await self.leave(id, number) }
    }
    await writes.finished()
    if let failure, failure.code == .cancelled || isStopping { throw failure }
    return end(job, since: baseline, failure)
  }

  /// Begins a download, or takes part in one, without waiting for it.
  package func detach(_ request: PrefixRequest) async throws(WireFailure) -> PrefixEnd {
    let (job, isOther) = try await enter(request)
    job.record.isDetached = true
    carryOut(job.machine.detach(replacesSource: isOther), job)
    return end(job, since: job.transfer.totals.received, nil)
  }

  private func end(_ job: ActivePrefix, since baseline: Int64, _ failure: WireFailure?) -> PrefixEnd {
    let phase = job.machine.phase
    return PrefixEnd(
      job: job.id, counts: job.counts, received: max(job.record.received, job.transfer.totals.received) - baseline,
      state: phase.hasEnded ? nil : phase.word, failure: failure)
  }

  /// A new or known download of this prefix and directory.
  /// - Returns: also whether the request has changed the options of a known one.
  private func enter(_ request: PrefixRequest) async throws(WireFailure) -> (ActivePrefix, isOther: Bool) {
    let home = await work.preparation.link.homeOfDownload()
    let directory = try await work.preparation.pools.quick.store {
      [places = work.preparation.ledger.places] () throws(StoreError) in
      try TargetDirectory(path: request.directory, places: places.current(), mask: request.mask).place
    }
    if let known = unfinished(request.prefix, directory) {
      try requireNetwork(of: known, home)
      if known.id == request.rejoins?.job { return (known, false) }
    }
    let from: PeerID?
    do throws(WireFailure) {
      from = try await source(of: request, in: home, into: directory)
    } catch {
      // The same `get` goes on with its download even if nobody has anything now.
      guard error.code == .notFound || error.code == .unavailable,
        let known = unfinished(request.prefix, directory),
        request.from.map({ PeerID(hex: $0) != nil && PeerID(hex: $0) == known.record.from }) ?? true
      else { throw error }
      return (known, adopt(request, from: known.record.from, known))
    }
    // Another request may have come meanwhile.
    if let known = unfinished(request.prefix, directory) {
      try requireNetwork(of: known, home)
      return (known, adopt(request, from: from, known))
    }
    guard !isStopping else { throw WireFailure(.unavailable, "the daemon is stopping") }
    guard jobs.count < Self.maxJobs else {
      throw WireFailure(
        .tooMany, "\(Self.maxJobs) downloads of prefixes are unfinished; end some of them with p2pctl cancel",
        limit: .init("prefixes", Self.maxJobs))
    }
    let record = PrefixRecord(
      request, id: transfers.newDownload(), from: from, in: home, path: directory, created: wallClock())
    let job = ActivePrefix(
      record, DownloadMachine(isDetached: request.isDetached, isContentChosen: true), transfer: transfers.prefix(record)
    )
    job.isHeld = true
    jobs[job.id] = job
    job.transfer.show(job.machine.phase.word, error: nil)
    do throws(WireFailure) {
      // Durable before anything is fetched.
      try await writes.run { [catalogue = work.preparation.ledger.catalogue] () throws(StoreError) in
        try catalogue.record(record)
      }
    } catch {
      jobs[job.id] = nil
      job.transfer.end()
      throw error
    }
    release(job)
    return (job, false)
  }

  private func unfinished(_ prefix: String, _ directory: String) -> ActivePrefix? {
    jobs.values.first { $0.record.prefix == prefix && $0.record.path == directory && $0.machine.canBeJoined }
  }

  private func requireNetwork(of job: ActivePrefix, _ home: Home) throws(WireFailure) {
    guard job.record.home == home else { throw .occupied(by: job.id, job.record.home) }
  }

  /// - Returns: whether the options of the download have changed.
  private func adopt(_ request: PrefixRequest, from: PeerID?, _ job: ActivePrefix) -> Bool {
    let before = job.record
    job.record.from = from
    job.record.isShared = job.record.isShared || request.isShared
    job.record.replacesFiles = job.record.replacesFiles || request.replacesFiles
    job.record.takesNewest = job.record.takesNewest || request.takesNewest
    job.record.includesHidden = job.record.includesHidden || request.includesHidden
    return job.record != before
  }

  /// Checks that there is something below the prefix.
  /// - Returns: the only peer to fetch from, if the request names one.
  /// - Throws: `not-found`, `ambiguous-peer`.
  private func source(
    of request: PrefixRequest, in home: Home, into directory: String
  ) async throws(WireFailure) -> PeerID? {
    while true {
      let query = IndexRequest.ListQuery(prefix: request.prefix, limit: request.from == nil ? 1 : nil)
      let reply = try await work.preparation.link.list(query, in: home)
      let documents = ListProgress.documents(of: reply.rows, below: request.prefix)
      guard documents.isEmpty else {
        return try request.from.map { from throws(WireFailure) in
          try Self.resolve(from, documents.flatMap(\.holders), request.prefix)
        }
      }
      guard request.isPatient, unfinished(request.prefix, directory) == nil,
        (try? await Task.sleep(for: Self.listInterval)) != nil
      else {
        throw WireFailure(
          .notFound, "nobody shares anything below \(request.prefix) now; p2pctl list shows what is available")
      }
    }
  }

  private static func resolve(
    _ from: String, _ holders: [Holder], _ prefix: String
  ) throws(WireFailure) -> PeerID {
    guard let peer = try SourceChoice.peer(called: from, among: holders) ?? PeerID(hex: from) else {
      throw WireFailure(
        .notFound,
        "no holder of the first documents below \(prefix) is called \(from); p2pctl list --json shows holders")
    }
    return peer
  }

  // MARK: Commands

  /// Whether a command is about a download of a prefix.
  package func has(_ job: Int64) -> Bool { jobs[job]?.machine.canBeJoined ?? false }

  package func pause(_ selection: DownloadSelection, waiter: Int64? = nil) async throws(WireFailure) -> Int {
    try await change(selection, to: .paused) { machine in
      if let waiter { machine.interrupt(waiter) } else { machine.pause() }
    }
  }

  package func resume(_ selection: DownloadSelection) async throws(WireFailure) -> Int {
    try goOn(selection)
  }

  /// Returns when what was half done is removed. Whole files stay.
  package func cancel(_ selection: DownloadSelection) async throws(WireFailure) -> Int {
    try await change(selection, to: .cancelled) { $0.cancel() }
  }
}

extension PrefixRecord {
  fileprivate init(
    _ request: PrefixRequest, id: Int64, from: PeerID?, in home: Home, path: String, created: Timestamp
  ) {
    self.init(id: id, prefix: request.prefix, path: path, created: created)
    self.home = home
    (isShared, preserves, replacesFiles) = (request.isShared, request.preserves, request.replacesFiles)
    (isDetached, takesNewest, includesHidden) = (request.isDetached, request.takesNewest, request.includesHidden)
    (mask, self.from) = (request.mask, from)
  }

  /// As a row of `transfers`.
  var row: RunningTransfer {
    var row = RunningTransfer(
      id: id, direction: .download, state: state.word, key: nil, content: nil, received: received, path: path,
      pieces: documents, have: have, error: error)
    row.prefix = prefix
    return row
  }
}
