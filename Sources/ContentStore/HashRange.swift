// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Nodes of one layer of a content's tree, as `hashes` asks for them: a whole subtree's worth, so that the siblings
/// on the way to the root prove them.
package struct HashRange: Hashable, Sendable {
  package static let maximumLength = 512

  /// 0 for leaves.
  package let layer: Int
  /// Of the first node; a multiple of `length`.
  package let index: Int64
  /// A power of two, 1…512.
  package let length: Int
  private let rootLayer: Int

  /// `nil` where the length is no power of two up to 512, the index no multiple of it, or the nodes lie beyond the
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

  /// The leaves above the blocks of a piece, or of as much of it as one request can prove.
  /// - Parameter block: any block of the content; the range that holds it is aligned to its length.
  package static func leaves(around block: Int64, of content: Content) -> HashRange? {
    let length = min(Int64(maximumLength), content.geometry.paddedBlockCount)
    guard block >= 0, block < content.geometry.blockCount, length > 0 else { return nil }
    return HashRange(layer: 0, index: block / length * length, length: Int(length), of: content)
  }

  /// The layer of the one node that has all of these below it.
  var ancestorLayer: Int { layer + length.trailingZeroBitCount }
  var ancestorIndex: Int64 { index / Int64(length) }

  /// How many nodes follow those of the layer in an answer.
  package var siblingCount: Int { rootLayer - ancestorLayer }
  /// What the answer's `hashes` says: nodes and siblings.
  package var hashCount: Int { length + siblingCount }
  package var byteCount: Int { hashCount * MerkleTree.nodeLength }

  /// Where the siblings are, bottom up.
  var siblings: [(layer: Int, index: Int64)] {
    (0..<siblingCount).map { (ancestorLayer + $0, (ancestorIndex >> Int64($0)) ^ 1) }
  }

  /// Whether these are the nodes and siblings that the content's tree has there.
  /// - Parameter hashes: `byteCount` bytes as they came.
  package func verify(_ hashes: some Collection<UInt8>, against content: Content) -> Bool {
    guard hashes.count == byteCount, content.geometry.rootLayer == rootLayer else { return false }
    let split = length * MerkleTree.nodeLength
    var node = MerkleTree.root(of: Array(hashes.prefix(split)), layer: layer, height: ancestorLayer - layer)
    var rest = hashes.dropFirst(split)
    for (_, index) in siblings {
      let sibling = rest.prefix(MerkleTree.nodeLength)
      rest = rest.dropFirst(MerkleTree.nodeLength)
      // The sibling's index says which side it stands on.
      node = index & 1 == 1 ? node + sibling : sibling + node
      MerkleTree.reduce(&node, layer: 0)
    }
    return Digest(bytes: node) == content.root
  }
}
