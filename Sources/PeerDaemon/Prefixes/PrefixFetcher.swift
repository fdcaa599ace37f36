// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import Synchronization
import WireProtocol

/// One document of a round.
struct PrefixDone: Sendable {
  let file: PrefixFile
  let outcome: PrefixResult.Outcome
  /// Whether it failed because of the disk, which the others need as well.
  var isStorage = false
}

/// Compares and fetches documents of one prefix, many small ones or one large one at a time.
struct PrefixFetcher: Sendable {
  enum State: Sendable {
    case present(path: String)
    case missing
    case failed(WireFailure, isStorage: Bool)
  }

  let work: PrefixWork
  let order: PrefixWork.Order
  let directory: TargetDirectory
  let sources: BatchSources

  private var record: PrefixRecord { order.record }
  private var preparation: DownloadPreparation { work.preparation }
  private var ledger: ShareLedger { work.preparation.ledger }

  // MARK: Comparing

  /// Shares those that are there.
  func compare(_ files: [PrefixFile]) async throws(WireFailure) -> [(PrefixFile, State)] {
    let comparison = PrefixComparison(directory: directory, catalogue: ledger.catalogue)
    let found = try await preparation.pools.quick.store { () throws(StoreError) in try comparison.compare(files) }
    var states: [(PrefixFile, State)] = []
    var shares: [(document: Document, file: HashedFile)] = []
    for (file, state) in zip(files, found) {
      switch state {
      case .present(let path): states.append((file, .present(path: path)))
      case .missing: states.append((file, .missing))
      case .different(let target): states.append((file, different(target)))
      case .failed(let error): states.append((file, .failed(WireFailure(error), isStorage: error.isStorage)))
      case .unknown(let target):
        if let hashed = try await preparation.same(file.document.content, at: target) {
          shares.append((file.document, hashed))
          states.append((file, .present(path: hashed.path)))
        } else {
          states.append((file, different(target)))
        }
      }
    }
    if record.isShared { try await share(shares, wereThere: true) }
    return states
  }

  private func different(_ target: DownloadTarget) -> State {
    do throws(StoreError) {
      try target.checkReplaceable()
    } catch {
      return .failed(WireFailure(error), isStorage: false)
    }
    guard !record.replacesFiles else { return .missing }
    return .failed(
      WireFailure(.cannotCreate, "is there as \(target.path) and is different; --force replaces it"), isStorage: false)
  }

  private func share(
    _ files: [(document: Document, file: HashedFile)], wereThere: Bool = false
  ) async throws(WireFailure) {
    guard !files.isEmpty else { return }
    let superseded = try await preparation.pools.quick.store { [ledger, home = record.home] () throws(StoreError) in
      try ledger.add(fetched: files, wereThere: wereThere, in: home)
    }
    await work.publication.withdraw(superseded)
    _ = await work.publication.publish(files.map(\.document))
  }

  // MARK: Small documents

  /// Those that cannot be fetched with the others are fetched alone.
  func fetch(_ files: [PrefixFile]) async -> [PrefixDone] {
    let started = NIODeadline.now()
    do throws(WireFailure) {
      // What would not fit is not fetched again and again.
      try await preparation.pools.quick.store { [directory] () throws(StoreError) in
        try directory.prepare(for: files.lazy.map(\.document.content.size))
      }
    } catch {
      return files.map { PrefixDone(file: $0, outcome: .failed(error), isStorage: true) }
    }
    var left = files
    var alone = [PrefixFile]()
    var done = [PrefixDone]()
    // Each pass fetches something, loses a holder or waits for a lost one, which has an end.
    while !left.isEmpty, !Task.isCancelled {
      var groups: [HolderID: (holder: Holder, files: [PrefixFile])] = [:]
      var later = [PrefixFile]()
      for file in left {
        let usable = usable(file)
        let live = await sources.live(among: usable)
        if let holder = choose(live, for: file) {
          groups[holder.id, default: (holder, [])].files.append(file)
        } else if usable.isEmpty {
          alone.append(file)
        } else if await sources.mayReturn(usable) {
          later.append(file)
        } else {
          let names = usable.map(\.name.text).joined(separator: ", ")
          done.append(
            PrefixDone(file: file, outcome: .failed(WireFailure(.noSource, "no holder answers: \(names)"))))
        }
      }
      if groups.isEmpty, !later.isEmpty { try? await Task.sleep(for: BatchSources.pause) }
      let (fetched, refused, lost) = await fetch(Array(groups.values))
      alone += refused
      left = lost + later
      done += await keep(fetched, since: started, &alone)
    }
    for file in alone where !Task.isCancelled { done.append(await fetch(file)) }
    return done
  }

  /// Holders of one batch that are asked at the same time.
  private static let maxHolders = 8

