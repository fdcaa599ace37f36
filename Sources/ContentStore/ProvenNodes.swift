// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// The tree of a content from the layer of its units up to the root, without the nodes themselves.
///
/// A unit is the smaller of a piece and 512 leaves: the part for which a download keeps leaves.
struct UnitTree: Sendable {
  /// Consecutive nodes of one layer.
  struct Run: Sendable {
    let layer: Int
    let index: Int64
    /// 32 bytes for each node.
    let nodes: [UInt8]

    var count: Int { nodes.count / MerkleTree.nodeLength }
  }

  let content: Content
  let geometry: PieceGeometry
  let unitLayer: Int
  let unitCount: Int
  let groupCount: Int
  let rootLayer: Int
  /// Units of the padded tree: a power of two, 0 for empty content.
  let width: Int

  init(content: Content) {
    self.content = content
    geometry = content.geometry
    rootLayer = geometry.rootLayer
    let pieceLayer = (geometry.pieceLength / PieceGeometry.blockLength).trailingZeroBitCount
    unitLayer = min(pieceLayer, LayerFile.groupLayer, rootLayer)
    let length = Int64(1) << Int64(unitLayer)
    unitCount = Int((geometry.blockCount + length - 1) / length)
    width = Int(geometry.paddedBlockCount / length)
    groupCount = Int((geometry.blockCount + LayerFile.groupLength - 1) / LayerFile.groupLength)
  }

  /// Bytes of all nodes, stored by position.
  var byteCount: Int { 2 * width * MerkleTree.nodeLength }

  /// Where a node is stored, in nodes: node `index` of the layer with `n` nodes is at `n + index`, so the root is at 1 and
  /// the children of `p` are at `2p` and `2p + 1`. `nil` outside the tree and below the units.
  func position(layer: Int, index: Int64) -> Int? {
    guard layer >= unitLayer, layer <= rootLayer, unitCount > 0 else { return nil }
    let count = width >> (layer - unitLayer)
    guard index >= 0, index < Int64(count) else { return nil }
    return count + Int(index)
  }

  /// The blocks of a unit; empty outside the content.
  func blocks(of unit: Int) -> Range<Int64> {
    guard unit >= 0, unit < unitCount else { return 0..<0 }
    let first = Int64(unit) << Int64(unitLayer)
    return first..<min(first + 1 << Int64(unitLayer), geometry.blockCount)
  }

  /// The units with any of these blocks.
  func units(of blocks: Range<Int64>) -> Range<Int> {
    guard let last = blocks.last, blocks.lowerBound >= 0, last < geometry.blockCount else { return 0..<0 }
    return Int(blocks.lowerBound >> Int64(unitLayer))..<Int(last >> Int64(unitLayer)) + 1
  }

  /// Verifies the nodes of a range against the root.
  /// - Parameter hashes: the bytes of an answer.
  /// - Returns: the proven nodes of the units' layer and above; `nil` if they do not lead to the root.
  func prove(_ range: HashRange, _ hashes: [UInt8]) -> [Run]? {
    guard hashes.count == range.byteCount,
      HashRange(layer: range.layer, index: range.index, length: range.length, of: content) == range
    else { return nil }
    var runs = [Run]()
    let length = MerkleTree.nodeLength
    var (layer, index) = (range.layer, range.index)
    var current = Array(hashes[..<(range.length * length)])
    while true {
      if layer >= unitLayer { runs.append(Run(layer: layer, index: index, nodes: current)) }
      guard current.count > length else { break }
      MerkleTree.reduce(&current, layer: layer)
      layer += 1
      index /= 2
    }
    var rest = hashes[(range.length * length)...]
    for (layer, index) in range.siblings {
      let sibling = Array(rest.prefix(length))
      rest = rest.dropFirst(length)
      if layer >= unitLayer { runs.append(Run(layer: layer, index: index, nodes: sibling)) }
      // A sibling with an odd index is the right child.
      current = index & 1 == 1 ? current + sibling : sibling + current
      MerkleTree.reduce(&current, layer: layer)
      if layer + 1 >= unitLayer { runs.append(Run(layer: layer + 1, index: index / 2, nodes: current)) }
    }
    return Digest(bytes: current) == content.root ? runs : nil
  }
}

