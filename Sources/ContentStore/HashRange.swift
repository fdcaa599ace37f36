// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A range of nodes in one layer of a content's tree, as `hashes` requests it. It spans a whole subtree, so the siblings on
/// the path to the root prove it.
package struct HashRange: Hashable, Sendable {
  package static let maximumLength = 512

  /// 0 for leaves.
  package let layer: Int
  /// Index of the first node; a multiple of `length`.
  package let index: Int64
  /// A power of two, 1…512.
  package let length: Int
  private let rootLayer: Int

  /// `nil` if the length is not a power of two up to 512, the index is not a multiple of it, or the nodes lie outside the
  /// padded layer. Empty content has no nodes.
  package init?(layer: Int, index: Int64, length: Int, of content: Content) {
    let geometry = content.geometry
    guard (1...Self.maximumLength).contains(length), length & (length - 1) == 0,
      layer >= 0, layer <= geometry.rootLayer, geometry.blockCount > 0
    else { return nil }
    let width = geometry.paddedBlockCount >> Int64(layer)
    guard index >= 0, index % Int64(length) == 0, index <= width - Int64(length) else { return nil }
    self.layer = layer
    self.index = index
    self.length = length
    rootLayer = geometry.rootLayer
  }

  /// The longest range of leaves that contains a block and that one request can prove.
  package static func leaves(around block: Int64, of content: Content) -> HashRange? {
    guard block >= 0, block < content.geometry.blockCount else { return nil }
    let length = Int64(maximumLength)
    return leaves(from: block / length * length, count: length, of: content)
  }

  /// A power of two of leaves, fewer if the tree is smaller.
  package static func leaves(from index: Int64, count: Int64, of content: Content) -> HashRange? {
    let length = min(count, content.geometry.paddedBlockCount)
    guard length > 0, length <= maximumLength else { return nil }
    return HashRange(layer: 0, index: index, length: Int(length), of: content)
  }

  /// The nodes of layer 9, each above 512 leaves; empty for a content with fewer.
  package static func groups(of content: Content) -> [HashRange] {
    let leaves = content.geometry.blockCount
    guard leaves > LayerFile.groupLength else { return [] }
    let length = min(Int64(maximumLength), content.geometry.paddedBlockCount / LayerFile.groupLength)
    return stride(from: 0, to: (leaves - 1) / LayerFile.groupLength + 1, by: Int(length)).compactMap {
      HashRange(layer: LayerFile.groupLayer, index: $0, length: Int(length), of: content)
    }
  }

  /// Layer of the lowest common ancestor.
  var ancestorLayer: Int { layer + length.trailingZeroBitCount }
  var ancestorIndex: Int64 { index / Int64(length) }

  /// Number of siblings in an answer.
  package var siblingCount: Int { rootLayer - ancestorLayer }
  /// Number of nodes and siblings in an answer.
  package var hashCount: Int { length + siblingCount }
  package var byteCount: Int { hashCount * MerkleTree.nodeLength }

  /// Whether an answer takes the leaves of more than one group of 512.
  package var spansGroups: Bool { layer < LayerFile.groupLayer && ancestorLayer > LayerFile.groupLayer }

  /// Number of nodes that an answer of a large content reads and hashes: at most 16 for each node of the range, but one
  /// group of 512 at least.
  package var workCount: Int64 {
    guard layer < LayerFile.groupLayer else { return 0 }
    let groups: Int64 = 1 << Int64(max(ancestorLayer - LayerFile.groupLayer, 0))
    return groups * LayerFile.groupLength >> (layer >= LayerFile.middleLayer ? Int64(LayerFile.middleLayer) : 0)
  }

  /// Positions of the siblings, bottom up.
  var siblings: [(layer: Int, index: Int64)] {
    (0..<siblingCount).map { (ancestorLayer + $0, (ancestorIndex >> Int64($0)) ^ 1) }
  }

  /// Whether these are the nodes of the content's tree and their siblings.
  /// - Parameter hashes: the bytes of an answer.
  package func verify(_ hashes: some Collection<UInt8>, against content: Content) -> Bool {
    guard hashes.count == byteCount, content.geometry.rootLayer == rootLayer else { return false }
    let split = length * MerkleTree.nodeLength
    var node = MerkleTree.root(of: Array(hashes.prefix(split)), layer: layer, height: ancestorLayer - layer)
    var rest = hashes.dropFirst(split)
    for (_, index) in siblings {
      let sibling = rest.prefix(MerkleTree.nodeLength)
      rest = rest.dropFirst(MerkleTree.nodeLength)
      // A sibling with an odd index is the right child.
      node = index & 1 == 1 ? node + sibling : sibling + node
      MerkleTree.reduce(&node, layer: 0)
    }
    return Digest(bytes: node) == content.root
  }
}
