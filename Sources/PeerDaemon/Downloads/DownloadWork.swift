// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import Synchronization
import WireProtocol

/// One round of a download: opens its file, fetches what is missing, finishes.
struct DownloadWork: Sendable {
  let preparation: DownloadPreparation
  let publication: Publication
  let limiter: RateLimiter
  let partial: PartialSharing
  let fetch: FetchContent
  let wallClock: @Sendable () -> Timestamp
  /// How long what was fetched may be lost by a failure of the machine.
  var syncInterval = Duration.seconds(5)

  struct Order: Sendable {
    var record: DownloadRecord
    var isRecorded: Bool
    /// `nil` to ask the index first.
    let choice: SourceChoice?
    /// A finished file with the content.
    let copy: String?
    let transfer: TransferHandle
    /// Changes of the catalogue that come first.
    let earlier: Task<Void, Never>?
    /// Called from any thread when there is more for the readers of a stream.
    var gained: @Sendable () -> Void = {}
    /// Called after what was fetched was made durable, while more is fetched.
    var kept: @Sendable () async -> Void = {}
  }

  struct Report: Sendable {
    var record: DownloadRecord
    var isRecorded: Bool
    var outcome: DownloadMachine.Outcome
    /// Holders that failed.
    var failed: Set<HolderID> = []
  }

  private var catalogue: Catalogue { preparation.ledger.catalogue }

  /// - Parameter opened: receives the file; called once at most.
  func run(_ order: Order, opened: @Sendable (PieceFile) async -> Void) async -> Report {
    await order.earlier?.value
    var report = Report(record: order.record, isRecorded: order.isRecorded, outcome: .stopped)
    do throws(WireFailure) {
      let outcome = try await run(order, &report, opened: opened)
      report.outcome = outcome
    } catch {
      report.outcome =
        switch error.code {
        case .cancelled: .stopped
        case .unavailable where Task.isCancelled: .stopped
        default: .storage(error.asStorage)
        }
    }
    return report
  }

  private func run(
    _ order: Order, _ report: inout Report, opened: @Sendable (PieceFile) async -> Void
  ) async throws(WireFailure) -> DownloadMachine.Outcome {
    let document = report.record.document
    let target = try await onDisk { [preparation, record = report.record] () throws(StoreError) in
      try preparation.target(of: record)
    }
    order.transfer.show(.checking)
    defer { order.transfer.show(nil) }
    do throws(WireFailure) {
      if !report.record.isStream,
        let file = try await preparation.present(
          document.content, at: target, replaces: report.record.replacesFile)
      {
        return try await finish(present: file, &report)
      }
    } catch {
      // Cancelled, or a different file has taken the name meanwhile.
      return error.code == .cannotCreate ? .failed(error) : error.code == .cancelled ? .stopped : .storage(error)
    }
    let file = try await open(target, &report)
    // A process that was killed could not record the last of what it moved.
    report.record.received = max(report.record.received, file.writtenBytes)
    order.transfer.moved(atLeast: report.record.received)
    await opened(file)
    order.transfer.verified(file.pieces)
    let isOffered = report.record.isShared && document.content.geometry.pieceCount > 1
    if isOffered { await partial.offer(file, document, report.record.home) }
    let outcome: DownloadMachine.Outcome
    do throws(WireFailure) {
      if let early = try await fill(file, order, &report) {
        outcome = early
      } else if report.record.isStream {
        return .filled
      } else {
        order.transfer.show(.saving)
        outcome = try await finish(file, &report)
      }
    } catch {
      if isOffered { await partial.withdraw(document, order.record.home, false) }
      throw error
    }
    if outcome != .done {
      // What a pause or a restart of the machine finds.
      _ = try? await onDisk { () throws(StoreError) in try file.synchronize() }
    }
    if isOffered, outcome != .done { await partial.withdraw(document, order.record.home, false) }
    return outcome
  }

  private func open(_ target: DownloadTarget, _ report: inout Report) async throws(WireFailure) -> PieceFile {
    let isSmall = report.record.isSmall
    if !isSmall, !report.isRecorded {
      let record = report.record
      try await onDisk { [catalogue] () throws(StoreError) in try catalogue.record([record]) }
      report.isRecorded = true
    }
    let (file, record) = try await onDisk { [catalogue, known = report.record] () throws(StoreError) in
      var record = known
      let file =
        if isSmall {
          try PieceFile(temporary: target, content: record.document.content, catalogue: catalogue)
        } else if record.temporary != nil {
          try PieceFile(resuming: &record, target: target, catalogue: catalogue)
        } else {
          try PieceFile(new: &record, target: target, catalogue: catalogue)
        }
      return (file, record)
    }
    report.record = record
    return file
  }

  // MARK: Fetching

