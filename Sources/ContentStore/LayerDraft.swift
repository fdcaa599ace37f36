// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Leaves in the making, in any order: of a file that is being hashed, or of one that is being fetched.
///
/// May be used from several threads at once as long as they do not write the same leaves.
package final class LayerDraft: Sendable {
  package let size: Int64
  private let storage: Storage

  private enum Storage: Sendable {
    case memory(Locked<[UInt8]>)
    case file(LayerFile)
  }

  init(size: Int64, store: LayerStore) throws(StoreError) {
    self.size = size
    let count = PieceGeometry(size: size).blockCount
    if count <= LeafLayer.maxLeavesInMemory {
      storage = .memory(Locked([UInt8](repeating: 0, count: Int(count) * MerkleTree.nodeLength)))
    } else {
      storage = .file(try store.createFile())
    }
  }

  /// Takes leaves from the block `first` on.
  package func put(_ leaves: [UInt8], from first: Int64) throws(StoreError) {
    let count = PieceGeometry(size: size).blockCount
    guard first >= 0, leaves.count % MerkleTree.nodeLength == 0,
      first <= count - Int64(leaves.count / MerkleTree.nodeLength)
    else { throw StoreError(.invalidRange, "leaves", "lie outside the content") }
    switch storage {
    case .memory(let bytes):
      let start = Int(first) * MerkleTree.nodeLength
      bytes.withLock { $0.replaceSubrange(start..<start + leaves.count, with: leaves) }
    case .file(let file):
      try file.write(leaves, at: first * Int64(MerkleTree.nodeLength))
    }
  }

  /// The leaves of some blocks, as they were put; zeros where none were.
  package func leaves(from first: Int64, count: Int) throws(StoreError) -> [UInt8] {
    let blocks = PieceGeometry(size: size).blockCount
    guard first >= 0, count >= 0, first <= blocks - Int64(count) else {
      throw StoreError(.invalidRange, "leaves", "lie outside the content")
    }
    let length = count * MerkleTree.nodeLength
    switch storage {
    case .memory(let bytes):
      let start = Int(first) * MerkleTree.nodeLength
      return bytes.withLock { Array($0[start..<start + length]) }
    case .file(let file):
      return try file.read(length, at: first * Int64(MerkleTree.nodeLength), holeAllowed: true)
    }
  }

  /// Computes the root of what was put. The draft is not to be changed afterwards.
  package func finish() throws(StoreError) -> LeafLayer {
    let geometry = PieceGeometry(size: size)
    guard geometry.blockCount > 0 else { return LeafLayer(content: .empty, storage: .implied) }
    switch storage {
    case .memory(let bytes):
      let leaves = bytes.withLock { $0 }
      guard let content = MerkleTree.content(leaves: leaves, size: size) else { throw Self.noContent }
      return LeafLayer(content: content, storage: geometry.blockCount == 1 ? .implied : .memory(leaves))
    case .file(let file):
      let root = try file.finish(leafCount: geometry.blockCount, rootLayer: geometry.rootLayer)
      guard let content = Digest(bytes: root).flatMap({ Content(root: $0, size: size) }) else { throw Self.noContent }
      return LeafLayer(content: content, storage: .file(file))
    }
  }

  private static let noContent = StoreError(.invalidRange, "leaves", "have no root")
}
