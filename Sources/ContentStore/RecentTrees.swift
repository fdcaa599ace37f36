// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The trees that were asked for last, so that a download's requests do not load its tree each time.
package struct RecentTrees {
  private let limit: Int
  private let memoryLimit: Int
  private var trees: [Content: (tree: HashTree, used: UInt64)] = [:]
  private var uses: UInt64 = 0
  /// Bytes that the trees take in memory.
  package private(set) var memory = 0

  /// - Parameters:
  ///   - limit: so many trees at most; each may hold a descriptor.
  ///   - memoryLimit: so many bytes at most, but that the last tree stays however large it is.
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
