// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Synchronization
import WireProtocol

/// Downloads whose bytes go to a client instead of a file.
extension Downloader {
  /// Bytes that are read and delivered at a time.
  private static let deliveryLength: Int64 = 256 * 1024

  /// Fetches into a temporary file and delivers what is verified, in order. Keeps and shares nothing.
  /// - Returns: bytes received from each source.
  func stream(
    _ choice: SourceChoice, _ key: DocumentKey, _ news: SourceNews,
    _ progress: @escaping @Sendable (DownloadProgress) -> Void,
    to deliver: @Sendable ([UInt8]) async throws -> Void
  ) async throws(WireFailure) -> [Holder: Int64] {
    let content = choice.content.content
    let fetch = try await blocking { [catalogue = ledger.catalogue] () throws(StoreError) in
      try Fetch(content: content, target: DownloadTarget(temporaryOf: catalogue), catalogue: catalogue)
    }
    let (ticks, ticker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    async let fetched = outcome(of: fetch, choice, key, news, ticker, progress)
    var position: Int64 = 0
    do throws(WireFailure) {
      for await _ in ticks {
        try await self.deliver(fetch, from: &position, to: fetch.verified, news, deliver)
      }
      let sources = try await fetched.get()
      try await self.deliver(fetch, from: &position, to: content.size, news, deliver)
      _ = try? await blocking { fetch.discard() }
      return sources
    } catch {
      _ = try? await blocking { fetch.discard() }
      throw error
    }
  }

  private func outcome(
    of fetch: Fetch, _ choice: SourceChoice, _ key: DocumentKey, _ news: SourceNews,
    _ ticker: AsyncStream<Void>.Continuation, _ progress: @escaping @Sendable (DownloadProgress) -> Void
  ) async -> Result<[Holder: Int64], WireFailure> {
    defer { ticker.finish() }
    do throws(WireFailure) {
      return .success(
        try await fetchAll(fetch, choice, key, news) {
          ticker.yield()
          progress($0)
        })
    } catch {
      return .failure(error)
    }
  }

  private func deliver(
    _ fetch: Fetch, from position: inout Int64, to end: Int64, _ news: SourceNews,
    _ deliver: @Sendable ([UInt8]) async throws -> Void
  ) async throws(WireFailure) {
    while position < end {
      let (start, length) = (position, Int(min(end - position, Self.deliveryLength)))
      let bytes = try await blocking { () throws(StoreError) in try fetch.file.read(length, at: start) }
      news.noteDelivery()
      do { try await deliver(bytes) } catch {
        throw (error as? WireFailure) ?? WireFailure(.cancelled, "\(error)")
      }
      position += Int64(length)
    }
  }
}

/// Whether a source of a failed download no longer had what it announced.
final class SourceNews: Sendable {
  private let outdated = Atomic<Bool>(false)
  private let delivered = Atomic<Bool>(false)

  var isOutdated: Bool { outdated.load(ordering: .relaxed) }
  /// Whether bytes of the content went to a stream.
  var hasDelivered: Bool { delivered.load(ordering: .relaxed) }

  func note(_ failures: SourceFailures) {
    if failures.hasChanges { outdated.store(true, ordering: .relaxed) }
  }

  func noteDelivery() {
    delivered.store(true, ordering: .relaxed)
  }
}
