// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import NIOCore
import Synchronization
package import WireProtocol

/// The unfinished downloads and the uploads in progress.
package final class TransferRegistry: Sendable {
  /// A peer on the other side of a transfer.
  package struct Source: Hashable, Sendable {
    package let peer: PeerID
    package let name: String
    package let host: String

    package init(peer: PeerID, name: String, host: String) {
      self.peer = peer
      self.name = name
      self.host = host
    }
  }

  /// What a download has moved so far.
  package struct Totals: Sendable {
    /// Bytes, wasted ones included.
    package var received: Int64 = 0
    package var sources: [Source: Int64] = [:]
    /// Why sources were dropped.
    package var faults: [Source: String] = [:]

    package init() {}

    package static func - (left: Totals, right: Totals) -> Totals {
      var difference = left
      difference.received -= right.received
      for (source, bytes) in right.sources { difference.sources[source, default: 0] -= bytes }
      difference.sources = difference.sources.filter { $0.value > 0 || difference.faults[$0.key] != nil }
      return difference
    }
  }

  let entries = Mutex<[Int64: TransferEntry]>([:])
  private let lastDownload = Atomic<Int64>(0)
  /// Uploads have numbers of their own, for downloads to have small ones.
  private let lastUpload = Atomic<Int64>(1_000_000)
  /// Those of parts are negative.
  private let lastPart = Atomic<Int64>(0)
  private let uploaded = Atomic<Int64>(0)
  private let downloaded = Atomic<Int64>(0)
  let now: @Sendable () -> NIODeadline

  package init(now: @escaping @Sendable () -> NIODeadline = { .now() }) {
    self.now = now
  }

  /// Numbers of downloads are above this one, which an earlier process used.
  package func beginDownloads(after id: Int64) {
    lastDownload.store(id, ordering: .relaxed)
  }

  /// A number for a download.
  package func newDownload() -> Int64 {
    lastDownload.wrappingAdd(1, ordering: .relaxed).newValue
  }

  /// Registers a download until its handle ends.
  /// - Parameters:
  ///   - id: `nil` for a new number.
  ///   - received: bytes that it has moved before.
  ///   - sources: those that it had before.
  package func download(
    _ key: DocumentKey, _ content: Content, to path: String, id: Int64? = nil, received: Int64 = 0,
    sources: [DownloadRecord.Source] = []
  ) -> TransferHandle {
    var transfer = RunningTransfer(
      id: id ?? newDownload(), direction: .download, key: key, content: content, path: path)
    transfer.received = received
    var entry = TransferEntry(transfer, content, at: now())
    entry.restore(sources)
    return begin(entry)
  }

  /// Registers a download of all documents below a prefix until its handle ends.
  package func prefix(_ record: PrefixRecord) -> TransferHandle {
    var transfer = RunningTransfer(
      id: record.id, direction: .download, key: nil, content: nil, path: record.path)
    transfer.prefix = record.prefix
    transfer.received = record.received
    var entry = TransferEntry(transfer, .empty, at: now())
    entry.count(documents: record.documents > 0 ? record.documents : nil, have: record.have, bytes: 0)
    return begin(entry)
  }

  /// Registers a download that has no row.
  /// - Parameter whole: the download for which counts what this one moves.
  func part(of whole: TransferHandle?, _ content: Content = .empty) -> TransferHandle {
    let id = lastPart.wrappingSubtract(1, ordering: .relaxed).newValue
    var entry = TransferEntry(
      RunningTransfer(id: id, direction: .download, key: nil, content: content), content, at: now())
    entry.isPart = true
    entries.withLock { $0[id] = entry }
    return TransferHandle(id: id, content: content, whole: whole, registry: self)
  }

  /// Registers an upload until its handle ends.
  package func upload(_ content: Content, to source: Source) -> TransferHandle {
    let id = lastUpload.wrappingAdd(1, ordering: .relaxed).newValue
    var entry = TransferEntry(
      RunningTransfer(id: id, direction: .upload, key: nil, content: content), content, at: now())
    entry.serves(source)
    return begin(entry)
  }

  private func begin(_ entry: TransferEntry) -> TransferHandle {
    let id = entry.transfer.id
    entries.withLock { $0[id] = entry }
    return TransferHandle(id: id, content: entry.content, registry: self)
  }

  // MARK: Looking

  /// All transfers, downloads first, oldest first, without uploads that have paused.
  package func snapshot() -> [RunningTransfer] {
    snapshot(limit: nil, maps: false).rows
  }

  /// - Parameters:
  ///   - limit: maximum number of rows: active ones come first then.
  ///   - maps: whether downloads show which pieces they have.
  package func snapshot(limit: Int?, maps: Bool) -> (rows: [RunningTransfer], counts: TransferCounts) {
    let now = now()
    // Rows are made without the lock, which event loops wait for.
    var running = entries.withLock { Array($0.values) }
    running.removeAll { $0.isPart || $0.isOver(at: now) }
    var counts = TransferCounts()
    for entry in running { entry.count(in: &counts, at: now) }
    // Entries are large, and their rank is looked up: numbers are sorted, not entries.
    let order = running.indices.map { index in
      (rank: limit == nil ? 0 : running[index].rank, id: running[index].transfer.id, index: index)
    }
    .sorted { ($0.rank, $0.id) < ($1.rank, $1.id) }
    return (order.prefix(limit ?? order.count).map { running[$0.index].row(at: now, hasMap: maps) }, counts)
  }

  /// The progress of a download; `nil` once it has ended.
  package func progress(of id: Int64) -> DownloadProgress? {
    let now = now()
    return entries.withLock { $0[id] }?.progress(at: now)
  }

  /// Bytes that were moved since the start of the process.
  package var movedBytes: (up: Int64, down: Int64) {
    (uploaded.load(ordering: .relaxed), downloaded.load(ordering: .relaxed))
  }

  func count(_ bytes: Int64, _ direction: RunningTransfer.Direction) {
    let bytes = min(bytes, Content.maximumSize)
    switch direction {
    case .upload: uploaded.wrappingAdd(bytes, ordering: .relaxed)
    case .download: downloaded.wrappingAdd(bytes, ordering: .relaxed)
    }
  }
}