  /// - Returns: `nil` if the file has everything.
  private func fill(
    _ file: PieceFile, _ order: Order, _ report: inout Report
  ) async throws(WireFailure) -> DownloadMachine.Outcome? {
    let present = file.pieces.population
    let keeper = Task { await keep(file, order, since: present) }
    let checker = Task { await check(file, isUrgent: file.isInOrder, order.gained) }
    defer {
      keeper.cancel()
      checker.cancel()
    }
    if let path = order.copy {
      order.transfer.show(.copying)
      await copy(path, into: file, order.transfer)
    }
    order.transfer.show(nil)
    var choice = order.choice
    var hasGained = false
    // A piece of an earlier process that is wrong now is fetched again.
    while true {
      if Task.isCancelled { return .stopped }
      if file.pieces.isFull {
        checker.cancel()
        order.transfer.show(.checking)
        await checker.value
        await check(file, isUrgent: true, order.gained)
        order.transfer.show(nil)
        order.transfer.verified(file.pieces)
        if Task.isCancelled { return .stopped }
        if file.pieces.isFull { return nil }
      }
      let (before, unproven) = (file.pieces.population, file.unproven)
      let sources: SourceChoice
      do throws(WireFailure) {
        sources =
          if let choice = choice.take() { choice } else { try await preparation.sources(of: report.record) }
      } catch {
        return .noSource(error, hasChanged: false, hasGained: hasGained)
      }
      let outcome = await fetch(
        file, report.record.home, sources, order.transfer, limiter, order.gained)
      report.record.received = min(
        report.record.received.addingReportingOverflow(max(outcome.received, 0)).partialValue & .max,
        Content.maximumSize)
      hasGained = hasGained || file.pieces.population > before
      order.transfer.verified(file.pieces)
      switch outcome.end {
      case .complete:
        // The check of an earlier piece may have failed meanwhile.
        guard file.pieces.isFull || file.pieces.population > before || !unproven.isEmpty else {
          return .storage(WireFailure(.internal, "the fetch ended before it was complete"))
        }
      case .noSource(let failures, let holders):
        report.failed = failures.holders
        return .noSource(
          failures.noSource(of: report.record.document.key, holders: holders),
          hasChanged: failures.hasChanges, hasGained: hasGained)
      case .wrongBytes(let failures):
        return .wrongBytes(failures.wrongBytes(of: report.record.document.key))
      case .storage(let error): return .storage(WireFailure(error).asStorage)
      case .cancelled: return .stopped
      }
    }
  }

  /// Reads pieces of an earlier process again. Between two it pauses for as long as it has worked, unless everything waits
  /// for it.
  private func check(_ file: PieceFile, isUrgent: Bool, _ gained: @Sendable () -> Void) async {
    let unproven = file.unproven
    for run in unproven.ranges {
      for piece in run where !Task.isCancelled {
        let start = ContinuousClock.now
        let isRight = try? await preparation.pools.quick.store { () throws(StoreError) in try file.check(piece) }
        if isRight == true {
          partial.gained(file.content, piece)
          gained()
        }
        if !isUrgent { try? await Task.sleep(for: ContinuousClock.now - start) }
      }
    }
  }

  /// So little that the last flush of a fast download, which its end waits for, is short.
  private static let syncBytes: Int64 = 64 << 20
  private static let syncTick = Duration.milliseconds(100)

  /// Makes what was fetched survive a failure of the machine, every 5 s or 64 MiB. Readers hear of it sooner.
  /// - Parameter present: number of pieces that are durable.
  private func keep(_ file: PieceFile, _ order: Order, since present: Int) async {
    let pieceLength = file.content.geometry.pieceLength
    guard file.content.geometry.pieceCount > 1 else { return }
    var synchronized = present
    var reported = synchronized
    var last = ContinuousClock.now
    while (try? await Task.sleep(for: Self.syncTick)) != nil {
      let population = file.pieces.population
      if population != reported { order.gained() }
      reported = population
      let isMuch = Int64(population - synchronized) * pieceLength >= Self.syncBytes
      guard population != synchronized, isMuch || .now - last >= syncInterval else { continue }
      // A failure is met again by the next write.
      _ = try? await onDisk { () throws(StoreError) in try file.synchronize() }
      (synchronized, last) = (population, .now)
      await order.kept()
    }
  }

  /// Copies what is right of another file with the content. What cannot be copied is fetched.
  private func copy(_ path: String, into file: PieceFile, _ transfer: TransferHandle) async {
    _ = try? await preparation.pools.long.interruptible { [catalogue] isCancelled throws(StoreError) in
      try LocalCopy(from: path, into: file, catalogue: catalogue).run {
        transfer.verified(file.pieces)
        return isCancelled()
      }
    }
  }

  // MARK: Finishing

