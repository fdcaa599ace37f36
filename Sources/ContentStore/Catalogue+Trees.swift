// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import GRDB
import Synchronization

/// Hash trees: recently used ones are cached, and layers without a share are removed.
extension Catalogue {
  // MARK: Trees in use

  /// The tree of a content. `nil` if its leaves are not stored, or were damaged and are now removed: hash the file again.
  package func tree(of content: Content) throws(StoreError) -> HashTree? {
    if let tree = trees.withLock({ $0.find(content) }) { return tree }
    guard let tree = try loadTree(of: content) else { return nil }
    trees.withLock { $0.insert(tree) }
    return tree
  }

  /// Nodes of a content's tree and the siblings that prove them. `nil` if its leaves are not stored, or were damaged and
  /// are now removed: hash the file again.
  /// - Throws: `.invalidRange` for a range of another content.
  package func hashes(_ range: HashRange, of content: Content) throws(StoreError) -> [UInt8]? {
    guard let tree = try tree(of: content) else { return nil }
    do throws(StoreError) {
      return try tree.hashes(range)
    } catch {
      guard error.code == .damagedLayer else { throw error }
      // Another thread may have found the damage first, and an intact layer may have replaced it since.
      let isCurrent = trees.withLock { $0.find(content) === tree }
      if isCurrent { try forgetLayer(of: content) }
      return nil
    }
  }

  /// Removes the damaged leaves of a content.
  package func forgetLayer(of content: Content) throws(StoreError) {
    trees.withLock { $0.remove(content) }
    layers.remove(content)
    try write { database in
      try database.execute(
        sql: "DELETE FROM layer WHERE root = ? AND size = ?",
        arguments: [CatalogueRows.blob(content.root), content.size])
    }
  }

  // MARK: Collection

  /// Bytes of layers without a share that may accumulate before a collection, so that a share that is removed by mistake
  /// and added again is not hashed again.
  private static let maxReleased: Int64 = 64 << 20
  /// Approximate bytes of a row without a layer.
  private static let rowCost: Int64 = 1024

  func release(_ contents: [Content]) throws(StoreError) {
    let cost = contents.reduce(Int64(0)) { sum, content in
      let (new, overflow) = sum.addingReportingOverflow(content.geometry.blockCount * 32 + Self.rowCost)
      return overflow ? .max : new
    }
    let isDue = released.withLock { released in
      let (sum, overflow) = released.addingReportingOverflow(cost)
      released = overflow ? .max : sum
      guard released > Self.maxReleased else { return false }
      released = 0
      return true
    }
    if isDue { try collectUnused() }
  }

  /// Removes hashes and layers of contents that have no share.
  package func collectUnused() throws(StoreError) {
    try keeping.withLock { _ in Result { () throws(StoreError) in try removeUnused() } }.get()
  }

  private func removeUnused() throws(StoreError) {
    let kept = try write { database in
      for table in ["hashed", "layer"] {
        try database.execute(
          sql: """
            DELETE FROM \(table) WHERE NOT EXISTS (
              SELECT 1 FROM share WHERE share.root = \(table).root AND share.size = \(table).size)
            """)
      }
      let rows = try Row.fetchCursor(
        database, sql: "SELECT DISTINCT root, size FROM share WHERE size > ?",
        arguments: [LeafLayer.maxLeavesInMemory * PieceGeometry.blockLength])
      var kept = Set<Content>()
      while let row = try rows.next() {
        if let content = CatalogueRows.content(root: row[0], size: row[1]) { kept.insert(content) }
      }
      return kept
    }
    for content in try layers.contents() where !kept.contains(content) { layers.remove(content) }
  }
}

/// A cache of the most recently used trees, bounded in number and memory: the requests of one download use the same
/// tree.
package struct RecentTrees {
  private let limit: Int
  private let memoryLimit: Int
  private var trees: [Content: (tree: HashTree, used: UInt64)] = [:]
  private var uses: UInt64 = 0
  /// Bytes that the trees take in memory.
  package private(set) var memory = 0

  /// - Parameters:
  ///   - limit: maximum number of trees; each may hold a descriptor.
  ///   - memoryLimit: maximum bytes; the most recent tree is kept regardless of size.
  package init(limit: Int, memoryLimit: Int) {
    self.limit = limit
    self.memoryLimit = memoryLimit
  }

  package var count: Int { trees.count }

  package mutating func find(_ content: Content) -> HashTree? {
    guard let tree = trees[content]?.tree else { return nil }
    uses += 1
    trees[content] = (tree, uses)
    return tree
  }

  package mutating func insert(_ tree: HashTree) {
    remove(tree.content)
    uses += 1
    trees[tree.content] = (tree, uses)
    memory += tree.memory
    while trees.count > limit || memory > memoryLimit, trees.count > 1, let oldest { remove(oldest) }
  }

  package mutating func remove(_ content: Content) {
    guard let removed = trees.removeValue(forKey: content) else { return }
    memory -= removed.tree.memory
  }

  private var oldest: Content? { trees.min { $0.value.used < $1.value.used }?.key }
}
