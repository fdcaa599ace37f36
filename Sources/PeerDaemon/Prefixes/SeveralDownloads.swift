// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import Synchronization
import WireProtocol

/// Answers `get-all`: a prefix is one durable download; of several keys the small ones are fetched together, and each large
/// one as a download of its own.
struct SeveralDownloads: Sendable {
  let downloads: Downloads
  let prefixes: PrefixDownloads
  let transfers: TransferRegistry

  func get(_ request: GetDocuments, _ events: ControlEvents) async throws(WireFailure) -> ControlGetAllReply {
    switch request.selection {
    case .prefix(let prefix): try await get(prefix, request, events)
    case .keys(let keys): try await get(keys, request, events)
    }
  }

  // MARK: A prefix

  private func get(
    _ prefix: String, _ documents: GetDocuments, _ events: ControlEvents
  ) async throws(WireFailure) -> ControlGetAllReply {
    let started = NIODeadline.now()
    var request = PrefixRequest(prefix: prefix, directory: documents.directory)
    request.from = documents.from
    (request.takesNewest, request.replacesFiles) = (documents.newest, documents.force)
    (request.isShared, request.preserves) = (documents.share, documents.preserve)
    (request.includesHidden, request.mask) = (documents.hidden, documents.umask)
    (request.isDetached, request.isPatient, request.rejoins) = (documents.detach, documents.wait, documents.rejoins)
    guard !documents.detach else { return Self.reply(try await prefixes.detach(request), since: started) }
    let progress = ProgressReports(transfers)
    let reports = documents.progress ? Task { await progress.send(to: events) } : nil
    defer { reports?.cancel() }
    let began = { @Sendable (job: DownloadJob) async throws(WireFailure) in
      try await events.send([.job(job)])
      progress.began(job.job)
    }
    let results = ResultEvents(events, all: documents.results)
    let sender = Task { await results.send() }
    do throws(WireFailure) {
      let end = try await prefixes.get(request, began: began, result: results.add)
      try await results.finish(sender)
      return Self.reply(end, since: started)
    } catch {
      sender.cancel()
      throw error
    }
  }

  private static func reply(_ end: PrefixEnd, since started: NIODeadline) -> ControlGetAllReply {
    var reply = ControlGetAllReply(end.counts, end.failure, since: started)
    (reply.job, reply.state, reply.received) = (end.job, end.state, max(end.received, 0))
    return reply
  }

  // MARK: Several keys

  private func get(
    _ keys: [DocumentKey], _ documents: GetDocuments, _ events: ControlEvents
  ) async throws(WireFailure) -> ControlGetAllReply {
    let started = NIODeadline.now()
    var record = PrefixRecord(id: 0, prefix: "", path: documents.directory, created: Timestamp(seconds: 0))
    record.home = await prefixes.work.preparation.link.homeOfDownload()
    (record.takesNewest, record.replacesFiles) = (documents.newest, documents.force)
    (record.isShared, record.preserves, record.mask) = (documents.share, documents.preserve, documents.umask)
    let results = ResultEvents(events, all: documents.results)
    let sender = Task { await results.send() }
    defer { sender.cancel() }
    let transfer = transfers.part(of: nil)
    defer { transfer.end() }
    let alone = Alone(downloads: downloads, home: record.home, documents: documents, events: events)
    let throttle = Throttle()
    let order = PrefixWork.Order(
      selection: .keys(keys, from: documents.from) { await alone.fetch($0) }, record: record, transfer: transfer,
      newNumber: { 0 }, result: results.add,
      progress: { counts in
        guard documents.progress, throttle.isDue() else { return }
        var progress = DownloadProgress(received: counts.bytes, size: 0)
        (progress.documents, progress.have) = (Int64(keys.count), counts.have)
        events.offer(.progress(progress))
      })
    let report = await prefixes.work.run(order)
    guard !Task.isCancelled else { throw WireFailure(.cancelled, "client disconnected") }
    guard await !prefixes.isStopping else {
      throw WireFailure(.unavailable, "the daemon is stopping; the same get goes on when it runs again")
    }
    try await results.finish(sender)
    let failure = report.storage ?? report.noSource ?? report.failure
    var reply = ControlGetAllReply(report.counts, failure, since: started)
    reply.received = transfer.totals.received + alone.received
    return reply
  }

