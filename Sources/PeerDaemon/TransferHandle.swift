// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Synchronization
import WireProtocol

/// One transfer in progress. It ends with `end`, or when the handle is released. Called from any thread.
package final class TransferHandle: Sendable {
  /// What a download does apart from fetching.
  package enum Activity: String, Sendable {
    /// Reads what is there: a file at the target, or pieces of an earlier process.
    case checking
    /// Copies from another file of this machine.
    case copying
    /// Makes the whole file durable.
    case saving
  }

  package let content: Content
  package let id: Int64
  /// The download that this one is a part of.
  private let whole: TransferHandle?
  private let registry: TransferRegistry
  private let hasEnded = Atomic<Bool>(false)

  init(id: Int64, content: Content, whole: TransferHandle? = nil, registry: TransferRegistry) {
    self.id = id
    self.whole = whole
    self.content = content
    self.registry = registry
  }

  deinit { end() }

  /// Nothing happens once the transfer has ended.
  private func change(_ body: (inout TransferEntry) -> Void) {
    registry.entries.withLock { entries in
      // In place: a copy of the entry would copy its sources.
      guard let index = entries.index(forKey: id) else { return }
      body(&entries.values[index])
    }
  }

  // MARK: Progress

  /// Counts moved bytes.
  /// - Parameters:
  ///   - bytes: since the last call, not negative.
  ///   - source: of a download.
  package func progress(_ bytes: Int64, from source: TransferRegistry.Source? = nil) {
    let now = registry.now()
    let bytes = max(bytes, 0)
    change { entry in
      entry.add(bytes, from: source, at: now)
      if whole == nil { registry.count(bytes, entry.transfer.direction) }
    }
    whole?.progress(bytes, from: source)
  }

  /// Of a prefix.
  /// - Parameters:
  ///   - documents: `nil` while their number is unknown.
  ///   - have: those that are there, and their bytes.
  func counted(documents: Int64?, have: Int64, bytes: Int64) {
    change { $0.count(documents: documents, have: have, bytes: bytes) }
  }

  /// The download of a document of a prefix.
  func part(_ content: Content) -> TransferHandle { registry.part(of: self, content) }

  /// Of a download: everything before this offset is verified.
  package func verified(upTo offset: Int64) {
    change { $0.verify(upTo: offset) }
  }

  /// Of a download: what is verified, in any order.
  /// - Parameter bytes: of these pieces, or more if parts of others are verified.
  package func verified(pieces: Int64, bytes: Int64) {
    change { $0.verify(pieces: pieces, bytes: bytes) }
  }

  /// Of a download: what its file has.
  package func verified(_ pieces: PieceSet) {
    change { $0.verify(pieces) }
  }

  /// Of a download that has not begun in this process: what its file has.
  package func restored(_ pieces: PieceSet) {
    change { $0.restore(pieces) }
  }

  /// Of a download: these pieces are whole.
  package func completed(_ pieces: [Int]) {
    change { $0.complete(pieces) }
  }

  /// Of a download that goes on after a crash: an earlier process moved at least this much.
  package func moved(atLeast bytes: Int64) {
    change { $0.transfer.received = max($0.transfer.received, bytes) }
  }

  // MARK: State

  /// Of a download: its state as a word of the control plane, and why it waits or has failed.
  package func show(_ state: String, error: String?) {
    let now = registry.now()
    change { $0.show(state, error: error, at: now) }
  }

  /// Of a download: what it does apart from fetching; `nil` for nothing else.
  package func show(_ activity: Activity?) {
    change { $0.transfer.activity = activity?.rawValue }
  }

  /// Of a download.
  package func prioritize(_ priority: DownloadPriority) {
    change { $0.transfer.priority = priority }
  }

  /// Of a download: a source was dropped because it sent wrong bytes.
  package func dropped(_ source: TransferRegistry.Source, _ reason: String) {
    let now = registry.now()
    change { $0.drop(source, reason, at: now) }
    whole?.dropped(source, reason)
  }

  package var totals: TransferRegistry.Totals {
    registry.entries.withLock { $0[id]?.totals } ?? .init()
  }

  /// The sources of a download, as the catalogue keeps them.
  package var sources: [DownloadRecord.Source] {
    registry.entries.withLock { $0[id]?.records } ?? []
  }

  // MARK: Uploads

  /// Of an upload: the document that the content belongs to.
  package func name(_ key: DocumentKey) {
    change { $0.transfer.key = key }
  }

  /// Of an upload: the bytes of an answer begin or end. Meanwhile it does not end, however slow the other side is.
  package func sending(_ isSending: Bool) {
    let now = registry.now()
    change { $0.send(isSending, at: now) }
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
