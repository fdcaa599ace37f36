import DocumentModel

/// The trees that were asked for last, so that a download's requests do not load its tree each time.
struct RecentTrees {
  private let limit: Int
  private var trees: [Content: (tree: HashTree, used: UInt64)] = [:]
  private var uses: UInt64 = 0

  init(limit: Int) {
    self.limit = limit
  }

  mutating func find(_ content: Content) -> HashTree? {
    guard let tree = trees[content]?.tree else { return nil }
    insert(tree)
    return tree
  }

  mutating func insert(_ tree: HashTree) {
    uses += 1
    trees[tree.content] = (tree, uses)
    guard trees.count > limit, let oldest = trees.min(by: { $0.value.used < $1.value.used }) else { return }
    trees[oldest.key] = nil
  }

  mutating func remove(_ content: Content) {
    trees[content] = nil
  }
}
