// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import Synchronization
package import WireProtocol

/// Downloads whose bytes go to a client instead of a file: no jobs, they end with their reader.
extension Downloads {
  /// Fetches into a temporary file and delivers what is verified, in order. Keeps and shares nothing. Cancelling the task
  /// ends it.
  /// - Parameter began: called with the number of the transfer, again if it begins again.
  package nonisolated func stream(
    _ request: DownloadRequest, began: @escaping @Sendable (Int64) -> Void,
    to deliver: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws(WireFailure) -> Download {
    let started = NIODeadline.now()
    let choice = try await preparation.choose(request)
    let stream = StreamDelivery(deliver)
    do throws(WireFailure) {
      return try await self.stream(request, choice, since: started, began, to: stream)
    } catch {
      // The file may have changed between the lookup and the request.
      guard stream.isOutdated, !stream.hasDelivered, request.content == nil,
        let again = await preparation.renewed(
          DownloadRecord(request, choice, path: "-", id: 0, created: Timestamp(seconds: 0)))
      else { throw error }
      return try await self.stream(request, again, since: started, began, to: stream)
    }
  }

  private nonisolated func stream(
    _ request: DownloadRequest, _ choice: SourceChoice, since started: NIODeadline,
    _ began: @Sendable (Int64) -> Void, to stream: StreamDelivery
  ) async throws(WireFailure) -> Download {
    let content = choice.content.content
    let quick = preparation.pools.quick
    let file = try await quick.store { [catalogue = preparation.ledger.catalogue] () throws(StoreError) in
      try PieceFile(temporary: DownloadTarget(temporaryOf: catalogue), content: content, catalogue: catalogue)
    }
    let transfer = transfers.download(request.key, content, to: "-")
    defer { transfer.end() }
    began(transfer.id)
    let (ticks, ticker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    async let fetched = outcome(of: file, choice, transfer, ticker)
    for await _ in ticks { try await stream.deliver(file, on: quick) }
    switch await fetched.end {
    case .complete: break
    case .noSource(let failures, let holders):
      if failures.hasChanges { stream.noteChange() }
      throw failures.noSource(of: request.key, holders: holders)
    case .wrongBytes(let failures): throw failures.wrongBytes(of: request.key)
    case .storage(let error): throw WireFailure(error)
    case .cancelled: throw WireFailure(.cancelled, "the download of \(request.key) was cancelled")
    }
    try await stream.deliver(file, on: quick)
    return Download(content: content, path: "-", moved: transfer.totals, since: started, job: nil)
  }

  private nonisolated func outcome(
    of file: PieceFile, _ choice: SourceChoice, _ transfer: TransferHandle, _ ticker: AsyncStream<Void>.Continuation
  ) async -> FetchOutcome {
    defer { ticker.finish() }
    return await work.fetch(file, choice, transfer, limiter) { ticker.yield() }
  }
}

/// Delivers the verified pieces at the start of a file, in order.
private final class StreamDelivery: Sendable {
  private static let length: Int64 = 256 * 1024

  private let receive: @Sendable ([UInt8]) async throws -> Void
  private let position = Atomic<Int64>(0)
  private let outdated = Atomic<Bool>(false)

  init(_ receive: @escaping @Sendable ([UInt8]) async throws -> Void) {
    self.receive = receive
  }

  var hasDelivered: Bool { position.load(ordering: .relaxed) > 0 }

  /// Whether a source no longer had what it announced.
  var isOutdated: Bool { outdated.load(ordering: .relaxed) }

  func noteChange() {
    outdated.store(true, ordering: .relaxed)
  }

  /// Delivers what has come. For one task at a time.
  func deliver(_ file: PieceFile, on pool: NIOThreadPool) async throws(WireFailure) {
    let (pieces, geometry) = (file.pieces, file.content.geometry)
    var start = position.load(ordering: .relaxed)
    while start < file.content.size, pieces.contains(Int(start / geometry.pieceLength)) {
      let length = Int(min(Self.length, file.content.size - start))
      let bytes = try await pool.store { [start] () throws(StoreError) in try file.read(length, at: start) }
      start += Int64(length)
      position.store(start, ordering: .relaxed)
      do { try await receive(bytes) } catch {
        throw (error as? WireFailure) ?? WireFailure(.cancelled, "\(error)")
      }
    }
  }
}
