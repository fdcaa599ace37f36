// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
import NIOPosix
import POSIXSupport
import WireProtocol

/// What to share.
package struct AddRequest: Sendable {
  /// Absolute.
  package var paths: [String]
  /// What to add below directories; `nil` for single files only.
  package var tree: TreeSelection?
  /// The key of a single file, or `collection/prefix/`; `nil` to derive keys from file names.
  package var key: String?
  /// For a single file; `nil` to read it from the file.
  package var title: Title?

  package init(paths: [String], tree: TreeSelection? = nil, key: String? = nil, title: Title? = nil) {
    self.paths = paths
    self.tree = tree
    self.key = key
    self.title = title
  }
}

/// Shares files and stops sharing them, as the user asks.
struct Sharing: Sendable {
  /// A part of an `add` that is durable.
  struct AddStep: Sendable {
    var added: [Share] = []
    var failed: [PathProblem] = []
  }

  struct AddOutcome: Sendable {
    var added = 0
    var failed = 0
    /// Whether the index acknowledged everything in time. If not, it is announced again later.
    var isAnnounced = true
    /// Shared ones that the index does not permit.
    var refused = 0
    var leftOut = LeftOut()
  }

  let ledger: ShareLedger
  let work: FileWork
  let publication: Publication
  let homes: NetworkHomes
  /// Runs changes of the catalogue.
  let pool: NIOThreadPool

  // MARK: Add

  /// Cancelling the task keeps what was reported and drops the rest.
  /// - Parameters:
  ///   - hashing: called from any thread with the position of a file, the number of files, and its progress.
  ///   - report: receives each part once it is durable.
  func add(
    _ request: AddRequest, hashing: @escaping @Sendable (_ file: Int, _ files: Int, HashProgress) -> Void,
    report: (AddStep) async throws(WireFailure) -> Void
  ) async throws(WireFailure) -> AddOutcome {
    try await pool.store { [ledger] () throws(StoreError) in try ledger.catalogue.checkPlace() }
    // Where the user is now, whatever happens while the files are hashed.
    let home = publication.link.passes.homeOfNew
    let plan = try await plan(request)
    try await report(AddStep(failed: plan.failed))
    var outcome = AddOutcome(failed: plan.failedCount, leftOut: plan.leftOut)
    do throws(WireFailure) {
      try await add(plan, in: home, to: &outcome, hashing: hashing, report: report)
    } catch {
      await announceRest(outcome, in: home)
      throw error
    }
    await announceRest(outcome, in: home)
    return outcome
  }

  private func announceRest(_ outcome: AddOutcome, in home: Home) async {
    var isAnnounced = outcome.isAnnounced
    if case .awaited = home {
      await homes.settleAgain()
      isAnnounced = false
    }
    if !isAnnounced { await publication.link.announceAgain() }
  }

  /// `outcome.isAnnounced` is false from the moment that shares are durable until the index has acknowledged them.
  private func add(
    _ plan: AddPlan, in home: Home, to outcome: inout AddOutcome,
    hashing: @escaping @Sendable (_ file: Int, _ files: Int, HashProgress) -> Void,
    report: (AddStep) async throws(WireFailure) -> Void
  ) async throws(WireFailure) {
    for range in AddPlan.batches(plan.entries) {
      let entries = Array(plan.entries[range])
      let files = entries.map { (path: $0.path, fingerprint: $0.fingerprint) }
      let found = try await work.examine(files) { [count = plan.entries.count] position, progress in
        hashing(range.lowerBound + position, count, progress)
      }
      let audience = Audience(publication.link.passes.resolve(home))
      let (shares, problems, leftOut) = Self.sort(entries, found, for: audience)
      outcome.leftOut.add(leftOut)
      // After one timeout the rest does not wait for the index.
      let isWaiting = outcome.isAnnounced
      outcome.isAnnounced = false
      try await keep(shares)
      try await report(AddStep(added: shares.map(\.share), failed: problems))
      outcome.added += shares.count
      outcome.failed += problems.count
      if isWaiting {
        outcome.isAnnounced = await publication.publish(shares.map(\.share.document))
        outcome.refused += await publication.link.refusedCount(of: shares.map(\.share.id))
      }
    }
  }

  private func plan(_ request: AddRequest) async throws(WireFailure) -> AddPlan {
    let found = try await work.pool.interruptible { [ledger] isCancelled throws(StoreError) in
      let inspection = PathInspection(
        request.tree, places: ledger.places.current(), unfinished: try ledger.catalogue.unfinishedFiles(),
        isCancelled: isCancelled)
      return inspection.inspect(request.paths)
    }
    return try AddPlan(request, found: found)
  }

