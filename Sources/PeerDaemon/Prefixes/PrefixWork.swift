// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
import NIOCore
import NIOPosix
package import WireProtocol

/// One round of a download of a prefix: compares the documents with the files that are there, fetches what is missing and
/// shares it. Small documents are fetched, made durable and recorded many at a time; large ones as downloads of their own.
///
/// Memory: a page of the list, the bytes of a few batches, and the large documents that are fetched now.
struct PrefixWork: Sendable {
  let preparation: DownloadPreparation
  let work: DownloadWork
  let publication: Publication
  /// - Parameter transfer: that of the download, for the limit.
  let makeSources: @Sendable (_ transfer: TransferHandle) -> BatchSources

  enum Selection: Sendable {
    /// All documents below the prefix of the record.
    case prefix
    /// These, each with the name that `get` gives it. Those that cannot be fetched with others are fetched by `alone`.
    case keys([DocumentKey], from: String?, alone: @Sendable (PrefixFile) async -> PrefixDone)
  }

  struct Order: Sendable {
    var selection = Selection.prefix
    let record: PrefixRecord
    /// The documents that an earlier round has found: fewer mean that a holder is away.
    var expected: Int64 = 0
    /// Holders of small documents that are not asked in this round.
    var avoided: Set<HolderID> = []
    let transfer: TransferHandle
    /// A number for the download of a large document.
    let newNumber: @Sendable () -> Int64
    /// Called for each document, from any thread.
    let result: @Sendable (PrefixResult) -> Void
    /// Called as more documents are known or there.
    let progress: @Sendable (PrefixCounts) -> Void
  }

  struct Report: Sendable {
    var counts = PrefixCounts()
    /// The first of the most serious kind, except those below.
    var failure: WireFailure?
    /// The first failure of the disk.
    var storage: WireFailure?
    /// The first document without a source.
    var noSource: WireFailure?
    var outcome = DownloadMachine.Outcome.stopped
    /// Holders that the next round should leave out.
    var avoided: Set<HolderID> = []
  }

  /// - Returns: never fails: what went wrong is in the report.
  func run(_ order: Order) async -> Report {
    let directory: TargetDirectory
    do throws(WireFailure) {
      directory = try await preparation.pools.quick.store {
        [places = preparation.ledger.places] () throws(StoreError) in
        try TargetDirectory(path: order.record.path, places: places.current(), mask: order.record.mask)
      }
    } catch {
      return Report(outcome: error.code == .cancelled ? .stopped : .storage(error))
    }
    let sources = makeSources(order.transfer)
    await sources.avoid(order.avoided)
    let fetcher = PrefixFetcher(work: self, order: order, directory: directory, sources: sources)
    var round = PrefixRound(work: self, order: order, fetcher: fetcher)
    var report = await round.run()
    report.avoided = await sources.avoidedNext
    await sources.close()
    work.limiter.forget(ObjectIdentifier(order.transfer))
    return report
  }
}

/// The result of one document of a prefix.
package struct PrefixResult: Sendable {
  package enum Outcome: Sendable {
    case present(path: String)
    case fetched(path: String, sources: [Download.Source], received: Int64, seconds: Double)
    case failed(WireFailure)
  }

  package let key: DocumentKey
  package let content: Content?
  package let outcome: Outcome
}

/// How far a download of a prefix is.
package struct PrefixCounts: Equatable, Sendable {
  /// Documents of the list so far.
  package var documents: Int64 = 0
  /// All of them; `nil` while that is unknown.
  package var total: Int64?
  package var present: Int64 = 0
  package var fetched: Int64 = 0
  package var failed: Int64 = 0
  /// Of the documents that are there.
  package var bytes: Int64 = 0

  package init() {}

  package var have: Int64 { present + fetched }
}
