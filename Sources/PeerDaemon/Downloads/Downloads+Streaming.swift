// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import NIOPosix
import Synchronization
package import WireProtocol

/// Downloads whose bytes go to clients instead of a file.
///
/// The pieces lie in an unfinished file beside the catalogue, which is never named. It is removed when the last reader has
/// everything; a reader that leaves pauses the download, and the next one gets what is there without fetching it again.
extension Downloads {
  private static let chunk: Int64 = 256 * 1024

  /// Delivers what is verified, in order. Cancelling the task leaves the download.
  /// - Parameters:
  ///   - began: called before anything is delivered.
  ///   - preparing: called with what is done before there is a download.
  package func stream(
    _ request: DownloadRequest, began: @escaping @Sendable (DownloadJob) async throws(WireFailure) -> Void = { _ in },
    preparing: @escaping @Sendable (DownloadProgress) -> Void = { _ in },
    to deliver: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws(WireFailure) -> Download {
    let started = NIODeadline.now()
    let (job, choice) = try await stream(request, since: started, preparing)
    let id = join(job, request, choice)
    let waiter = job.waiters[id]
    defer { forget(id, of: job) }
    do throws(WireFailure) {
      try await began(
        DownloadJob(
          job: job.id, waiter: id, path: job.record.path, received: waiter?.baseline.received ?? 0))
      try await read(job, id, from: request.offset, deliver)
    } catch {
      // One that was answered has left already, and the download waits.
      if waiter?.result == nil { leave(id, job.id) }
      await writes.finished()
      throw error.about(job.id)
    }
    carryOut(job.machine.delivered(id), job)
    let moved = (job.finalTotals ?? job.transfer.totals) - (waiter?.baseline ?? .init())
    return Download(content: job.content, path: job.record.path, moved: moved, since: started, job: job.id)
  }

  private func stream(
    _ request: DownloadRequest, since started: NIODeadline, _ preparing: @Sendable (DownloadProgress) -> Void
  ) async throws(WireFailure) -> (ActiveDownload, SourceChoice?) {
    if let rejoins = request.rejoins, request.offset > 0 {
      guard let job = jobs[rejoins.job], job.record.isStream, job.machine.canBeJoined else {
        throw WireFailure(
          .notFound, "download \(rejoins.job) is not there any more, so the rest of \(request.key) cannot follow")
      }
      try requireNetwork(of: job, home(of: request))
      return (job, nil)
    }
    guard case .job(let job, let choice) = try await enter(request, since: started, preparing) else {
      throw WireFailure(.internal, "a stream has no file")
    }
    return (job, choice)
  }

  private func read(
    _ job: ActiveDownload, _ id: Int64, from offset: Int64, _ deliver: @Sendable ([UInt8]) async throws -> Void
  ) async throws(WireFailure) {
    guard let waiter = job.waiters[id], let readers = job.readers else { return }
    let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    waiter.signal = signal
    readers.add(signal, of: id)
    defer { readers.remove(id) }
    signal.yield()
    var position = offset
    for await _ in signals {
      while waiter.result == nil, let (file, length) = available(job, at: position) {
        let bytes = try await preparation.pools.quick.store { [position] () throws(StoreError) in
          try file.read(length, at: position)
        }
        // The download may be for another content by now.
        guard file.content == job.content, waiter.result == nil else { break }
        job.machine.chooseContent()
        job.record.isContentChosen = true
        do { try await deliver(bytes) } catch {
          throw (error as? WireFailure) ?? WireFailure(.cancelled, "\(error)")
        }
        position += Int64(length)
      }
      if position >= job.content.size { return }
      // It may have been answered before there was anything to end.
      if waiter.result != nil { break }
    }
    if case .failure(let failure) = waiter.result { throw failure }
    throw WireFailure(.cancelled, "client disconnected")
  }

  /// Verified bytes that can be read at once.
  private func available(_ job: ActiveDownload, at position: Int64) -> (PieceFile, Int)? {
    guard let file = job.file, file.content == job.content, position < job.content.size else { return nil }
    let length = job.content.geometry.pieceLength
    let piece = position / length
    guard file.isProven(Int(piece)) else { return nil }
    return (file, Int(min(Self.chunk, (piece + 1) * length - position, job.content.size - position)))
  }
}

/// Wakes the readers of a stream. Safe from all threads.
final class ReaderSignals: Sendable {
  private let signals = Mutex<[Int64: AsyncStream<Void>.Continuation]>([:])

  func add(_ signal: AsyncStream<Void>.Continuation, of reader: Int64) {
    signals.withLock { $0[reader] = signal }
  }

  func remove(_ reader: Int64) {
    signals.withLock { $0[reader] = nil }
  }

  /// There may be more to read.
  func signal() {
    for signal in signals.withLock({ Array($0.values) }) { signal.yield() }
  }
}
