// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import TestSupport
import Testing

@Suite struct MerkleTests {
  /// Roots of the pattern's beginnings, computed by libtorrent.
  static let roots: [(Int, String)] = [
    (0, "0000000000000000000000000000000000000000000000000000000000000000"),
    (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (16_383, "8f840ef852c1e3ad3096fe9b0ea35bb9577b685033e14b72fabeeb385508cabf"),
    (16_384, "83a5ee9c1db0b82ae94961fee75a195f6104c65235c07590569657709c1316e8"),
    (16_385, "86133d0e4897ec6696772fc802c34ef508d516763aad75b6556d199f77909455"),
    (1_000_000, "43b2b72225612bcd406edb7dec0028fb8c89599e484a2f0261e4d18d544b52bf"),
    (5_000_001, "ec0f7db7192876d38cdfaa5f81661316a74831be63ab70eef5d4aced3614a20e"),
    // One that is large enough for a layer file.
    (17_000_000, "061081cb274a39a6eb2e1c862a4c7dcddfa983c4a7118b415559ed33fabf904a"),
  ]

  @Test(arguments: roots) func `root equals that of another implementation`(_ size: Int, _ root: String) throws {
    #expect(leavesAndContent(pattern(size)).content?.root.hex == root)
    let workspace = try Workspace()
    let catalogue = try workspace.catalogue()
    let path = try workspace.file("file", pattern(size))
    let hashed = try FileHasher(layers: catalogue.layers).hash(path)
    #expect(hashed.content.root.hex == root)
    #expect(hashed.content.size == Int64(size))
  }

  /// A root alone does not say which content: BEP 52 has no mark that tells leaves from nodes.
  @Test func `two contents may have the same root`() throws {
    let (leaves, content) = leavesAndContent(pattern(20_000))
    #expect(leaves.count == 64)
    let other = leavesAndContent(leaves).content
    #expect(content?.root == other?.root)
    #expect(content != other)
  }

  @Test func `number of leaves must fit the size`() {
    let (leaves, content) = leavesAndContent(pattern(50_000))
    #expect(MerkleTree.content(leaves: leaves, size: 50_000) == content)
    #expect(MerkleTree.content(leaves: leaves, size: 16_384) == nil)
    #expect(MerkleTree.content(leaves: Array(leaves.dropLast()), size: 50_000) == nil)
    #expect(MerkleTree.content(leaves: leaves, size: -1) == nil)
    #expect(MerkleTree.content(leaves: [], size: 0) == .empty)
  }

  @Test func `range outside the tree is invalid`() throws {
    let content = try #require(leavesAndContent(pattern(177_957)).content)
    #expect(HashRange(layer: 0, index: 0, length: 16, of: content)?.hashCount == 16)
    #expect(HashRange(layer: 0, index: 8, length: 1, of: content)?.hashCount == 5)
    #expect(HashRange(layer: 4, index: 0, length: 1, of: content)?.hashCount == 1)
    for (layer, index, length) in [
      (0, 0, 32), (0, 16, 1), (0, 1, 2), (0, 0, 3), (0, 0, 0), (0, 0, -1), (0, -1, 1), (5, 0, 1), (-1, 0, 1),
      (0, Int64.max, 1), (Int.max, 0, 1), (0, Int64.min, 16), (0, 0, 1024), (3, 2, 1),
    ] as [(Int, Int64, Int)] {
      #expect(HashRange(layer: layer, index: index, length: length, of: content) == nil, "\(layer) \(index) \(length)")
    }
    #expect(HashRange(layer: 0, index: 0, length: 1, of: .empty) == nil)
    #expect(HashRange.leaves(around: 0, of: .empty) == nil)
    #expect(HashRange.leaves(around: 11, of: content) == nil)
    #expect(HashRange.leaves(around: 10, of: content)?.length == 16)
  }

  /// Every range of small trees, of all shapes.
  @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33]) func `every range of a small tree is proven`(_ blocks: Int64)
    throws
  {
    let workspace = try Workspace()
    let (catalogue, content) = try workspace.stored(blocks: blocks, seed: UInt64(blocks))
    let tree = try #require(try catalogue.tree(of: content))
    var proven = 0
    for layer in 0...content.geometry.rootLayer {
      for length in [1, 2, 4, 8, 16, 32, 64] {
        var index: Int64 = 0
        while let range = HashRange(layer: layer, index: index, length: length, of: content) {
          let hashes = try tree.hashes(range)
          #expect(hashes.count == range.byteCount)
          #expect(range.verify(hashes, against: content))
          index += Int64(length)
          proven += 1
        }
      }
    }
    #expect(proven >= Int(blocks))
  }

  /// Trees whose leaves lie in a file: random ranges from all layers.
  @Test(arguments: [1025, 1536, 2049, 5000, 70_000] as [Int64]) func `random ranges of a large tree are proven`(
    _ blocks: Int64
  ) throws {
    var random = SeededGenerator(seed: UInt64(blocks))
    let workspace = try Workspace()
    let (catalogue, content) = try workspace.stored(blocks: blocks, seed: UInt64(blocks))
    let tree = try #require(try catalogue.tree(of: content))
    for _ in 0..<100 {
      let layer = Int.random(in: 0...content.geometry.rootLayer, using: &random)
      let width = content.geometry.paddedBlockCount >> Int64(layer)
      let length = Int64(1) << Int64.random(in: 0...min(9, Int64(width.trailingZeroBitCount)), using: &random)
      let index = Int64.random(in: 0..<width / length, using: &random) * length
      let range = try #require(HashRange(layer: layer, index: index, length: Int(length), of: content))
      #expect(range.verify(try tree.hashes(range), against: content), "\(layer) \(index) \(length)")
    }
    let last = try #require(HashRange.leaves(around: blocks - 1, of: content))
    #expect(last.verify(try tree.hashes(last), against: content))
  }

  @Test(arguments: [1, 5, 11]) func `every changed bit is detected`(_ blocks: Int64) throws {
    let workspace = try Workspace()
    let (catalogue, content) = try workspace.stored(blocks: blocks, seed: 9)
    let tree = try #require(try catalogue.tree(of: content))
    for layer in 0...content.geometry.rootLayer {
      let range = try #require(HashRange(layer: layer, index: 0, length: 1, of: content))
      var hashes = try tree.hashes(range)
      for bit in 0..<hashes.count * 8 {
        hashes[bit / 8] ^= 1 << (bit % 8)
        #expect(!range.verify(hashes, against: content))
        hashes[bit / 8] ^= 1 << (bit % 8)
      }
      #expect(!range.verify(hashes.dropLast(), against: content))
      #expect(!range.verify(hashes + [0], against: content))
      #expect(!range.verify([], against: content))
    }
  }

  @Test func `range of another content is refused`() throws {
    let workspace = try Workspace()
    let (catalogue, small) = try workspace.stored(blocks: 3, seed: 3)
    let large = try #require(Content(root: small.root, size: 100 * PieceGeometry.blockLength))
    let range = try #require(HashRange(layer: 0, index: 64, length: 2, of: large))
    let tree = try #require(try catalogue.tree(of: small))
    #expect(code { try tree.hashes(range) } == .invalidRange)
    #expect(!range.verify([UInt8](repeating: 0, count: range.byteCount), against: small))
  }

  /// The oracle is not part of every machine.
  @Test func `roots agree with libtorrent`() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let tool = environment["BEP52_ORACLE"], FileManager.default.isExecutableFile(atPath: tool) else {
      print("BEP52_ORACLE names no program that prints BEP 52 roots of files: comparison skipped")
      return
    }
    var random = SeededGenerator(seed: UInt64(Date.now.timeIntervalSince1970))
    let workspace = try Workspace()
    let hasher = FileHasher(layers: try workspace.catalogue().layers)
    for count in [Int.random(in: 1...100, using: &random), .random(in: 1...2_000_000, using: &random), 40_000_000] {
      let path = try workspace.file("file", random.bytes(count))
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(filePath: tool)
      process.arguments = [path]
      process.standardOutput = output
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(String(text.prefix(64)) == (try hasher.hash(path).content.root.hex), "\(count) bytes")
    }
  }

  // MARK: Material

  private func leavesAndContent(_ bytes: [UInt8]) -> (leaves: [UInt8], content: Content?) {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    return (leaves, MerkleTree.content(leaves: leaves, size: Int64(bytes.count)))
  }
}
