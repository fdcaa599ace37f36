// SPDX-License-Identifier: Apache-2.0

/// Consecutive layers of a tree, held in memory and computed from the lowest.
struct NodeLayers: Sendable {
  /// The lowest layer.
  let base: Int
  private let layers: [[UInt8]]

  /// - Parameters:
  ///   - nodes: those of layer `base` that stand above content.
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

  /// Appends a node of one of the layers; padding where it stands above no content.
  func append(layer: Int, index: Int64, to hashes: inout [UInt8]) {
    append(layer: layer, from: index, count: 1, to: &hashes)
  }

  /// Appends consecutive nodes of one of the layers, padding included.
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