  /// Makes the file durable, names it and shares it.
  private func finish(_ file: PieceFile, _ report: inout Report) async throws(WireFailure) -> DownloadMachine.Outcome {
    let record = report.record
    let attributes = record.attributes
    let (ledger, isRecorded, now) = (preparation.ledger, report.isRecorded, wallClock())
    let ended = try await onDisk { () throws(StoreError) in
      try ledger.end(at: [file.target.pathWithoutLinks], replacing: record.replacesFile)
    }
    await publication.withdraw(ended)
    let outcome = try await onDisk {
      () throws(StoreError) -> Result<(path: String, superseded: [Share]), StoreError> in
      let hashed: HashedFile
      do throws(StoreError) {
        hashed = try file.commit(replacing: record.replacesFile, attributes)
      } catch {
        guard error.code == .exists else { throw error }
        return .failure(error)
      }
      var done = record
      done.named(file.target.currentPath)
      (done.state, done.error, done.finished) = (.done, nil, now)
      var superseded = [Share]()
      if record.isShared {
        superseded = try Self.share(
          record.document, hashed, of: record.home, in: ledger, forgetting: file.temporaryPaths,
          finishing: isRecorded ? done : nil)
      } else {
        // A record that cannot be removed now is removed at the next start.
        for path in file.temporaryPaths { try? ledger.catalogue.forgetTemporary(path) }
      }
      file.discard()
      return .success((done.path, superseded))
    }
    switch outcome {
    case .success(let (path, superseded)):
      report.record.named(path)
      if record.isShared {
        // Before the whole is announced.
        await partial.withdraw(record.document, record.home, true)
        await publish(record.document, superseded)
      }
      return .done
    case .failure(let error):
      // Another download of the same content was faster, or another file has taken the name.
      guard let present = try await preparation.same(record.document.content, at: file.target) else {
        return .failed(try await keepBeside(file, attributes, error))
      }
      // That file may be one that is not shared.
      await partial.withdraw(record.document, record.home, false)
      try await onDisk { () throws(StoreError) in file.discard() }
      return try await finish(present: present, &report)
    }
  }

  private func finish(
    present file: HashedFile, _ report: inout Report
  ) async throws(WireFailure) -> DownloadMachine.Outcome {
    let record = report.record
    if record.isShared { try await share(present: file, as: record.document, of: record.home) }
    if record.temporary != nil {
      try await onDisk { [preparation] () throws(StoreError) in try preparation.discard(record, nil) }
    }
    report.record.named(file.path)
    return .done
  }

  /// Gives the finished file a name beside the one that is taken, and shares nothing.
  private func keepBeside(
    _ file: PieceFile, _ attributes: FileAttributes, _ error: StoreError
  ) async throws(WireFailure) -> WireFailure {
    let kept = try await onDisk { [catalogue] () throws(StoreError) in
      let path = try file.commitBeside(attributes)
      for path in file.temporaryPaths { try? catalogue.forgetTemporary(path) }
      file.discard()
      return path
    }
    return WireFailure(
      .cannotCreate,
      "\(error.subject) appeared during the download and is different; the download is complete as \(kept)")
  }

  /// Shares an existing file.
  /// - Parameter home: the network in which its download began.
  func share(present file: HashedFile, as document: Document, of home: Home) async throws(WireFailure) {
    let superseded = try await onDisk { [ledger = preparation.ledger] () throws(StoreError) in
      try ledger.add(fetched: [(document, file)], wereThere: true, in: home)
    }
    await publish(document, superseded)
  }

  /// - Returns: superseded shares.
  private static func share(
    _ document: Document, _ file: HashedFile, of home: Home, in ledger: ShareLedger, forgetting temporary: [String],
    finishing download: DownloadRecord?
  ) throws(StoreError) -> [Share] {
    do throws(StoreError) {
      return try ledger.add(
        fetched: [(document, file)], in: home, forgetting: temporary, finishing: download)
    } catch {
      // The file is complete: the error must say that only the catalogue could not be written.
      throw StoreError(error.code, file.path, "is complete, but could not be added to the catalogue: \(error)")
    }
  }

  private func publish(_ document: Document, _ superseded: [Share]) async {
    await publication.withdraw(superseded)
    _ = await publication.publish([document])
  }

  private func onDisk<Value: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> Value
  ) async throws(WireFailure) -> Value {
    try await preparation.pools.quick.store(body)
  }
}

extension PieceFile {
  /// Of whole pieces.
  fileprivate var writtenBytes: Int64 { min(Int64(pieces.population) * content.geometry.pieceLength, content.size) }
}

extension WireFailure {
  /// A disk that fails is a reason to wait, like a full one.
  fileprivate var asStorage: WireFailure {
    code == .internal || code == .noInput ? WireFailure(.cannotCreate, message) : self
  }
}
