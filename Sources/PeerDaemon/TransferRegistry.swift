// SPDX-License-Identifier: Apache-2.0

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

  fileprivate struct Entry {
    var transfer: RunningTransfer
    var meter: RateMeter
    var sources: [(source: Source, bytes: Int64, meter: RateMeter)] = []
    /// Verified bytes.
    var verified: Int64 = 0
    /// Verified pieces; `nil` if the verified bytes are those at the start.
    var pieces: Int64?
    /// Why sources were dropped.
    var faults: [Source: String] = [:]
    var lastProgress: NIODeadline
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

  /// An upload without requests for this long has ended: the other side took the rest elsewhere.
  fileprivate static let uploadPause = TimeAmount.seconds(5)
  /// Sources beyond this number are counted in the total only.
  fileprivate static let maxSources = 64

  fileprivate let entries = Mutex<[Int64: Entry]>([:])
  private let lastDownload = Atomic<Int64>(0)
  /// Uploads have numbers of their own, for downloads to have small ones.
  private let lastUpload = Atomic<Int64>(1_000_000)
  fileprivate let now: @Sendable () -> NIODeadline

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
  package func download(
    _ key: DocumentKey, _ content: Content, to path: String, id: Int64? = nil, received: Int64 = 0
  ) -> TransferHandle {
    begin(.download, id ?? newDownload(), key, content, path: path, received: received)
  }

  /// Registers an upload until its handle ends.
  package func upload(_ content: Content, to source: Source) -> TransferHandle {
    begin(.upload, lastUpload.wrappingAdd(1, ordering: .relaxed).newValue, nil, content, to: source)
  }

  private func begin(
    _ direction: RunningTransfer.Direction, _ id: Int64, _ key: DocumentKey?, _ content: Content,
    path: String? = nil, received: Int64 = 0, to source: Source? = nil
  ) -> TransferHandle {
    let now = now()
    let meter = RateMeter(start: now)
    var entry = Entry(
      transfer: RunningTransfer(
        id: id, direction: direction, key: key, content: content, received: received, path: path),
      meter: meter,
      lastProgress: now)
    if let source { entry.sources = [(source, 0, meter)] }
    entries.withLock { $0[id] = entry }
    return TransferHandle(id: id, content: content, registry: self)
  }

  /// All transfers, downloads first, oldest first, without uploads that have paused.
  package func snapshot() -> [RunningTransfer] {
    let now = now()
    let running = entries.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    return running.filter { !$0.isOver(at: now) }.map { $0.row(at: now) }
  }
}

extension TransferRegistry.Entry {
  func isOver(at now: NIODeadline) -> Bool {
    transfer.direction == .upload && now - lastProgress >= TransferRegistry.uploadPause
  }

  func row(at now: NIODeadline) -> RunningTransfer {
    var row = transfer
    row.rate = meter.rate(at: now)
    row.sources = sources.map { source, bytes, meter in
      .init(
        name: source.name, id: source.peer, host: source.host, rate: meter.rate(at: now), bytes: bytes,
        error: faults[source])
    }
    guard row.direction == .download else { return row }
    let geometry = row.content.geometry
    row.pieces = geometry.pieceCount
    row.have = verified >= row.content.size ? geometry.pieceCount : pieces ?? verified / geometry.pieceLength
    guard row.state == "active" else { return row }
    if row.rate > 0 { row.eta = (row.content.size - verified) / row.rate }
    return row
  }

  mutating func add(_ bytes: Int64, from source: TransferRegistry.Source?, at now: NIODeadline) {
    lastProgress = now
    transfer.received = min(
      transfer.received.addingReportingOverflow(bytes).partialValue & .max, Content.maximumSize)
    meter.add(bytes, at: now)
    guard let source else {
      if sources.count == 1 { sources[0].bytes = transfer.received; sources[0].meter.add(bytes, at: now) }
      return
    }
    if let known = sources.firstIndex(where: { $0.source == source }) {
      sources[known].bytes = min(
        sources[known].bytes.addingReportingOverflow(bytes).partialValue & .max, Content.maximumSize)
      sources[known].meter.add(bytes, at: now)
    } else if sources.count < TransferRegistry.maxSources {
      var meter = RateMeter(start: now)
      meter.add(bytes, at: now)
      sources.append((source, min(bytes, Content.maximumSize), meter))
    }
  }
}

