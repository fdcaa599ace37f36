// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import TestSupport
import Testing

/// Trees at the sizes where their storage changes: 512 leaves are a group, 1,024 leaves the most in memory.
@Suite struct HashTreeTests {
  private static let edges: [Int64] = [
    2, 511, 512, 513, 1023, 1024, 1025, 1026, 1535, 1536, 1537, 2047, 2048, 2049, 4097,
  ]

  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
  }

  /// All ranges of one length around the first and the last block, in every layer.
  private func edgeRanges(of content: Content) -> [HashRange] {
    let geometry = content.geometry
    return (0...geometry.rootLayer).flatMap { layer -> [HashRange] in
      let width = geometry.paddedBlockCount >> Int64(layer)
      let last = (geometry.blockCount - 1) >> Int64(layer)
      return [1, 2, 256, 512].flatMap { length -> [HashRange] in
        Set([0, last / Int64(length), width / Int64(length) - 1]).compactMap {
          HashRange(layer: layer, index: $0 * Int64(length), length: length, of: content)
        }
      }
    }
  }

  @Test(arguments: edges) func `first, last and padding ranges of every layer are proven`(blocks: Int64) throws {
    let (catalogue, content) = try workspace.stored(blocks: blocks)
    let tree = try #require(try catalogue.tree(of: content))
    let ranges = edgeRanges(of: content)
    #expect(ranges.count > content.geometry.rootLayer)
    for range in ranges {
      let hashes = try tree.hashes(range)
      #expect(hashes.count == range.byteCount && range.verify(hashes, against: content), "\(range)")
    }
  }

  @Test(arguments: edges) func `answer is the same from memory and from disk after a restart`(blocks: Int64) throws {
    let content: Content
    let ranges: [HashRange]
    let before: [[UInt8]]
    do {
      let (catalogue, stored) = try workspace.stored(blocks: blocks)
      content = stored
      let tree = try #require(try catalogue.tree(of: content))
      ranges = edgeRanges(of: content)
      before = try ranges.map { try tree.hashes($0) }
      catalogue.close()
    }
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.hasLeaves(of: content))
    let after = try ranges.map { try catalogue.hashes($0, of: content) }
    #expect(after == before, "\(blocks) blocks")
  }

  @Test(arguments: edges) func `only the leaves of large contents stay on disk`(blocks: Int64) throws {
    let (catalogue, content) = try workspace.stored(blocks: blocks)
    let memory = try #require(try catalogue.tree(of: content)).memory
    let files = try workspace.names(in: "state/layers")
    if blocks <= 1024 {
      #expect(files.isEmpty && memory >= Int(blocks) * 32)
    } else {
      let groups = (blocks + 511) / 512
      #expect(files == ["\(content.root.hex)-\(content.size)"])
      #expect(memory <= Int(groups + 8) * 64, "64 bytes for each group and a few for the odd ends of layers")
    }
  }

  /// The damage of one leaf must not spread: a peer still serves the other groups.
  @Test(arguments: [1025, 1537, 2048] as [Int64]) func `damaged leaf spoils its own group only`(blocks: Int64) throws {
    let (catalogue, content) = try workspace.stored(blocks: blocks)
    let path = "\(workspace.state)/layers/\(content.root.hex)-\(content.size)"
    let tree = try #require(try catalogue.tree(of: content))
    try workspace.flip(path, at: UInt64(blocks - 1) * 32 + 31)
    for block in stride(from: 0, to: blocks, by: 511) {
      let range = try #require(HashRange.leaves(around: block, of: content))
      if block / 512 == (blocks - 1) / 512 {
        #expect(code { try tree.hashes(range) } == .damagedLayer, "\(block)")
      } else {
        #expect(range.verify(try tree.hashes(range), against: content), "\(block)")
      }
    }
    let upper = try #require(HashRange(layer: 9, index: 0, length: 2, of: content))
    #expect(upper.verify(try tree.hashes(upper), against: content), "upper layers are in memory")
    let last = try #require(HashRange.leaves(around: blocks - 1, of: content))
    #expect(try catalogue.hashes(last, of: content) == nil)
    #expect(try !catalogue.hasLeaves(of: content), "a layer that was found damaged is removed")
    #expect(try workspace.names(in: "state/layers").isEmpty)
  }

  @Test(arguments: [1537, 4097] as [Int64]) func `upper layers of a group that was used need no disk`(
    blocks: Int64
  ) throws {
    let (catalogue, content) = try workspace.stored(blocks: blocks)
    let tree = try #require(try catalogue.tree(of: content))
    let groups = (blocks + 511) / 512
    let ranges = (6...8).flatMap { layer in
      (0..<groups).compactMap { group in
        let width = Int64(512) >> Int64(layer)
        return HashRange(layer: layer, index: group * width, length: Int(width), of: content)
      }
    }
    let before = try ranges.map { try tree.hashes($0) }
    let path = "\(workspace.state)/layers/\(content.root.hex)-\(content.size)"
    // The nodes of layer 4 behind the leaves and the nodes of layer 9.
    for group in 0..<groups { try workspace.flip(path, at: UInt64(blocks + groups + group * 32) * 32) }
    #expect(try ranges.map { try tree.hashes($0) } == before)
    for (range, hashes) in zip(ranges, before) { #expect(range.verify(hashes, against: content)) }
    // Others are read from the disk, and checked.
    let middle = try #require(HashRange(layer: 4, index: 0, length: 32, of: content))
    #expect(code { try tree.hashes(middle) } == .damagedLayer)
  }

  /// Whatever is asked for, the work is in proportion to the answer.
  @Test(arguments: [1025, 262_144, 6_553_600, 1 << 39] as [Int64])
  func `no range costs more than 16 nodes for each of its own`(blocks: Int64) throws {
    let root = try #require(Digest(bytes: [UInt8](1...32)))
    let content = try #require(Content(root: root, size: blocks * PieceGeometry.blockLength - 1))
    for layer in 0...content.geometry.rootLayer {
      for length in (0...9).map({ 1 << $0 }) {
        guard let range = HashRange(layer: layer, index: 0, length: length, of: content) else { continue }
        #expect(range.workCount <= max(512, 16 * Int64(length)), "layer \(layer), \(length) nodes")
      }
    }
  }

  @Test func `layers from 4 up are answered without the leaves`() throws {
    let (catalogue, content) = try workspace.stored(blocks: 2047)
    let tree = try #require(try catalogue.tree(of: content))
    let path = "\(workspace.state)/layers/\(content.root.hex)-\(content.size)"
    for group in 0..<4 { try workspace.flip(path, at: UInt64(group * 512 * 32)) }
    for range in edgeRanges(of: content) where range.layer >= 4 {
      #expect(range.verify(try tree.hashes(range), against: content), "\(range)")
    }
    let leaves = try #require(HashRange(layer: 3, index: 0, length: 1, of: content))
    #expect(code { try tree.hashes(leaves) } == .damagedLayer)
  }

  @Test func `damaged node of layer 4 is noticed`() throws {
    let (catalogue, content) = try workspace.stored(blocks: 1100)
    let tree = try #require(try catalogue.tree(of: content))
    let path = "\(workspace.state)/layers/\(content.root.hex)-\(content.size)"
    try workspace.flip(path, at: 1103 * 32)
    let range = try #require(HashRange(layer: 5, index: 0, length: 2, of: content))
    #expect(code { try tree.hashes(range) } == .damagedLayer)
    let other = try #require(HashRange(layer: 5, index: 32, length: 2, of: content))
    #expect(other.verify(try tree.hashes(other), against: content))
  }

  @Test func `range of another content is refused and costs no layer`() throws {
    let (catalogue, content) = try workspace.stored(blocks: 1025)
    let other = try #require(Content(root: content.root, size: 5000 * PieceGeometry.blockLength))
    let range = try #require(HashRange(layer: 0, index: 4096, length: 512, of: other))
    #expect(code { try catalogue.hashes(range, of: content) } == .invalidRange)
    #expect(try catalogue.hashes(range, of: other) == nil, "same root, another size")
    #expect(try catalogue.hasLeaves(of: content))
  }

  @Test func `longest range around a block is aligned and holds it`() throws {
    let root = try #require(Digest(bytes: [UInt8](1...32)))
    for blocks: Int64 in [1, 2, 3, 511, 512, 513, 100_000] {
      let content = try #require(Content(root: root, size: blocks * 16_384))
      for block in [0, blocks / 2, blocks - 1] {
        let range = try #require(HashRange.leaves(around: block, of: content))
        #expect((range.index..<range.index + Int64(range.length)).contains(block))
        #expect(range.length <= 512 && range.layer == 0)
      }
      #expect(HashRange.leaves(around: blocks, of: content) == nil)
      #expect(HashRange.leaves(around: -1, of: content) == nil)
    }
  }
}
