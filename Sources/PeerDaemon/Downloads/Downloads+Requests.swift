// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
package import WireProtocol

/// What front ends ask of downloads.
extension Downloads {
  /// Pauses between two looks for a key that nobody has.
  private static let keyInterval = Duration.seconds(2)

  enum Entry {
    case present(Download)
    case job(ActiveDownload, SourceChoice?)
  }

  // MARK: get

  /// Downloads one document to a file. Cancelling the task leaves the download to itself.
  ///
  /// - Parameters:
  ///   - began: called before anything is fetched.
  ///   - preparing: called with what is done before there is a download.
  package func get(
    _ request: DownloadRequest, began: @escaping @Sendable (DownloadJob) async throws(WireFailure) -> Void = { _ in },
    preparing: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
  ) async throws(WireFailure) -> Download {
    let started = NIODeadline.now()
    switch try await enter(request, since: started, preparing) {
    case .present(let download): return download
    case .job(let job, let choice):
      let id = join(job, request, choice)
      let waiter = job.waiters[id]
      defer { forget(id, of: job) }
      do throws(WireFailure) {
        try await began(
          DownloadJob(
            job: job.id, waiter: id, path: job.record.path, received: waiter?.baseline.received ?? 0))
      } catch {
        leave(id, job.id)
        throw error
      }
      let result = await wait(id, for: job)
      let moved = (job.finalTotals ?? job.transfer.totals) - (waiter?.baseline ?? .init())
      do throws(WireFailure) {
        return Download(content: job.content, path: try result.get(), moved: moved, since: started, job: job.id)
      } catch {
        // What it says is recorded, and what was to be removed is gone.
        await writes.finished()
        throw error.about(job.id)
      }
    }
  }

  /// Begins a download, or takes part in one, without waiting for it.
  package func detach(_ request: DownloadRequest) async throws(WireFailure) -> (download: Download, state: String?) {
    let started = NIODeadline.now()
    switch try await enter(request, since: started) {
    case .present(let download): return (download, nil)
    case .job(let job, let choice):
      detach(job, request, choice)
      try await keep(job)
      let download = Download(
        content: job.content, path: job.record.path, moved: .init(), since: started, job: job.id)
      return (download, job.machine.phase.word)
    }
  }

  func enter(
    _ request: DownloadRequest, since started: NIODeadline,
    _ preparing: @Sendable (DownloadProgress) -> Void = { _ in }
  ) async throws(WireFailure) -> Entry {
    var request = request
    let home: Home = if let known = request.home { known } else { await preparation.link.homeOfDownload() }
    request.home = home
    return try await enter(request, in: home, since: started, preparing)
  }

  private func enter(
    _ request: DownloadRequest, in home: Home, since started: NIODeadline,
    _ preparing: @Sendable (DownloadProgress) -> Void
  ) async throws(WireFailure) -> Entry {
    var isWaiting = false
    while true {
      let choice: SourceChoice
      do throws(WireFailure) {
        choice = try await preparation.choose(request, in: home)
      } catch {
        guard error.code == .notFound || error.code == .unavailable else { throw error }
        // The same `get` goes on with its download even if nobody has the key now.
        // Finding the target may make its directory.
        let isKnown = !jobs.of(request.key).isEmpty
        if isKnown, let place = await place(of: request), let job = unfinished(request, place: place) {
          try requireNetwork(of: job, home)
          return .job(job, nil)
        }
        preparing(DownloadProgress(received: 0, size: 0, state: "waiting", error: error.message))
        // Who waits here waits for this network, also while the peer is in another one.
        let isAway = preparation.link.passes.home != home && !isStopping
        guard error.code == .notFound || isAway || isWaiting, request.isPatient,
          (try? await Task.sleep(for: Self.keyInterval)) != nil
        else {
          throw error
        }
        isWaiting = true
        continue
      }
      let content = choice.content.content
      if request.destination == .stream {
        return try await begin(request, choice, at: DownloadRecord.streamPath, place: DownloadRecord.streamPath)
      }
      let (target, place) = try await preparation.target(of: request)
      preparing(
        DownloadProgress(received: 0, size: content.size, activity: TransferHandle.Activity.checking.rawValue))
      if let file = try await preparation.present(request, content, at: target) {
        var download = Download(content: content, path: file.path, moved: .init(), since: started, job: nil)
        if request.isShared {
          let document = choice.document(request.key)
          try await work.share(present: file, as: document, of: home)
          download.isShared = try await preparation.isShared(document, in: home)
        }
        return .present(download)
      }
      return try await begin(request, choice, at: target.path, place: place)
    }
  }

  private func begin(
    _ request: DownloadRequest, _ choice: SourceChoice, at path: String, place: String
  ) async throws(WireFailure) -> Entry {
    let (job, isNew) = try self.job(for: request, choice, at: path, place: place)
    if isNew {
      job.choice = choice
      // Durable before anything is fetched.
      if !job.isSmall || request.isDetached { try? await keep(job) }
    }
    return .job(job, choice)
  }

  private func place(of request: DownloadRequest) async -> String? {
    if request.destination == .stream { return DownloadRecord.streamPath }
    return try? await preparation.target(of: request).place
  }

  /// Gives the download a row, if it has none.
  private func keep(_ job: ActiveDownload) async throws(WireFailure) {
    guard !job.isRecorded, !job.machine.isBusy, !job.isHeld else { return }
    job.isHeld = true
    defer { release(job) }
    let record = job.record
    try await writes.run { [preparation] () throws(StoreError) in
      try preparation.ledger.catalogue.record([record])
    }
    job.isRecorded = true
  }

  // MARK: Commands

  /// - Parameter waiter: an interrupted `get`, if that is the reason.
  /// - Returns: the number of downloads that are paused now.
  /// - Throws: `not-found`.
  package func pause(_ selection: DownloadSelection, waiter: Int64? = nil) async throws(WireFailure) -> Int {
    try await change(selection, to: .paused) { machine in
      if let waiter { machine.interrupt(waiter) } else { machine.pause() }
    }
  }

  /// - Returns: the number of downloads that go on.
  /// - Throws: `not-found`.
  package func resume(_ selection: DownloadSelection) async throws(WireFailure) -> Int {
    try goOn(selection)
  }

  /// Returns when what was fetched is removed.
  /// - Returns: the number of downloads that are cancelled now.
  /// - Throws: `not-found`.
  package func cancel(_ selection: DownloadSelection) async throws(WireFailure) -> Int {
    try await change(selection, to: .cancelled) { $0.cancel() }
  }

  // MARK: Limits

  /// Changes how many downloads of several pieces fetch at a time. Those that have begun are not stopped.
  package func limit(active: Int) {
    maxActive = active
    admit()
  }
}
