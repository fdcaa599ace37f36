// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Logging
import NIOCore
import NIOPosix
import WireProtocol

/// Keeps the shares in line with their files: looks at every file after the start and then periodically, at each file that
/// is reported to `changed`, which is what `FileWatch` notices, and at lost files.
struct ShareUpkeep: Sendable {
  private static let pageLength = 1000
  /// Lost files to look for.
  private static let maxLost = 10_000

  let ledger: ShareLedger
  let work: FileWork
  let publication: Publication
  let changed: ChangedFiles
  let pool: NIOThreadPool
  let loop: any EventLoop
  let logger: Logger
  /// Between two searches for lost files: nothing reports their return.
  let interval: Duration
  /// After the start, before the first look: clients that waited for the peer come first.
  let delay: Duration

  /// Between two questions whether files have changed. Repeated changes within it are one.
  private static let watchInterval = Duration.seconds(1)
  /// Between two looks at all files if all their directories are watched, and if not. The first is for what inotify(7)
  /// does not report: changes on another machine, a parent directory that was replaced.
  private static let sweepInterval = Duration.seconds(600)
  private static let blindInterval = Duration.seconds(60)
  /// After a lost event.
  private static let lossInterval = Duration.seconds(5)

  // MARK: After the start

  /// Checks the catalogue for damage. Takes seconds for a large one; the peer serves meanwhile.
  func inspect() async {
    guard await delayIsOver() else { return }
    do throws(WireFailure) {
      try await work.pool.store { [ledger] () throws(StoreError) in try ledger.catalogue.inspect() }
    } catch  where !Task.isCancelled {
      logger.error("the catalogue cannot be checked", metadata: ["error": "\(error)"])
    } catch {
      // Stopped: the next start checks it.
    }
  }

  /// Notices changes of files until the task is cancelled.
  func followChanges() async {
    guard await delayIsOver() else { return }
    var due = ContinuousClock.now
    while !Task.isCancelled {
      if ContinuousClock.now >= due {
        await sweep()
        due = .now + (ledger.watch.isComplete ? Self.sweepInterval : Self.blindInterval)
      }
      let changes = await pool.watched(ledger.watch)
      let paths = Array(changes.paths)
      let suspicious = try? await pool.store { [ledger] () throws(StoreError) -> [String] in
        try ledger.changed(among: paths)
      }
      for path in suspicious ?? paths { changed.notice(path) }
      if changes.isIncomplete { due = min(due, .now + Self.lossInterval) }
      try? await Task.sleep(for: Self.watchInterval)
    }
  }

  /// Looks at the file of every share, including withdrawn ones: their files may be back.
  private func sweep() async {
    var position: DocumentID?
    var directories = Set<String>()
    repeat {
      guard !Task.isCancelled, let page = await page(after: position) else { return }
      for path in page.suspicious { changed.notice(path) }
      directories.formUnion(page.directories)
      position = page.next
    } while position != nil
    _ = try? await pool.store { [ledger, directories] () throws(StoreError) in ledger.watch.keep(directories) }
    logger.debug("looked at every share")
  }

  /// - Returns: false if the task was cancelled.
  private func delayIsOver() async -> Bool {
    (try? await Task.sleep(for: delay)) != nil
  }

  private struct Page: Sendable {
    /// Of all files.
    let directories: Set<String>
    /// The paths whose files must be looked at.
    let suspicious: [String]
    let next: DocumentID?
  }

  private func page(after position: DocumentID?) async -> Page? {
    try? await pool.store { [ledger] () throws(StoreError) in
      let shares = try ledger.catalogue.page(after: position, limit: Self.pageLength)
      let directories = FileWatch.directories(of: shares.map(\.path))
      // Before the look: a change after it is reported.
      ledger.watch.add(directories)
      let suspicious = shares.filter {
        ShareVerdict($0, found: FileObservation(at: $0.path, known: $0.fingerprint)) != .keep
      }
      let next = shares.count < Self.pageLength ? nil : shares.last?.id
      return Page(directories: directories, suspicious: suspicious.map(\.path), next: next)
    }
  }

  // MARK: Lost files