  private typealias Asked = (holder: Holder, files: [PrefixFile], answers: [BatchConnection.Answer])
  private typealias Fetched = (file: PrefixFile, holder: Holder, bytes: [UInt8])

  /// - Returns: what came, what its holder does not give, and what was asked of holders that were lost.
  private func fetch(
    _ groups: [(holder: Holder, files: [PrefixFile])]
  ) async -> (fetched: [Fetched], refused: [PrefixFile], lost: [PrefixFile]) {
    await withTaskGroup(of: Asked.self) { group in
      var waiting = groups[...]
      for _ in 0..<min(Self.maxHolders, groups.count) { ask(waiting.popFirst(), &group) }
      var (fetched, refused, lost) = ([Fetched](), [PrefixFile](), [PrefixFile]())
      for await (holder, files, answers) in group {
        ask(waiting.popFirst(), &group)
        for (file, answer) in zip(files, answers) {
          switch answer {
          case .success(let bytes): fetched.append((file, holder, bytes))
          case .failure(let failure) where failure.endsConnection: lost.append(file)
          case .failure: refused.append(file)
          }
        }
      }
      return (fetched, refused, lost)
    }
  }

  private func ask(_ next: (holder: Holder, files: [PrefixFile])?, _ group: inout TaskGroup<Asked>) {
    guard let (holder, files) = next else { return }
    group.addTask { (holder, files, await answers(files, from: holder)) }
  }

  private func answers(_ files: [PrefixFile], from holder: Holder) async -> [BatchConnection.Answer] {
    let source = TransferRegistry.Source(peer: holder.peer, name: holder.name.text, host: holder.host)
    return await sources.fetch(files.map(\.document.content), from: holder) { [transfer = order.transfer] bytes in
      transfer.progress(Int64(bytes), from: source)
    }
  }

  /// The complete holders that the list named.
  private func usable(_ file: PrefixFile) -> [Holder] {
    file.holders.filter { holder in
      holder.complete && holder.peer != preparation.own && (record.from == nil || record.from == holder.peer)
    }
  }

  /// Each holder has its share of the documents.
  private func choose(_ usable: [Holder], for file: PrefixFile) -> Holder? {
    guard !usable.isEmpty else { return nil }
    let digits = file.document.content.root.bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    return usable[digits % usable.count]
  }

  /// Writes what came, in one go, and shares it.
  private func keep(
    _ fetched: [Fetched], since started: NIODeadline, _ alone: inout [PrefixFile]
  ) async -> [PrefixDone] {
    guard !fetched.isEmpty else { return [] }
    let (ended, results): ([Share], [Result<HashedFile, StoreError>])
    do throws(WireFailure) {
      (ended, results) = try await preparation.pools.quick.store { [directory] () throws(StoreError) in
        try directory.check()
        return try write(fetched)
      }
    } catch {
      return fetched.map { PrefixDone(file: $0.file, outcome: .failed(error), isStorage: true) }
    }
    await work.publication.withdraw(ended)
    var done = [PrefixDone]()
    var shares = [(document: Document, file: HashedFile)]()
    for (entry, result) in zip(fetched, results) {
      switch result {
      case .success(let file):
        shares.append((entry.file.document, file))
        done.append(PrefixDone(file: entry.file, outcome: outcome(entry, file, since: started)))
      case .failure(let error) where error.code == .exists: alone.append(entry.file)
      case .failure(let error) where error.code == .invalidRange:
        let source = TransferRegistry.Source(
          peer: entry.holder.peer, name: entry.holder.name.text, host: entry.holder.host)
        order.transfer.dropped(source, "sent wrong bytes: \(entry.file.document.key)")
        alone.append(entry.file)
      case .failure(let error):
        done.append(
          PrefixDone(file: entry.file, outcome: .failed(WireFailure(error)), isStorage: error.isStorage))
      }
    }
    guard record.isShared else { return done }
    do throws(WireFailure) {
      try await share(shares)
    } catch {
      return done.map { PrefixDone(file: $0.file, outcome: .failed(error), isStorage: true) }
    }
    return done
  }

  /// - Returns: also the shares that have ended because other files lay there.
  private func write(_ fetched: [Fetched]) throws(StoreError) -> ([Share], [Result<HashedFile, StoreError>]) {
    var items = [FileBatch.Item]()
    var results = [Result<HashedFile, StoreError>?](repeating: nil, count: fetched.count)
    var positions = [Int]()
    for (position, entry) in fetched.enumerated() {
      do throws(StoreError) {
        guard let target = try directory.target(entry.file.path, makes: true) else { continue }
        items.append(
          FileBatch.Item(
            target: target, content: entry.file.document.content, bytes: entry.bytes,
            attributes: FileAttributes(of: entry.file.document, preserves: record.preserves, mask: record.mask),
            replaces: record.replacesFiles))
        positions.append(position)
      } catch {
        results[position] = .failure(error)
      }
    }
    let ended = try ledger.end(at: items.map(\.target.pathWithoutLinks), replacing: record.replacesFiles)
    for (position, result) in zip(positions, FileBatch(catalogue: ledger.catalogue).write(items)) {
      results[position] = result
    }
    return (ended, results.map { $0 ?? .failure(StoreError(.cannotCreate, directory.path, "is gone")) })
  }

