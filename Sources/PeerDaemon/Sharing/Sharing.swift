// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOPosix
import WireProtocol

/// Shares files and stops sharing them, at the word of the peer's user.
struct Sharing: Sendable {
  let ledger: ShareLedger
  let work: FileWork
  let publication: Publication
  /// Runs what is quick: a look at the disk, a question to the catalogue.
  let pool: NIOThreadPool
  /// Where nothing is ever shared from.
  let stateDirectory: String

  // MARK: Add

  func add(_ request: AddFiles, events: any ControlEvents) async throws(WireFailure) -> ControlAddReply {
    let plan = try await plan(request)
    try await events.send(plan.failed.map(ControlEvent.failed))
    let reports = request.progress ? HashingReports(files: plan.entries.count, events: events) : nil
    var reply = ControlAddReply(added: 0, failed: plan.failedCount, announced: true)
    for range in AddPlan.batches(plan.entries) {
      let entries = Array(plan.entries[range])
      let outcomes = try await examine(entries, from: range.lowerBound, reports)
      let (shares, problems) = Self.sort(entries, outcomes)
      try await keep(shares)
      try await events.send(
        shares.map { .added($0.share.document, path: $0.share.path) } + problems.map(ControlEvent.failed))
      reply.added += shares.count
      reply.failed += problems.count
      // What is not acknowledged once is told later; the rest of the work does not wait for it again.
      if reply.announced { reply.announced = await publication.publish(shares.map(\.share.document)) }
    }
    if !reply.announced { await publication.link.announceAgain() }
    return reply
  }

  private func plan(_ request: AddFiles) async throws(WireFailure) -> AddPlan {
    let stateDirectory = stateDirectory
    let catalogue = ledger.catalogue
    let found = try await work.pool.store { () throws(StoreError) in
      let inspection = PathInspection(
        isRecursive: request.recursive, ownState: PathInspection.Place(directory: stateDirectory),
        unfinished: Set(try catalogue.leftovers()))
      return inspection.inspect(request.paths)
    }
    return try AddPlan(request, found: found)
  }

  private func examine(
    _ entries: [AddPlan.Entry], from offset: Int, _ reports: HashingReports?
  ) async throws(WireFailure) -> [Result<FileWork.Known, StoreError>] {
    let files = entries.map { FileWork.File(path: $0.path, fingerprint: $0.fingerprint) }
    return try await work.examine(files) { position, progress in reports?.report(offset + position, progress) }
  }

  private typealias Kept = (share: Share, known: FileWork.Known)

  private static func sort(
    _ entries: [AddPlan.Entry], _ outcomes: [Result<FileWork.Known, StoreError>]
  ) -> (shares: [Kept], problems: [PathProblem]) {
    var shares = [Kept]()
    var problems = [PathProblem]()
    for (entry, outcome) in zip(entries, outcomes) {
      switch outcome {
      case .success(let known): shares.append((share(entry, known), known))
      case .failure(let error): problems.append(PathProblem(path: entry.path, message: error.reason))
      }
    }
    return (shares, problems)
  }

  private static func share(_ entry: AddPlan.Entry, _ known: FileWork.Known) -> Share {
    let document = Document(
      key: entry.key, title: entry.title ?? known.title ?? .empty, content: known.content,
      modified: Timestamp(seconds: known.fingerprint.modifiedSeconds))
    return Share(document: document, path: entry.path, origin: .added, fingerprint: known.fingerprint)
  }

  /// Durable on return.
  private func keep(_ shares: [Kept]) async throws(WireFailure) {
    let ledger = ledger
    let (superseded, lost) = try await pool.store { () throws(StoreError) in
      let superseded = try ledger.add(shares.map(\.share), hashed: shares.compactMap(\.known.hashed))
      // A hash that was known may have been collected in the instant before the share needed it.
      let known = shares.filter { $0.known.hashed == nil }
      let contents = try ledger.catalogue.contents(of: known.map(\.known.fingerprint))
      let lost = zip(known, contents).filter { $0.1 == nil }.map(\.0)
      return (superseded, lost)
    }
    await publication.withdraw(superseded)
    if !lost.isEmpty { try await hashAgain(lost) }
  }

  private func hashAgain(_ lost: [Kept]) async throws(WireFailure) {
    let files = lost.map { FileWork.File(path: $0.share.path, fingerprint: $0.share.fingerprint) }
    let outcomes = try await work.examine(files)
    let hashed = outcomes.compactMap { try? $0.get().hashed }
    let ledger = ledger
    try await pool.store { () throws(StoreError) in try ledger.catalogue.remember(hashed) }
  }

  // MARK: Remove

  func remove(_ request: RemoveDocument) async throws(WireFailure) -> ControlRemoveReply {
    let ledger = ledger
    let removed = try await pool.store { () throws(StoreError) in
      try ledger.remove(request.key, contentPrefix: request.content)
    }
    guard !removed.isEmpty else {
      let content = request.content.map { " with a content that begins with \($0)" } ?? ""
      throw WireFailure(.notFound, "nothing is shared under \(request.key)\(content); p2pctl list --mine shows what is")
    }
    await publication.withdraw(removed)
    return ControlRemoveReply(removed: removed.count)
  }
}