  private typealias Kept = (share: Share, known: FileWork.Known)

  private static func sort(
    _ entries: [AddPlan.Entry], _ outcomes: [Result<FileWork.Known, StoreError>], for audience: Audience
  ) -> (shares: [Kept], problems: [PathProblem], leftOut: LeftOut) {
    var shares = [Kept]()
    var problems = [PathProblem]()
    var leftOut = LeftOut()
    for (entry, outcome) in zip(entries, outcomes) {
      switch outcome {
      // The checks were made on the file that was found first.
      case .success(let known) where FileIdentity(known.fingerprint) != FileIdentity(entry.fingerprint):
        problems.append(PathProblem(path: entry.path, message: "was replaced while it was being added; add it again"))
      case .success(let known): shares.append((share(entry, known, for: audience), known))
      // Found below a directory: the inspection refuses one that was named.
      case .failure(let error) where error.code == .isPrivate: leftOut.note(.state, entry.path)
      case .failure(let error): problems.append(PathProblem(path: entry.path, message: error.reason))
      }
    }
    return (shares, problems, leftOut)
  }

  private static func share(
    _ entry: AddPlan.Entry, _ known: FileWork.Known, for audience: Audience
  ) -> Share {
    let document = Document(
      key: entry.key, title: entry.title ?? known.title ?? .empty, content: known.content,
      modified: Timestamp(seconds: known.fingerprint.modifiedSeconds),
      executable: FileAccess(permissions: entry.permissions).isExecutable)
    return Share(
      document: document, path: entry.path, origin: .added, fingerprint: known.fingerprint,
      permissions: entry.permissions, audience: audience)
  }

  /// Durable on return.
  private func keep(_ shares: [Kept]) async throws(WireFailure) {
    let (superseded, lost) = try await pool.store { [ledger] () throws(StoreError) in
      let superseded = try ledger.add(shares.map(\.share), hashed: shares.compactMap(\.known.hashed))
      // Known hashes may have been collected just before the share needed them.
      let known = shares.filter { $0.known.hashed == nil }
      let contents = try ledger.catalogue.contents(of: known.map(\.known.fingerprint))
      let lost = zip(known, contents).filter { $0.1 == nil }.map(\.0)
      return (superseded, lost)
    }
    await publication.withdraw(superseded)
    if !lost.isEmpty { try await hashAgain(lost) }
  }

  private func hashAgain(_ lost: [Kept]) async throws(WireFailure) {
    let outcomes = try await work.examine(lost.map { ($0.share.path, $0.share.fingerprint) })
    let hashed = outcomes.compactMap { try? $0.get().hashed }
    try await pool.store { [ledger] () throws(StoreError) in try ledger.catalogue.remember(hashed) }
  }

  // MARK: Remove

  /// - Parameter prefix: the first digits of the content's root; `nil` for all contents under the key.
  /// - Returns: the number of removed documents, at least 1; several files may have one.
  /// - Throws: `not-found`.
  func remove(_ key: DocumentKey, contentPrefix prefix: String?) async throws(WireFailure) -> Int {
    let removed = try await pool.store { [ledger] () throws(StoreError) in
      try ledger.remove(key, contentPrefix: prefix)
    }
    guard !removed.isEmpty else {
      let content = prefix.map { " with a content that begins with \($0)" } ?? ""
      throw WireFailure(
        .notFound, "nothing is shared under \(key)\(content); p2pctl list --mine shows what is shared")
    }
    await publication.withdraw(removed)
    return Set(removed.map(\.id)).count
  }

  /// Removes page by page; what was removed before a failure stays so.
  /// - Returns: the number of removed documents, at least 1.
  /// - Throws: `not-found`.
  func remove(prefix: String) async throws(WireFailure) -> Int {
    var count = 0
    var last: DocumentID?
    while true {
      let removed = try await pool.store { [ledger] () throws(StoreError) in
        try ledger.remove(prefix: prefix, limit: Self.removePage)
      }
      await publication.withdraw(removed)
      for share in removed where share.id != last { (count, last) = (count + 1, share.id) }
      guard removed.count == Self.removePage else { break }
    }
    guard count > 0 else {
      throw WireFailure(.notFound, "nothing is shared below \(prefix); p2pctl list --mine shows what is shared")
    }
    return count
  }

  /// Shares that one transaction removes.
  private static let removePage = 1000
}
