// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import NIOCore
import Synchronization
package import WireProtocol

/// The downloads and uploads in progress.
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
    /// Bytes from the start that are verified.
    var verified: Int64 = 0
    var lastProgress: NIODeadline
  }

  /// An upload without requests for this long has ended: the other side took the rest elsewhere.
  fileprivate static let uploadPause = TimeAmount.seconds(5)
  /// Sources beyond this number are counted in the total only.
  fileprivate static let maxSources = 64

  fileprivate let entries = Mutex<[Int64: Entry]>([:])
  private let lastID = Atomic<Int64>(0)
  fileprivate let now: @Sendable () -> NIODeadline

  package init(now: @escaping @Sendable () -> NIODeadline = { .now() }) {
    self.now = now
  }

  /// Registers a download until its handle ends.
  package func download(_ key: DocumentKey, _ content: Content, to path: String) -> TransferHandle {
    begin(.download, key, content, path: path)
  }

  /// Registers an upload until its handle ends.
  package func upload(_ content: Content, to source: Source) -> TransferHandle {
    begin(.upload, nil, content, to: source)
  }

  private func begin(
    _ direction: RunningTransfer.Direction, _ key: DocumentKey?, _ content: Content, path: String? = nil,
    to source: Source? = nil
  ) -> TransferHandle {
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
    let now = now()
    let meter = RateMeter(start: now)
    var entry = Entry(
      transfer: RunningTransfer(id: id, direction: direction, key: key, content: content, path: path), meter: meter,
      lastProgress: now)
    if let source { entry.sources = [(source, 0, meter)] }
    entries.withLock { $0[id] = entry }
    return TransferHandle(id: id, content: content, registry: self)
  }

  /// All transfers, oldest first, without uploads that have paused.
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
      .init(name: source.name, id: source.peer, host: source.host, rate: meter.rate(at: now), bytes: bytes)
    }
    guard row.direction == .download else { return row }
    let geometry = row.content.geometry
    row.pieces = geometry.pieceCount
    row.have = verified >= row.content.size ? geometry.pieceCount : verified / geometry.pieceLength
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
  private let id: Int64
  private let registry: TransferRegistry

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
    registry.entries.withLock { $0[id] = nil }
  }
}
