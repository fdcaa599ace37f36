// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import WireProtocol

/// One pass over the documents of a prefix. Confined to the task that runs it.
struct PrefixRound {
  enum Done: Sendable {
    case batch([PrefixDone])
    case large(PrefixDone)
  }

  /// Documents of one batch, and their bytes.
  private static let maxBatch = 256
  private static let maxBatchBytes: Int64 = 4 << 20
  private static let maxBatches = 3
  /// Large documents that are fetched at the same time.
  private static let maxLarge = 4
  private static let pageLength = 1000

  private let work: PrefixWork
  private let order: PrefixWork.Order
  private let fetcher: PrefixFetcher
  private var report = PrefixWork.Report()
  /// Small documents that wait for a batch.
  private var batch: [PrefixFile] = []
  private var batchBytes: Int64 = 0
  /// Rows of the list, and how many the index has counted before.
  private var listed: Int64 = 0
  private var announced: Int64 = 0
  private var isFull = false
  private var batches = 0
  private var large = 0

  init(work: PrefixWork, order: PrefixWork.Order, fetcher: PrefixFetcher) {
    self.work = work
    self.order = order
    self.fetcher = fetcher
  }

  mutating func run() async -> PrefixWork.Report {
    await withTaskGroup(of: Done.self) { group in
      do throws(WireFailure) {
        switch order.selection {
        case .prefix: try await list(&group)
        case .keys(let keys, let from, _): try await lookUp(keys, from: from, &group)
        }
        order.progress(report.counts)
        await startBatch(&group)
      } catch {
        note(error, isStorage: false)
      }
      while let done = await group.next() { take(done) }
    }
    report.outcome = Task.isCancelled ? .stopped : outcome
    return report
  }

  private var outcome: DownloadMachine.Outcome {
    if let failure = report.storage { return .storage(failure) }
    if let failure = report.noSource {
      return .noSource(failure, hasChanged: false, hasGained: report.counts.fetched > 0)
    }
    if case .prefix = order.selection, listed < max(announced, 1) || report.counts.documents < order.expected {
      let known = max(announced, order.expected)
      let failure = WireFailure(
        .noSource, "only \(listed) of \(known) documents below \(order.record.prefix) are listed now: a holder is away")
      return .noSource(failure, hasChanged: false, hasGained: report.counts.fetched > 0)
    }
    return report.failure.map { .failed($0) } ?? .done
  }

  /// The number of documents that the index knows below the prefix.
  private func count() async throws(WireFailure) -> Int64 {
    let prefix = order.record.prefix
    let query = IndexRequest.ListQuery(prefix: String(Substring(prefix.utf8.dropLast())), level: true)
    let reply = try await work.preparation.link.list(query, in: order.record.home)
    for case .level(let level) in reply.rows where level.prefix == prefix { return Int64(level.documents) }
    return 0
  }

  // MARK: The list

  private mutating func list(_ group: inout TaskGroup<Done>) async throws(WireFailure) {
    let record = order.record
    var plan = PrefixPlan(
      prefix: record.prefix, takesNewest: record.takesNewest, includesHidden: record.includesHidden,
      from: record.from, own: work.preparation.own)
    announced = try await count()
    if announced > 0 { report.counts.total = max(announced, order.expected) }
    order.progress(report.counts)
    var pages = Pages(limit: nil)
    var progress = ListProgress(prefix: record.prefix)
    var page = ask(pages)
    defer { page?.cancel() }
    while let asked = page {
      let reply = try await withTaskCancellationHandler {
        await asked.value
      } onCancel: {
        asked.cancel()
      }.get()
      let documents = progress.documents(of: pages.take(reply.rows, next: reply.next))
      // The index answers while this page is compared.
      page = progress.isStuck ? nil : ask(pages)
      listed += Int64(documents.count)
      try await take(plan.add(documents), &group)
      // On a full disk the rest would fail as well.
      if isFull || Task.isCancelled { return }
    }
    try await take(plan.end(), &group)
    report.counts.total = report.counts.documents
  }

  private func ask(_ pages: Pages) -> Task<Result<ListReply, WireFailure>, Never>? {
    guard let length = pages.nextLength(Self.pageLength) else { return nil }
    let query = IndexRequest.ListQuery(prefix: order.record.prefix, limit: length, after: pages.cursor)
    return Task { [link = work.preparation.link, home = order.record.home] in
      do throws(WireFailure) {
        return .success(try await link.list(query, in: home))
      } catch {
        return .failure(error)
      }
    }
  }

  /// Look-ups at a time.
  private static let maxLookups = 64

  private mutating func lookUp(
    _ keys: [DocumentKey], from: String?, _ group: inout TaskGroup<Done>
  ) async throws(WireFailure) {
    var names: [String: DocumentKey] = [:]
    for start in stride(from: 0, to: keys.count, by: Self.maxLookups) {
      guard !Task.isCancelled else { return }
      let part = Array(keys[start..<min(start + Self.maxLookups, keys.count)])
      var steps = [PrefixPlan.Step]()
      for (key, step) in zip(part, await lookUp(part, from: from)) {
        // A document that is not there takes no name.
        if case .file = step, let other = names.updateValue(key, forKey: key.suggestedFileName), other != key {
          steps.append(
            .skip(key, WireFailure(.cannotCreate, "has the file name of \(other): fetch it alone, with -o")))
        } else {
          steps.append(step)
        }
      }
      try await take(steps, &group)
      if isFull { return }
    }
  }

