// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Synchronization

/// Collects the leaves of a file that is being hashed or fetched, in any order.
///
/// Safe to use from several threads if they write different leaves.
package final class LayerDraft: Sendable {
  package let size: Int64
  /// The leaves of a small content; empty if there is a file.
  private let memory: Mutex<[UInt8]>
  private let file: LayerFile?

  init(size: Int64, store: LayerStore) throws(StoreError) {
    self.size = size
    let count = PieceGeometry(size: size).blockCount
    if count <= LeafLayer.maxLeavesInMemory {
      memory = Mutex([UInt8](repeating: 0, count: Int(count) * MerkleTree.nodeLength))
      file = nil
    } else {
      memory = Mutex([])
      file = try store.createFile()
    }
  }

  /// The draft of a download that outlives the process, whatever its size.
  init(size: Int64, file: LayerFile) {
    self.size = size
    memory = Mutex([])
    self.file = file
  }

  /// Stores leaves, beginning with that of block `first`.
  /// - Throws: `.invalidRange`; the errors of writing a file.
  package func put(_ leaves: [UInt8], from first: Int64) throws(StoreError) {
    let count = PieceGeometry(size: size).blockCount
    guard first >= 0, leaves.count % MerkleTree.nodeLength == 0,
      first <= count - Int64(leaves.count / MerkleTree.nodeLength)
    else { throw StoreError(.invalidRange, "leaves", "lie outside the content") }
    if let file { return try file.write(leaves, at: first * Int64(MerkleTree.nodeLength)) }
    let start = Int(first) * MerkleTree.nodeLength
    memory.withLock { $0.replaceSubrange(start..<start + leaves.count, with: leaves) }
  }

  /// The leaves of some blocks; zeros for those that were not stored.
  /// - Throws: `.invalidRange`; the errors of reading a file.
  package func leaves(from first: Int64, count: Int) throws(StoreError) -> [UInt8] {
    let blocks = PieceGeometry(size: size).blockCount
    guard first >= 0, count >= 0, first <= blocks - Int64(count) else {
      throw StoreError(.invalidRange, "leaves", "lie outside the content")
    }
    let length = count * MerkleTree.nodeLength
    if let file { return try file.read(length, at: first * Int64(MerkleTree.nodeLength), holeAllowed: true) }
    let start = Int(first) * MerkleTree.nodeLength
    return memory.withLock { Array($0[start..<start + length]) }
  }

  /// Computes the root. Do not change the draft afterwards.
  package func finish() throws(StoreError) -> LeafLayer {
    let geometry = PieceGeometry(size: size)
    guard geometry.blockCount > 0 else { return LeafLayer(content: .empty, storage: .implied) }
    if let file, geometry.blockCount > LeafLayer.maxLeavesInMemory {
      let root = try file.finish(leafCount: geometry.blockCount, rootLayer: geometry.rootLayer)
      guard let content = Digest(bytes: root).flatMap({ Content(root: $0, size: size) }) else { throw Self.noContent }
      return LeafLayer(content: content, storage: .file(file))
    }
    let leaves = try leaves(from: 0, count: Int(geometry.blockCount))
    guard let content = MerkleTree.content(leaves: leaves, size: size) else { throw Self.noContent }
    return LeafLayer(content: content, storage: geometry.blockCount == 1 ? .implied : .memory(leaves))
  }

  private static let noContent = StoreError(.invalidRange, "leaves", "have no root")
}

/// All leaves of a content, proven to have its root. Small layers are in memory, large ones in a file that is removed
/// with the last reference unless the catalogue keeps it.
package struct LeafLayer: Sendable {
  enum Storage: Sendable {
    /// At most one block: the root is its leaf.
    case implied
    case memory([UInt8])
    case file(LayerFile)
  }

  package let content: Content
  let storage: Storage

  /// A layer of up to 1,024 leaves (16 MiB of content) is held in memory and stored in the database, where a batch of
  /// small files costs one flush. A larger one gets a file.
  static let maxLeavesInMemory: Int64 = 1024
}