  private func outcome(
    _ entry: Fetched, _ file: HashedFile, since started: NIODeadline
  ) -> PrefixResult.Outcome {
    let source = Download.Source(
      peer: entry.holder.peer, name: entry.holder.name.text, bytes: Int64(entry.bytes.count), error: nil)
    return .fetched(
      path: file.path, sources: [source], received: Int64(entry.bytes.count),
      seconds: Double((NIODeadline.now() - started).nanoseconds) / 1e9)
  }

  // MARK: Large documents

  /// Fetches one document as a download of its own, which an interrupted round leaves half done.
  func fetch(_ file: PrefixFile) async -> PrefixDone {
    if case .keys(_, _, let alone) = order.selection { return await alone(file) }
    let started = NIODeadline.now()
    guard file.document.content.size <= PieceFile.maximumSize else {
      let failure = WireFailure(.cannotCreate, "is larger than 8 TiB, which this program cannot download")
      return PrefixDone(file: file, outcome: .failed(failure))
    }
    do throws(WireFailure) {
      let (item, isRecorded, copy) = try await preparation.pools.quick.store { () throws(StoreError) in
        try prepare(file)
      }
      let transfer = order.transfer.part(file.document.content)
      defer { transfer.end() }
      let report = await work.work.run(
        DownloadWork.Order(
          record: item, isRecorded: isRecorded, choice: nil, copy: copy, transfer: transfer, earlier: nil)
      ) { _ in }
      return PrefixDone(
        file: file, outcome: try await end(report, of: item, transfer.totals, since: started),
        isStorage: report.outcome.isStorage)
    } catch {
      return PrefixDone(file: file, outcome: .failed(error), isStorage: error.code == .cannotCreate)
    }
  }

  /// - Returns: its record, whether the catalogue has it, and another file with the content that the network may have.
  private func prepare(_ file: PrefixFile) throws(StoreError) -> (DownloadRecord, isRecorded: Bool, copy: String?) {
    try directory.check()
    guard let target = try directory.target(file.path, makes: true) else {
      throw StoreError(.cannotCreate, directory.path, "is gone")
    }
    try directory.flush()
    let document = file.document
    let known = try ledger.catalogue.download(of: document.content, path: target.path, prefix: record.id)
    let copy = try ledger.catalogue.shares(of: document.content).first { $0.isShared(in: record.home) }?.path
    var item = known ?? DownloadRecord(document: document, path: target.path, created: record.created)
    if known == nil { item.id = order.newNumber() }
    (item.prefix, item.home) = (record.id, record.home)
    (item.isShared, item.preserves, item.replacesFile) = (record.isShared, record.preserves, record.replacesFiles)
    (item.isDetached, item.isContentChosen, item.mask, item.from) = (true, true, record.mask, record.from)
    return (item, known != nil, copy)
  }

  private func end(
    _ report: DownloadWork.Report, of item: DownloadRecord, _ moved: TransferRegistry.Totals,
    since started: NIODeadline
  ) async throws(WireFailure) -> PrefixResult.Outcome {
    let catalogue = ledger.catalogue
    switch report.outcome {
    case .done:
      if report.isRecorded {
        try await preparation.pools.quick.store { () throws(StoreError) in
          _ = try catalogue.removeDownload(item.id)
        }
      }
      let download = Download(
        content: item.content, path: report.record.path, moved: moved, since: started, job: nil)
      return .fetched(
        path: download.path, sources: download.sources, received: report.record.received - item.received,
        seconds: download.seconds)
    case .noSource(let failure, _, _), .storage(let failure): return .failed(failure)
    case .stopped, .filled: return .failed(WireFailure(.cancelled, "was stopped"))
    case .wrongBytes(let failure), .failed(let failure):
      try await preparation.pools.quick.store { [preparation] () throws(StoreError) in
        try preparation.discard(report.record, nil)
        _ = try catalogue.removeDownload(item.id)
      }
      return .failed(failure)
    }
  }
}

extension DownloadMachine.Outcome {
  fileprivate var isStorage: Bool { if case .storage = self { true } else { false } }
}

extension StoreError {
  /// Whether the same would happen to other files.
  fileprivate var isStorage: Bool { code == .noSpace || code == .inputOutput || code == .exhausted || isReadOnly }
}
