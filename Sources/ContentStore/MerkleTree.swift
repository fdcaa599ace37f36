// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The hash tree of BEP 52: leaves are the SHA-256 of 16 KiB blocks, the last of which may be short; a node is the
/// SHA-256 of its two children; leaves missing to the next power of two are 32 zero bytes.
///
/// A layer is a byte array of 32 bytes for each node above content. Nodes beyond them are padding.
package enum MerkleTree {
  package static let nodeLength = Digest.byteCount

  /// Roots of subtrees without content, by height; 0 is a missing leaf.
  private static let paddings: [[UInt8]] = {
    var nodes = [[UInt8](repeating: 0, count: nodeLength)]
    for height in 0..<Int64.bitWidth {
      var node = [UInt8](repeating: 0, count: nodeLength)
      let pair = nodes[height] + nodes[height]
      pair.withUnsafeBytes { pair in
        node.withUnsafeMutableBytes { SHA256Hashing.hash(pair, into: $0) }
      }
      nodes.append(node)
    }
    return nodes
  }()

  /// A node without content below it. Layer 0 is the leaves.
  static func padding(_ layer: Int) -> [UInt8] { paddings[min(max(layer, 0), paddings.count - 1)] }

  /// Appends the leaf of each block of `bytes`; the last block may be short.
  package static func appendLeaves(of bytes: UnsafeRawBufferPointer, to leaves: inout [UInt8]) {
    let blockLength = Int(PieceGeometry.blockLength)
    withUnsafeTemporaryAllocation(byteCount: 2 * nodeLength, alignment: 8) { pair in
      let single = UnsafeMutableRawBufferPointer(rebasing: pair[..<nodeLength])
      var rest = bytes[...]
      while !rest.isEmpty {
        let first = UnsafeRawBufferPointer(rebasing: rest.prefix(blockLength))
        rest = rest.dropFirst(blockLength)
        if rest.count >= blockLength {
          let second = UnsafeRawBufferPointer(rebasing: rest.prefix(blockLength))
          rest = rest.dropFirst(blockLength)
          SHA256Hashing.hash(first, second, into: pair)
          leaves.append(contentsOf: pair)
        } else {
          SHA256Hashing.hash(first, into: single)
          leaves.append(contentsOf: single)
        }
      }
    }
  }

  /// Replaces the nodes of a layer by their parents. A missing right sibling is padding.
  static func reduce(_ nodes: inout [UInt8], layer: Int) {
    let count = nodes.count / nodeLength
    if count % 2 == 1 { nodes.append(contentsOf: padding(layer)) }
    let parents = (count + 1) / 2
    nodes.withUnsafeMutableBytes { nodes in
      for index in 0..<parents {
        // In place: parent i overwrites bytes of nodes that were already read, 2i and 2i + 1 or before.
        SHA256Hashing.hash(
          UnsafeRawBufferPointer(rebasing: nodes[index * 2 * nodeLength..<(index + 1) * 2 * nodeLength]),
          into: UnsafeMutableRawBufferPointer(rebasing: nodes[index * nodeLength..<(index + 1) * nodeLength]))
      }
    }
    nodes.removeLast(nodes.count - parents * nodeLength)
  }

  /// The root of the subtree of `height` layers above the nodes of `layer`.
  static func root(of nodes: [UInt8], layer: Int = 0, height: Int) -> [UInt8] {
    guard !nodes.isEmpty else { return padding(layer + height) }
    var nodes = nodes
    for layer in layer..<layer + max(height, 0) { reduce(&nodes, layer: layer) }
    return nodes
  }

  /// The content that has these leaves. `nil` if their number does not fit the size.
  package static func content(leaves: [UInt8], size: Int64) -> Content? {
    let geometry = PieceGeometry(size: size)
    guard leaves.count % nodeLength == 0, Int64(leaves.count / nodeLength) == geometry.blockCount else { return nil }
    guard size > 0 else { return size == 0 ? .empty : nil }
    guard let root = Digest(bytes: root(of: leaves, height: geometry.rootLayer)) else { return nil }
    return Content(root: root, size: size)
  }
}