/// The proven nodes of a content's tree, from the layer of its units up to the root.
///
/// A node with content below it is known only with its sibling and all its ancestors, because a proof contains them.
/// Memory: 64 bytes for each unit, at most 1 MiB for a content of 100 GiB.
struct ProvenNodes: Sendable {
  private let tree: UnitTree
  private var nodes: [UInt8]
  private var known: PieceSet
  /// Nodes of layer 9 above content that are not known yet.
  private var missingGroups: Int

  /// Knows the root and the nodes without content below them.
  init(tree: UnitTree) {
    self.tree = tree
    nodes = [UInt8](repeating: 0, count: tree.byteCount)
    known = PieceSet(count: 2 * tree.width)
    missingGroups = tree.rootLayer > LayerFile.groupLayer ? tree.groupCount : 0
    guard tree.width > 0 else { return }
    nodes.replaceSubrange(MerkleTree.nodeLength..<2 * MerkleTree.nodeLength, with: tree.content.root.bytes)
    known.insert(1)
    for height in 0...tree.rootLayer - tree.unitLayer {
      let count = tree.width >> height
      let used = (tree.unitCount + 1 << height - 1) >> height
      let padding = MerkleTree.padding(tree.unitLayer + height)
      for position in count + used..<2 * count {
        nodes.replaceSubrange(
          position * MerkleTree.nodeLength..<(position + 1) * MerkleTree.nodeLength, with: padding)
        known.insert(position)
      }
    }
  }

  /// Whether every node of layer 9 is known; true for a tree without that layer.
  var knowsGroups: Bool { missingGroups == 0 }

  /// 32 bytes; `nil` if the node is not known.
  func node(layer: Int, index: Int64) -> ArraySlice<UInt8>? {
    guard let position = tree.position(layer: layer, index: index), known.contains(position) else { return nil }
    return nodes[position * MerkleTree.nodeLength..<(position + 1) * MerkleTree.nodeLength]
  }

  /// Consecutive nodes of a layer; `nil` if some are not known.
  func nodes(layer: Int, from index: Int64, count: Int) -> ArraySlice<UInt8>? {
    guard count > 0, let first = tree.position(layer: layer, index: index),
      tree.position(layer: layer, index: index + Int64(count - 1)) == first + count - 1,
      known.firstMissing(from: first) ?? known.count >= first + count
    else { return nil }
    return nodes[first * MerkleTree.nodeLength..<(first + count) * MerkleTree.nodeLength]
  }

  /// Whether all nodes of a run are known.
  func knows(_ run: UnitTree.Run) -> Bool { nodes(layer: run.layer, from: run.index, count: run.count) != nil }

  /// - Parameter runs: from `prove`.
  mutating func insert(_ runs: [UnitTree.Run]) {
    for run in runs {
      guard let first = tree.position(layer: run.layer, index: run.index), first + run.count <= 2 * tree.width else {
        continue
      }
      nodes.replaceSubrange(
        first * MerkleTree.nodeLength..<first * MerkleTree.nodeLength + run.nodes.count, with: run.nodes)
      for position in first..<first + run.count { learn(position) }
    }
  }

  /// Takes what an earlier process knew: each pair of nodes whose parent is known and has them as its children. Anything
  /// else in `stored` is ignored, so it may be damaged.
  /// - Parameter stored: nodes by position, `byteCount` bytes.
  mutating func restore(_ stored: [UInt8]) {
    guard stored.count == nodes.count, tree.width > 1 else { return }
    let length = MerkleTree.nodeLength
    for parent in 1..<tree.width where known.contains(parent) {
      let pair = parent * 2 * length..<(parent * 2 + 2) * length
      var children = Array(stored[pair])
      // Nodes that are known from the start are not stored.
      for child in [0, 1] where known.contains(parent * 2 + child) {
        let position = (parent * 2 + child) * length
        children.replaceSubrange(child * length..<(child + 1) * length, with: nodes[position..<position + length])
      }
      var node = children
      MerkleTree.reduce(&node, layer: 0)
      guard node.elementsEqual(nodes[parent * length..<(parent + 1) * length]) else { continue }
      nodes.replaceSubrange(pair, with: children)
      learn(parent * 2)
      learn(parent * 2 + 1)
    }
  }

  private mutating func learn(_ position: Int) {
    guard known.insert(position), missingGroups > 0 else { return }
    let groups = tree.width >> (LayerFile.groupLayer - tree.unitLayer)
    guard position >= groups, position < 2 * groups, position - groups < tree.groupCount else { return }
    missingGroups -= 1
  }
}
