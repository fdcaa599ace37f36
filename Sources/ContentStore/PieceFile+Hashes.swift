// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Synchronization

/// The part of the tree that is known. Leaves are kept by units: the smaller of a piece and 512 leaves.
extension PieceFile {
  /// Number of units.
  package var unitCount: Int { tree.unitCount }

  /// Number of leaves in a unit; the last unit may have fewer.
  package var unitLength: Int { 1 << tree.unitLayer }

  /// Whether all nodes of layer 9 are known; of a content of at most 512 leaves, all leaves.
  package var knowsUpperNodes: Bool {
    guard tree.rootLayer <= LayerFile.groupLayer else { return state.withLock { $0.nodes.knowsGroups } }
    return (0..<tree.unitCount).allSatisfy(knowsLeaves)
  }

  /// Whether the leaves of a unit are known. The first question after a restart reads up to 16 KiB.
  package func knowsLeaves(of unit: Int) -> Bool {
    let (isKnown, isUnread) = state.withLock { ($0.leaves.contains(unit), $0.unread.contains(unit)) }
    guard !isKnown, isUnread else { return isKnown }
    // Without the node that proves them they may be asked for again later.
    guard state.withLock({ $0.nodes.node(layer: tree.unitLayer, index: Int64(unit)) != nil }) else { return false }
    let layers = try? storedUnit(unit)
    state.withLock { state in
      state.unread.remove(unit)
      if layers != nil { state.leaves.insert(unit) }
    }
    return layers != nil
  }

  /// Stores nodes that lead to the root: leaves of whole units, and nodes from the units' layer up, siblings included.
  /// - Parameter hashes: the bytes of an answer.
  /// - Returns: false if they do not lead to the root.
  package func put(_ range: HashRange, _ hashes: [UInt8]) throws(StoreError) -> Bool {
    guard let runs = tree.prove(range, hashes) else { return false }
    if let side = kept?.side {
      let new = state.withLock { state in runs.filter { !state.nodes.knows($0) } }
      for run in new { try side.write(run) }
    }
    var units = 0..<0
    if range.layer == 0 {
      let end = min(range.index + Int64(range.length), tree.geometry.blockCount)
      if range.index < end {
        try draft.put(Array(hashes[..<(Int(end - range.index) * MerkleTree.nodeLength)]), from: range.index)
        let touched = tree.units(of: range.index..<end)
        // Ranges are aligned: only a range within one unit can be a part of one.
        if tree.blocks(of: touched.lowerBound).upperBound <= end, range.index % Int64(unitLength) == 0 {
          units = touched
        }
      }
    }
    state.withLock { state in
      state.nodes.insert(runs)
      state.leaves.insert(units)
    }
    return true
  }

  /// Proven leaves; `nil` if some are not known.
  /// - Throws: `.invalidRange` outside the content; the errors of reading.
  package func leaves(from block: Int64, count: Int) throws(StoreError) -> [UInt8]? {
    guard block >= 0, count >= 0, block <= tree.geometry.blockCount - Int64(count) else {
      throw StoreError(.invalidRange, "leaves", "lie outside the content")
    }
    for unit in tree.units(of: block..<block + Int64(count)) where !knowsLeaves(of: unit) { return nil }
    return try draft.leaves(from: block, count: count)
  }

  /// The nodes of a range and the siblings that prove them, as `HashTree.hashes`; `nil` if some are not known.
  /// - Throws: `.invalidRange` for a range of another content; the errors of reading.
  package func hashes(_ range: HashRange) throws(StoreError) -> [UInt8]? {
    guard HashRange(layer: range.layer, index: range.index, length: range.length, of: content) == range else {
      throw StoreError(.invalidRange, "hashes", "lie outside the tree of \(content)")
    }
    var hashes = [UInt8]()
    hashes.reserveCapacity(range.byteCount)
    var lowest: NodeLayers?
    if range.layer >= tree.unitLayer {
      guard append(layer: range.layer, from: range.index, count: range.length, to: &hashes) else { return nil }
    } else {
      let width = Int64(unitLength >> range.layer)
      var index = range.index
      while index < range.index + Int64(range.length) {
        guard let layers = try provenUnit(index / width) else { return nil }
        let count = min(range.index + Int64(range.length) - index, width - index % width)
        layers.append(layer: range.layer, from: index % width, count: Int(count), to: &hashes)
        index += count
        lowest = layers
      }
    }
    for (layer, index) in range.siblings {
      if layer >= tree.unitLayer {
        guard append(layer: layer, from: index, count: 1, to: &hashes) else { return nil }
      } else if let lowest {
        // Below the units' layer a sibling is in the same unit as the nodes.
        lowest.append(layer: layer, index: index % Int64(unitLength >> layer), to: &hashes)
      }
    }
    return hashes
  }

  private func append(layer: Int, from index: Int64, count: Int, to hashes: inout [UInt8]) -> Bool {
    let nodes = state.withLock { $0.nodes.nodes(layer: layer, from: index, count: count).map(Array.init) }
    guard let nodes else { return false }
    hashes += nodes
    return true
  }

  /// The layers of a unit whose leaves are known; a unit of padding is.
  private func provenUnit(_ unit: Int64) throws(StoreError) -> NodeLayers? {
    guard unit < Int64(tree.unitCount) else { return NodeLayers(base: 0, nodes: [], top: tree.unitLayer) }
    guard knowsLeaves(of: Int(unit)) else { return nil }
    return try storedUnit(Int(unit))
  }

  /// Layers 0 to the units' of one unit. `nil` if the stored leaves do not lead to the unit's node.
  private func storedUnit(_ unit: Int) throws(StoreError) -> NodeLayers? {
    let blocks = tree.blocks(of: unit)
    let layers = NodeLayers(
      base: 0, nodes: try draft.leaves(from: blocks.lowerBound, count: blocks.count), top: tree.unitLayer)
    var computed = [UInt8]()
    layers.append(layer: tree.unitLayer, index: 0, to: &computed)
    let isProven = state.withLock { state in
      state.nodes.node(layer: tree.unitLayer, index: Int64(unit))?.elementsEqual(computed) ?? false
    }
    return isProven ? layers : nil
  }
}
