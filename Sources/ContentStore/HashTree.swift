// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The tree of one content, for answering `hashes`: the upper layers in memory (64 bytes per 8 MiB of content), the
/// leaves in memory or on disk. Every answer leads to the content's root.
package final class HashTree: Sendable {
  package let content: Content
  private let upper: NodeLayers
  /// `nil` if `upper` begins with the leaves.
  private let file: LayerFile?
  private let recent: GroupCache?

  /// Bytes in memory, without the leaves on disk.
  package var memory: Int { upper.byteCount }

  /// From all leaves in memory. `nil` if they are not the content's.
  init?(content: Content, leaves: [UInt8]) {
    guard MerkleTree.content(leaves: leaves, size: content.size) == content else { return nil }
    self.content = content
    upper = NodeLayers(base: 0, nodes: leaves, top: content.geometry.rootLayer)
    file = nil
    recent = nil
  }

  /// From a file of leaves. `nil` if its upper layers do not lead to the content's root.
  /// - Parameter recent: keeps the upper layers of groups that were used.
  init?(content: Content, file: LayerFile, recent: GroupCache? = nil) throws(StoreError) {
    self.recent = recent
    let leaves = content.geometry.blockCount
    let groups = LayerFile.nodes(above: leaves, each: LayerFile.groupLength)
    let nodes = try file.read(Int(groups) * MerkleTree.nodeLength, at: leaves * Int64(MerkleTree.nodeLength))
    upper = NodeLayers(base: LayerFile.groupLayer, nodes: nodes, top: content.geometry.rootLayer)
    self.content = content
    self.file = file
    var root = [UInt8]()
    upper.append(layer: content.geometry.rootLayer, index: 0, to: &root)
    guard Digest(bytes: root) == content.root else { return nil }
  }

  /// The nodes of a range and the siblings that prove them: `range.byteCount` bytes. Reads and hashes at most
  /// `range.workCount` nodes.
  /// - Throws: `.damagedLayer` if the file on disk does not lead to the root; `.invalidRange` for a range of another
  ///   content.
  package func hashes(_ range: HashRange) throws(StoreError) -> [UInt8] {
    guard HashRange(layer: range.layer, index: range.index, length: range.length, of: content) == range else {
      throw StoreError(.invalidRange, "hashes", "lie outside the tree of \(content)")
    }
    var hashes = [UInt8]()
    hashes.reserveCapacity(range.byteCount)
    var lowest: NodeLayers?
    if range.layer >= upper.base {
      upper.append(layer: range.layer, from: range.index, count: range.length, to: &hashes)
    } else {
      lowest = try appendBelowGroups(range, to: &hashes)
    }
    for (layer, index) in range.siblings {
      if layer >= upper.base {
        upper.append(layer: layer, index: index, to: &hashes)
      } else if let lowest {
        // Below layer 9 a sibling is in the same group as the nodes.
        let width = LayerFile.groupLength >> Int64(layer)
        lowest.append(layer: layer, index: index % width, to: &hashes)
      }
    }
    return hashes
  }

  /// Appends nodes of a layer below layer 9.
  /// - Returns: the layers of the last group.
  private func appendBelowGroups(_ range: HashRange, to hashes: inout [UInt8]) throws(StoreError) -> NodeLayers? {
    let width = LayerFile.groupLength >> Int64(range.layer)
    var index = range.index
    let end = range.index + Int64(range.length)
    var layers: NodeLayers?
    while index < end {
      let group = try group(index / width, from: range.layer)
      let count = min(end - index, width - index % width)
      group.append(layer: range.layer, from: index % width, count: Int(count), to: &hashes)
      index += count
      layers = group
    }
    return layers
  }

  /// Layers up to 9 of one group of 512 leaves, from at most `layer` on, verified against its node in layer 9.
  private func group(_ index: Int64, from layer: Int) throws(StoreError) -> NodeLayers {
    if layer >= GroupCache.base, let known = recent?.find(index, of: content) { return known }
    let leafCount = content.geometry.blockCount
    let layers: NodeLayers
    if let file, file.hasMiddle, layer >= LayerFile.middleLayer {
      let nodes = try file.middle(ofGroup: index, leafCount: leafCount)
      layers = NodeLayers(base: LayerFile.middleLayer, nodes: nodes, top: LayerFile.groupLayer)
    } else {
      let first = index * LayerFile.groupLength
      let count = min(max(leafCount - first, 0), LayerFile.groupLength)
      let offset = first * Int64(MerkleTree.nodeLength)
      let leaves = try file?.read(Int(count) * MerkleTree.nodeLength, at: offset) ?? []
      layers = NodeLayers(base: 0, nodes: leaves, top: LayerFile.groupLayer)
    }
    var computed = [UInt8]()
    var known = [UInt8]()
    layers.append(layer: LayerFile.groupLayer, index: 0, to: &computed)
    upper.append(layer: LayerFile.groupLayer, index: index, to: &known)
    guard computed == known else { throw StoreError(.damagedLayer, "hashes of \(content)", "are damaged on disk") }
    if layer >= GroupCache.base { recent?.insert(layers, index, of: content) }
    return layers
  }
}

extension LeafLayer {
  /// The tree above the leaves; `nil` if they do not lead to the root any more.
  package func tree() throws(StoreError) -> HashTree? {
    switch storage {
    case .implied: HashTree(content: content, leaves: content.size > 0 ? content.root.bytes : [])
    case .memory(let leaves): HashTree(content: content, leaves: leaves)
    case .file(let file): try HashTree(content: content, file: file)
    }
  }
}

/// Consecutive layers of a tree in memory, computed from the lowest.
struct NodeLayers: Sendable {
  /// The lowest layer.
  let base: Int
  private let layers: [[UInt8]]

  /// - Parameters:
  ///   - nodes: the nodes of layer `base`, without padding.
  ///   - top: the highest layer to compute.
  init(base: Int, nodes: [UInt8], top: Int) {
    self.base = base
    var layers = [nodes]
    var current = nodes
    for layer in base..<max(top, base) {
      if !current.isEmpty { MerkleTree.reduce(&current, layer: layer) }
      layers.append(current)
    }
    self.layers = layers
  }

  var top: Int { base + layers.count - 1 }

  /// Bytes of all nodes.
  var byteCount: Int { layers.reduce(0) { $0 + $1.count } }

  /// Appends one node of a layer, which may be padding.
  func append(layer: Int, index: Int64, to hashes: inout [UInt8]) {
    append(layer: layer, from: index, count: 1, to: &hashes)
  }

  /// Appends consecutive nodes of a layer, including padding.
  func append(layer: Int, from index: Int64, count: Int, to hashes: inout [UInt8]) {
    let nodes = layers.indices.contains(layer - base) ? layers[layer - base] : []
    let width = Int64(nodes.count / MerkleTree.nodeLength)
    let present = Int(min(max(width - index, 0), Int64(count)))
    if present > 0 {
      let start = Int(index) * MerkleTree.nodeLength
      hashes.append(contentsOf: nodes[start..<start + present * MerkleTree.nodeLength])
    }
    for _ in present..<count { hashes.append(contentsOf: MerkleTree.padding(layer)) }
  }
}