  private func lookUp(_ keys: [DocumentKey], from: String?) async -> [PrefixPlan.Step] {
    let (preparation, home, newest) = (work.preparation, order.record.home, order.record.takesNewest)
    return await withTaskGroup(of: (Int, PrefixPlan.Step).self) { group in
      for (index, key) in keys.enumerated() {
        group.addTask {
          var request = DownloadRequest(key: key, destination: .stream, from: from)
          request.takesNewest = newest
          do throws(WireFailure) {
            let choice = try await preparation.choose(request, in: home)
            let file = PrefixFile(
              document: choice.document(key), path: [key.suggestedFileName], holders: choice.holders)
            return (index, .file(file))
          } catch {
            return (index, .skip(key, error))
          }
        }
      }
      var steps: [Int: PrefixPlan.Step] = [:]
      for await (index, step) in group { steps[index] = step }
      return keys.indices.compactMap { steps[$0] }
    }
  }

  private mutating func take(_ steps: [PrefixPlan.Step], _ group: inout TaskGroup<Done>) async throws(WireFailure) {
    var files = [PrefixFile]()
    report.counts.documents += Int64(steps.count)
    report.counts.total = report.counts.total.map { max($0, report.counts.documents) }
    for step in steps {
      switch step {
      case .file(let file): files.append(file)
      case .skip(let key, let failure): fail(key, failure, isStorage: false)
      }
    }
    guard !files.isEmpty else { return }
    for (file, state) in try await fetcher.compare(files) {
      switch state {
      case .present(let path): took(file, .present(path: path), isStorage: false)
      case .failed(let failure, let isStorage): took(file, .failed(failure), isStorage: isStorage)
      case .missing where file.document.content.geometry.pieceCount <= 1: await add(file, &group)
      case .missing: await startLarge(file, &group)
      }
    }
    order.progress(report.counts)
  }

  // MARK: Work

  private mutating func add(_ file: PrefixFile, _ group: inout TaskGroup<Done>) async {
    batch.append(file)
    batchBytes += file.document.content.size
    if batch.count >= Self.maxBatch || batchBytes >= Self.maxBatchBytes { await startBatch(&group) }
  }

  private mutating func startBatch(_ group: inout TaskGroup<Done>) async {
    guard !batch.isEmpty else { return }
    let files = batch
    (batch, batchBytes) = ([], 0)
    while batches >= Self.maxBatches, let done = await group.next() { take(done) }
    batches += 1
    group.addTask { [fetcher] in .batch(await fetcher.fetch(files)) }
  }

  private mutating func startLarge(_ file: PrefixFile, _ group: inout TaskGroup<Done>) async {
    while large >= Self.maxLarge, let done = await group.next() { take(done) }
    large += 1
    group.addTask { [fetcher] in .large(await fetcher.fetch(file)) }
  }

  private mutating func take(_ done: Done) {
    switch done {
    case .batch(let results):
      batches -= 1
      for result in results { took(result.file, result.outcome, isStorage: result.isStorage) }
      isFull = isFull || results.contains { $0.isStorage }
    case .large(let result):
      large -= 1
      took(result.file, result.outcome, isStorage: result.isStorage)
    }
    order.progress(report.counts)
  }

  // MARK: Results

  private mutating func took(_ file: PrefixFile, _ outcome: PrefixResult.Outcome, isStorage: Bool) {
    let document = file.document
    switch outcome {
    case .failed(let failure): return fail(document.key, failure, isStorage: isStorage)
    case .present: report.counts.present += 1
    case .fetched: report.counts.fetched += 1
    }
    report.counts.bytes = report.counts.bytes.addingReportingOverflow(document.content.size).partialValue & .max
    order.result(PrefixResult(key: document.key, content: document.content, outcome: outcome))
  }

  private mutating func fail(_ key: DocumentKey, _ failure: WireFailure, isStorage: Bool) {
    // A round that was stopped leaves the rest for the next one.
    guard failure.code != .cancelled else { return }
    report.counts.failed += 1
    order.result(PrefixResult(key: key, content: nil, outcome: .failed(failure)))
    note(WireFailure(failure.code, "\(key): \(failure.message)"), isStorage: isStorage)
  }

  private mutating func note(_ failure: WireFailure, isStorage: Bool) {
    switch failure.code {
    case _ where isStorage: report.storage = report.storage ?? failure
    case .noSource, .unavailable, .notFound, .tooMany: report.noSource = report.noSource ?? failure
    case .cancelled: break
    default:
      let isWorse = failure.code == .cannotCreate && report.failure?.code != .cannotCreate
      if report.failure == nil || isWorse { report.failure = failure }
    }
  }
}
