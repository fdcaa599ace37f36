// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Logging
import NIOCore
import NIOPosix
import WireProtocol

/// Keeps what is shared and what the files hold the same: looks at every file at the start, at each that is said to have
/// changed or to have lost its hashes, and from time to time at those that were lost.
struct ShareUpkeep: Sendable {
  private static let pageLength = 1000
  /// Lost files that are looked for.
  private static let maxLost = 10_000

  let ledger: ShareLedger
  let work: FileWork
  let publication: Publication
  let changed: ChangedFiles
  let pool: NIOThreadPool
  let loop: any EventLoop
  let logger: Logger
  /// Between two looks for files that were lost: nobody says so when one is back.
  let interval: Duration
  /// Before anything is looked through: the first moments belong to those who have waited for the peer.
  let delay: Duration

  // MARK: At the start

  /// Looks through the catalogue itself. The peer serves meanwhile: a large one takes seconds.
  func inspect() async {
    guard await delayIsOver() else { return }
    do throws(WireFailure) {
      try await work.pool.store { [ledger] () throws(StoreError) in try ledger.catalogue.inspect() }
    } catch {
      logger.error("the catalogue cannot be looked through", metadata: ["error": "\(error)"])
    }
  }

  /// Looks at the file of every share, withdrawn ones too: they may be back.
  func sweep() async {
    guard await delayIsOver() else { return }
    var position: CataloguePosition?
    repeat {
      guard !Task.isCancelled, let page = await page(after: position) else { return }
      for path in page.suspicious { changed.notice(path) }
      position = page.next
    } while position != nil
    logger.debug("looked at every share")
  }

  /// False where the task is cancelled.
  private func delayIsOver() async -> Bool {
    (try? await Task.sleep(for: delay)) != nil
  }

  private func page(after position: CataloguePosition?) async -> (suspicious: [String], next: CataloguePosition?)? {
    try? await pool.store { [ledger] () throws(StoreError) in
      let shares = try ledger.catalogue.page(after: position, limit: Self.pageLength)
      let suspicious = shares.filter { ShareVerdict($0, found: FileFingerprint.ofFile($0.path)) != .keep }
      let next = shares.count < Self.pageLength ? nil : shares.last.map(CataloguePosition.init(after:))
      return (suspicious.map(\.path), next)
    }
  }

  // MARK: Lost files

  /// Looks for files that were withdrawn, until the task is cancelled.
  func watchForReturns() async {
    // What was looked into in vain is not hashed again as long as it is the same.
    var seen: [String: FileFingerprint] = [:]
    while !Task.isCancelled {
      try? await Task.sleep(for: interval)
      guard let back = await returned(since: seen) else { continue }
      seen = back.seen
      for path in back.paths { changed.notice(path) }
    }
  }

  private func returned(
    since seen: [String: FileFingerprint]
  ) async -> (paths: [String], seen: [String: FileFingerprint])? {
    try? await pool.store { [ledger] () throws(StoreError) in
      var paths = [String]()
      var found = [String: FileFingerprint]()
      for share in try ledger.catalogue.withdrawn(limit: Self.maxLost) {
        guard let fingerprint = FileFingerprint.ofFile(share.path) else { continue }
        found[share.path] = fingerprint
        let isNew = seen[share.path] != fingerprint
        if isNew, ShareVerdict(share, found: fingerprint) != .keep { paths.append(share.path) }
      }
      return (paths, found)
    }
  }

  // MARK: Changed files

  /// Looks at files as they are named, one after the other, until `changed` ends.
  func run() async {
    var retries = RetrySchedule()
    var repairs = RepairAllowance()
    while let paths = await changed.next() {
      for path in paths {
        guard !Task.isCancelled else { return }
        if await look(at: path, &repairs) {
          retries.forget(path)
        } else if let delay = retries.next(path) {
          loop.scheduleTask(in: TimeAmount(delay)) { [changed] in changed.notice(path) }
        } else {
          logger.warning("a file is not shared as long as it keeps changing", metadata: ["path": "\(path)"])
        }
      }
    }
  }

  /// - Returns: false where the file is still being written.
  private func look(at path: String, _ repairs: inout RepairAllowance) async -> Bool {
    do throws(WireFailure) {
      let finding = try await pool.store { [ledger] () throws(StoreError) in try ledger.check(path) }
      if !finding.change.withdrawn.isEmpty, !finding.lacksHashes {
        logger.info("not shared any more: its file is not what it was", metadata: ["path": "\(path)"])
      }
      await tell(finding.change, path)
      guard let unknown = finding.unknown else { return true }
      if finding.lacksHashes {
        guard repairs.take(path) else {
          logger.error(
            "not shared until it is added again: its hashes are lost time and again", metadata: ["path": "\(path)"])
          return true
        }
        logger.warning("hashed again: its hashes are missing or damaged", metadata: ["path": "\(path)"])
      }
      return try await renew(FileWork.File(path: path, fingerprint: unknown))
    } catch {
      logger.warning("a changed file cannot be looked into", metadata: ["path": "\(path)", "error": "\(error)"])
      return true
    }
  }

  private func renew(_ file: FileWork.File) async throws(WireFailure) -> Bool {
    let known: FileWork.Known
    switch try await work.examine([file]).first {
    case .success(let found): known = found
    case .failure(let error) where error.code == .changed: return false
    case .failure(let error):
      logger.notice("a changed file is not shared any more", metadata: ["error": "\(error)"])
      return true
    case nil: return true
    }
    let change = try await pool.store { [ledger] () throws(StoreError) in try ledger.renew(file.path, known) }
    guard let change else { return false }
    await tell(change, file.path)
    return true
  }

  private func tell(_ change: ShareLedger.Change, _ path: String) async {
    await publication.withdraw(change.withdrawn)
    if !change.published.isEmpty {
      logger.info("shared as it is now", metadata: ["path": "\(path)"])
      let isAcknowledged = await publication.publish(change.published.map(\.document), waiting: false)
      if !isAcknowledged { await publication.link.announceAgain() }
    }
  }
}