/// One transfer in progress. It ends with `end`, or when the handle is released.
package final class TransferHandle: Sendable {
  package let content: Content
  package let id: Int64
  private let registry: TransferRegistry
  private let hasEnded = Atomic<Bool>(false)

  fileprivate init(id: Int64, content: Content, registry: TransferRegistry) {
    self.id = id
    self.content = content
    self.registry = registry
  }

  deinit { end() }

  /// Counts moved bytes.
  /// - Parameters:
  ///   - bytes: since the last call, not negative.
  ///   - source: of a download.
  package func progress(_ bytes: Int64, from source: TransferRegistry.Source? = nil) {
    let now = registry.now()
    registry.entries.withLock { entries in
      guard entries[id] != nil else { return }
      entries[id]?.add(max(bytes, 0), from: source, at: now)
    }
  }

  /// Of a download: everything before this offset is verified.
  package func verified(upTo offset: Int64) {
    registry.entries.withLock { entries in
      guard let known = entries[id]?.verified else { return }
      entries[id]?.verified = max(known, offset)
    }
  }

  /// Of a download: what is verified, in any order.
  /// - Parameter bytes: of these pieces, or more if parts of others are verified.
  package func verified(pieces: Int64, bytes: Int64) {
    registry.entries.withLock { entries in
      guard entries[id] != nil else { return }
      entries[id]?.pieces = pieces
      entries[id]?.verified = bytes
    }
  }

  /// Of a download that goes on after a crash: an earlier process moved at least this much.
  package func moved(atLeast bytes: Int64) {
    registry.entries.withLock { entries in
      guard let known = entries[id]?.transfer.received else { return }
      entries[id]?.transfer.received = max(known, bytes)
    }
  }

  /// Of a download: its state as a word of the control plane, and why it waits or has failed.
  package func show(_ state: String, error: String?) {
    registry.entries.withLock { entries in
      guard entries[id] != nil else { return }
      entries[id]?.transfer.state = state
      entries[id]?.transfer.error = error
    }
  }

  /// Of a download: a source was dropped because it sent wrong bytes.
  package func dropped(_ source: TransferRegistry.Source, _ reason: String) {
    let now = registry.now()
    registry.entries.withLock { entries in
      guard entries[id] != nil else { return }
      entries[id]?.add(0, from: source, at: now)
      // Beyond the maximum they are not shown.
      guard entries[id]?.sources.contains(where: { $0.source == source }) == true else { return }
      entries[id]?.faults[source] = reason
    }
  }

  package var totals: TransferRegistry.Totals {
    registry.entries.withLock { entries in
      var totals = TransferRegistry.Totals()
      guard let entry = entries[id] else { return totals }
      totals.received = entry.transfer.received
      totals.sources = Dictionary(entry.sources.map { ($0.source, $0.bytes) }, uniquingKeysWith: +)
      totals.faults = entry.faults
      return totals
    }
  }

  /// Of an upload: the document that the content belongs to.
  package func name(_ key: DocumentKey) {
    registry.entries.withLock { entries in
      guard entries[id] != nil else { return }
      entries[id]?.transfer.key = key
    }
  }

  /// Whether an upload may send this many more bytes: not beyond the size of the content, and not after a pause.
  package func continues(with length: Int64) -> Bool {
    let now = registry.now()
    return registry.entries.withLock { entries in
      guard let entry = entries[id], !entry.isOver(at: now) else { return false }
      return length <= content.size - entry.transfer.received
    }
  }

  package func end() {
    // A later handle may have the same number.
    guard !hasEnded.exchange(true, ordering: .relaxed) else { return }
    registry.entries.withLock { $0[id] = nil }
  }
}
