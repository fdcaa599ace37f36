// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Testing

@Suite struct RecentTreesTests {
  private let trees: [HashTree]

  /// Trees of 4, 5, … blocks.
  init() throws {
    let workspace = try Workspace()
    let catalogue = try workspace.catalogue()
    let files = try (4..<10).map { blocks in
      try FileHasher(layers: catalogue.layers).hash(workspace.file("\(blocks)", pattern(blocks * 16_384)))
    }
    try catalogue.remember(files)
    trees = try files.map { try #require(try catalogue.tree(of: $0.content)) }
  }

  @Test func `memory of a tree is that of its nodes`() {
    #expect(trees[0].memory == 32 * (4 + 2 + 1))
    #expect(trees[1].memory == 32 * (5 + 3 + 2 + 1))
  }

  @Test func `least recently used tree is dropped first`() {
    var recent = RecentTrees(limit: 3, memoryLimit: .max)
    for tree in trees[0..<3] { recent.insert(tree) }
    #expect(recent.find(trees[0].content) === trees[0])
    recent.insert(trees[3])
    #expect(recent.count == 3)
    #expect(recent.find(trees[1].content) == nil)
    for kept in [trees[0], trees[2], trees[3]] { #expect(recent.find(kept.content) === kept) }
  }

  @Test func `memory limit is kept`() {
    let most = trees[4].memory + trees[5].memory
    var recent = RecentTrees(limit: 100, memoryLimit: most)
    for tree in trees + trees + trees.reversed() {
      recent.insert(tree)
      #expect(recent.memory <= most)
      #expect(recent.find(tree.content) === tree)
    }
    #expect(recent.count >= 2)
  }

  @Test func `one tree is kept regardless of size`() {
    var recent = RecentTrees(limit: 100, memoryLimit: 1)
    for tree in trees { recent.insert(tree) }
    #expect(recent.count == 1)
    #expect(recent.find(trees[5].content) === trees[5])
  }

  @Test func `dropped tree is not counted`() {
    var recent = RecentTrees(limit: 100, memoryLimit: .max)
    recent.insert(trees[0])
    recent.insert(trees[0])
    #expect(recent.memory == trees[0].memory)
    recent.remove(trees[0].content)
    recent.remove(trees[0].content)
    #expect((recent.count, recent.memory) == (0, 0))
  }
}