  /// Looks for lost files until the task is cancelled.
  func watchForReturns() async {
    // A file that was hashed without a match is not hashed again until it changes.
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
        let observation = FileObservation(at: share.path, known: share.fingerprint)
        guard let fingerprint = observation.fingerprint else { continue }
        found[share.path] = fingerprint
        let isNew = seen[share.path] != fingerprint
        if isNew, ShareVerdict(share, found: observation) != .keep { paths.append(share.path) }
      }
      return (paths, found)
    }
  }

  // MARK: Changed files

  /// Looks at the files in `changed`, one after the other, until it ends.
  func run() async {
    var retries = RetrySchedule()
    var repairs = RepairAllowance()
    var pace = HashPace()
    while let paths = await changed.next() {
      // Once for all of them: it lists directories.
      guard let places = try? await pool.store({ [ledger] in ledger.places.current() }) else { return }
      for path in paths {
        guard !Task.isCancelled else { return }
        if let pause = pace.pause(for: path, at: .now) {
          // It keeps changing, so what is announced is wrong by now.
          await withdrawIfChanged(path)
          loop.scheduleTask(in: TimeAmount(pause)) { [changed] in changed.notice(path) }
        } else if await look(at: path, places, &repairs, &pace) {
          retries.forget(path)
        } else if let delay = retries.next(path) {
          loop.scheduleTask(in: TimeAmount(delay)) { [changed] in changed.notice(path) }
        } else {
          logger.warning("file not shared: it keeps changing", metadata: ["path": "\(path)"])
        }
      }
    }
  }

  /// - Returns: false if the file is still being written.
  private func look(
    at path: String, _ places: PrivatePlaces.Current, _ repairs: inout RepairAllowance, _ pace: inout HashPace
  ) async -> Bool {
    do throws(WireFailure) {
      let finding = try await pool.store { [ledger] () throws(StoreError) in try ledger.check(path) }
      if !finding.change.withdrawn.isEmpty, !finding.lacksHashes {
        logger.info("share withdrawn: its file is gone or was replaced", metadata: ["path": "\(path)"])
      }
      await publish(finding.change, path)
      guard let unknown = finding.unknown else { return true }
      if finding.lacksHashes {
        guard repairs.take(path) else {
          logger.error(
            "share withdrawn: its hashes keep getting lost; add the file again", metadata: ["path": "\(path)"])
          return true
        }
        logger.warning("hashing again: hashes missing or damaged", metadata: ["path": "\(path)"])
      }
      return try await renew((path, unknown), places, &pace)
    } catch {
      logger.warning("changed file cannot be examined", metadata: ["path": "\(path)", "error": "\(error)"])
      return true
    }
  }

  private func withdrawIfChanged(_ path: String) async {
    do throws(WireFailure) {
      let finding = try await pool.store { [ledger] () throws(StoreError) in try ledger.check(path) }
      await publish(finding.change, path)
      guard finding.unknown != nil else { return }
      await publish(try await pool.store { [ledger] () throws(StoreError) in try ledger.withdraw(path) }, path)
    } catch {
      logger.warning("changed file cannot be examined", metadata: ["path": "\(path)", "error": "\(error)"])
    }
  }

  private func renew(
    _ file: FileWork.File, _ places: PrivatePlaces.Current, _ pace: inout HashPace
  ) async throws(WireFailure) -> Bool {
    let start = ContinuousClock.now
    let known: FileWork.Known
    switch try await work.examine([file]).first {
    case .success(let found): known = found
    case .failure(let error):
      let change = try await pool.store { [ledger] () throws(StoreError) in try ledger.withdraw(file.path) }
      await publish(change, file.path)
      guard error.code != .changed else { return false }
      logger.notice("changed file is no longer shared", metadata: ["error": "\(error)"])
      return true
    case nil: return true
    }
    let change = try await pool.store { [ledger] () throws(StoreError) in
      try ledger.renew(file.path, known, places: places)
    }
    guard let change else { return false }
    if !change.published.isEmpty, known.hashed != nil {
      pace.hashed(file.path, in: ContinuousClock.now - start, at: .now)
    }
    if !change.withdrawn.isEmpty, change.published.isEmpty {
      logger.notice(
        "share withdrawn: another file has taken its place; add it to share it", metadata: ["path": "\(file.path)"])
    }
    await publish(change, file.path)
    return true
  }

  private func publish(_ change: ShareLedger.Change, _ path: String) async {
    await publication.withdraw(change.withdrawn)
    if !change.published.isEmpty {
      logger.info("shared again", metadata: ["path": "\(path)"])
      let isAcknowledged = await publication.publish(change.published.map(\.document), waiting: false)
      if !isAcknowledged { await publication.link.announceAgain() }
    }
  }
}

extension NIOThreadPool {
  /// No changes if the pool has ended.
  fileprivate func watched(_ watch: FileWatch) async -> FileWatch.Changes {
    (try? await runIfActive { watch.take() }) ?? FileWatch.Changes()
  }
}