  /// Fetches single documents as downloads of their own.
  private final class Alone: Sendable {
    private let downloads: Downloads
    private let home: Home
    private let documents: GetDocuments
    private let events: ControlEvents
    private let bytes = Atomic<Int64>(0)

    init(downloads: Downloads, home: Home, documents: GetDocuments, events: ControlEvents) {
      self.downloads = downloads
      self.home = home
      self.documents = documents
      self.events = events
    }

    var received: Int64 { bytes.load(ordering: .relaxed) }

    func fetch(_ file: PrefixFile) async -> PrefixDone {
      let key = file.document.key
      var request = DownloadRequest(
        key: key, destination: .path(documents.directory + "/"), from: documents.from,
        content: "\(file.document.content.root.hex):\(file.document.content.size)",
        replacesFile: documents.force, isShared: documents.share)
      (request.preserves, request.mask) = (documents.preserve, documents.umask)
      (request.isPatient, request.home) = (documents.wait, home)
      do throws(WireFailure) {
        let download = try await downloads.get(request) { [events] job throws(WireFailure) in
          try await events.send([.job(job)])
        }
        bytes.wrappingAdd(download.received, ordering: .relaxed)
        return PrefixDone(
          file: file,
          outcome: .fetched(
            path: download.path, sources: download.sources, received: download.received, seconds: download.seconds))
      } catch {
        // Its download goes on with the next process.
        let isStopping = await downloads.isStopping
        let failure = isStopping ? WireFailure(.cancelled, error.message) : error
        return PrefixDone(file: file, outcome: .failed(failure))
      }
    }
  }
}

extension ControlGetAllReply {
  fileprivate init(_ counts: PrefixCounts, _ failure: WireFailure?, since started: NIODeadline) {
    self.init()
    (documents, fetched, present, failed) = (counts.documents, counts.fetched, counts.present, counts.failed)
    bytes = counts.bytes
    seconds = Double((NIODeadline.now() - started).nanoseconds) / 1e9
    self.failure = failure?.code.rawValue
  }
}

/// Sends `result` events as fast as the client takes them. Results may come from any thread.
private final class ResultEvents: Sendable {
  private struct State {
    var pending: [DocumentResult] = []
    var hasEnded = false
    /// Whether the client reads so slowly that results were lost.
    var isOverrun = false
  }

  private static let maxPending = 100_000
  private static let interval = Duration.milliseconds(50)

  private let events: ControlEvents
  private let sendsAll: Bool
  private let state = Mutex(State())

  /// - Parameter all: whether to send those that did not fail.
  init(_ events: ControlEvents, all sendsAll: Bool) {
    self.events = events
    self.sendsAll = sendsAll
  }

  func add(_ result: PrefixResult) {
    let message = DocumentResult(result)
    guard sendsAll || message.error != nil else { return }
    state.withLock { state in
      if state.pending.count < Self.maxPending { state.pending.append(message) } else { state.isOverrun = true }
    }
  }

  /// Runs until `finish` or a failure.
  func send() async -> WireFailure? {
    while true {
      let (batch, hasEnded) = state.withLock { state in
        defer { state.pending = [] }
        return (state.pending, state.hasEnded)
      }
      do throws(WireFailure) { try await events.send(batch.map(ControlEvent.result)) } catch { return error }
      if batch.isEmpty {
        if hasEnded { return nil }
        guard (try? await Task.sleep(for: Self.interval)) != nil else { return nil }
      }
    }
  }

  /// Returns when everything is sent.
  func finish(_ sender: Task<WireFailure?, Never>) async throws(WireFailure) {
    state.withLock { $0.hasEnded = true }
    if let failure = await sender.value { throw failure }
    guard !state.withLock({ $0.isOverrun }) else {
      throw WireFailure(.unavailable, "results were lost because they were read too slowly; the files are there")
    }
  }
}

extension DocumentResult {
  fileprivate init(_ result: PrefixResult) {
    self.init(key: result.key)
    content = result.content
    switch result.outcome {
    case .present(let path): self.path = path
    case .fetched(let path, let sources, let received, let seconds):
      self.path = path
      self.sources = sources.map { .init(name: $0.name, id: $0.peer, bytes: $0.bytes, error: $0.error) }
      (self.received, self.seconds) = (received, seconds)
    case .failed(let failure): (error, message) = (failure.code.rawValue, failure.message)
    }
  }
}
