// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import Glibc
import TestSupport
import Testing

/// The files of large layers, as crashes, other programs and full disks leave them.
@Suite struct LayerStoreTests {
  private let workspace: Workspace
  private let layers: String

  init() throws {
    workspace = try Workspace()
    layers = workspace.state + "/layers"
  }

  private func path(of content: Content) -> String { "\(layers)/\(content.root.hex)-\(content.size)" }

  @Test func `start removes drafts and foreign files, and keeps layers`() throws {
    let content: Content
    do { content = try workspace.stored(blocks: 1100).content }
    let name = "\(content.root.hex)-\(content.size)"
    let foreign = [
      "draft.1", "draft.", "notes.txt", content.root.hex, "-\(content.size)", "\(content.root.hex)-", "\(name)-1",
      "\(content.root.hex)-0\(content.size)", "\(content.root.hex)-+\(content.size)",
      "\(content.root.hex.uppercased())-\(content.size)", "\(content.root.hex)--1", "\(content.root.hex)-x",
    ]
    for name in foreign { try Data([1]).write(to: URL(filePath: "\(layers)/\(name)")) }
    try FileManager.default.createDirectory(atPath: "\(layers)/directory", withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(atPath: "\(layers)/link", withDestinationPath: path(of: content))
    let catalogue = try workspace.catalogue()
    #expect(try workspace.names(in: "state/layers") == [name, "directory"].sorted(), "a directory is not removed")
    #expect(try catalogue.tree(of: content) != nil)
  }

  /// 1,100 leaves, 3 nodes of layer 9 and 69 of layer 4.
  @Test(arguments: [0, 1, 1100 * 32, 1103 * 32 - 32, 1103 * 32 - 1, 1172 * 32 + 1, 1172 * 32 + 32])
  func `file of a wrong length is no layer`(length: Int) throws {
    let content: Content
    do { content = try workspace.stored(blocks: 1100).content }
    #expect(truncate(path(of: content), off_t(length)) == 0)
    let catalogue = try workspace.catalogue()
    #expect(try !catalogue.hasLeaves(of: content))
    #expect(try catalogue.tree(of: content) == nil)
  }

  /// Earlier versions wrote no nodes of layer 4; a crash may have interrupted adding them.
  @Test(arguments: [1103 * 32, 1103 * 32 + 1, 1172 * 32 - 32])
  func `file of an earlier version is completed`(length: Int) throws {
    let content: Content
    do { content = try workspace.stored(blocks: 1100).content }
    let whole = try Data(contentsOf: URL(filePath: path(of: content)))
    #expect(whole.count == 1172 * 32)
    #expect(truncate(path(of: content), off_t(length)) == 0)
    let catalogue = try workspace.catalogue()
    #expect(try catalogue.hasLeaves(of: content))
    let range = try #require(HashRange(layer: 4, index: 64, length: 64, of: content))
    #expect(try catalogue.hashes(range, of: content).map { range.verify($0, against: content) } == true)
    #expect(try Data(contentsOf: URL(filePath: path(of: content))) == whole)
  }

  @Test func `file cut while its tree is in use is reported as damaged`() throws {
    let (catalogue, content) = try workspace.stored(blocks: 1100)
    let tree = try #require(try catalogue.tree(of: content))
    #expect(truncate(path(of: content), 600 * 32) == 0)
    let first = try #require(HashRange.leaves(around: 0, of: content))
    let cut = try #require(HashRange.leaves(around: 1000, of: content))
    #expect(first.verify(try tree.hashes(first), against: content))
    #expect(code { try tree.hashes(cut) } == .damagedLayer)
  }

  @Test func `file removed while its tree is in use still serves`() throws {
    let (catalogue, content) = try workspace.stored(blocks: 1100)
    let range = try #require(HashRange.leaves(around: 1099, of: content))
    _ = try catalogue.tree(of: content)
    #expect(unlink(path(of: content)) == 0)
    #expect(try catalogue.hashes(range, of: content).map { range.verify($0, against: content) } == true)
  }

  @Test func `link in place of a layer is not followed`() throws {
    let content: Content
    do { content = try workspace.stored(blocks: 1100).content }
    try FileManager.default.moveItem(atPath: path(of: content), toPath: workspace.path + "/elsewhere")
    try FileManager.default.createSymbolicLink(
      atPath: path(of: content), withDestinationPath: workspace.path + "/elsewhere")
    let catalogue = try workspace.catalogue()
    #expect(try !catalogue.hasLeaves(of: content))
    #expect(try catalogue.tree(of: content) == nil)
  }

  @Test func `layer is stored once, however often its content is hashed`() throws {
    let (catalogue, first) = try workspace.stored(blocks: 1030, seed: 5)
    let second = try workspace.store(blocks: 1030, seed: 5, in: catalogue)
    #expect(first == second)
    #expect(try workspace.names(in: "state/layers") == ["\(first.root.hex)-\(first.size)"])
    let range = try #require(HashRange.leaves(around: 1029, of: first))
    #expect(try catalogue.hashes(range, of: first).map { range.verify($0, against: first) } == true)
  }

  @Test func `stored again, a damaged layer is replaced`() throws {
    let (catalogue, content) = try workspace.stored(blocks: 1030, seed: 6)
    _ = try catalogue.tree(of: content)
    try workspace.flip(path(of: content), at: 0)
    _ = try workspace.store(blocks: 1030, seed: 6, in: catalogue)
    let range = try #require(HashRange.leaves(around: 0, of: content))
    #expect(try catalogue.hashes(range, of: content).map { range.verify($0, against: content) } == true)
  }

  @Test func `finished draft that is not kept is removed`() throws {
    let catalogue = try workspace.catalogue()
    do {
      let draft = try catalogue.layers.draft(size: 1030 * 16_384)
      try draft.put([UInt8](repeating: 7, count: 1030 * 32), from: 0)
      #expect(try draft.finish().content.size == 1030 * 16_384)
      #expect(try workspace.names(in: "state/layers").count == 1)
    }
    #expect(try workspace.names(in: "state/layers").isEmpty)
  }

  @Test func `draft with a missing end has no root`() throws {
    let catalogue = try workspace.catalogue()
    let draft = try catalogue.layers.draft(size: 1030 * 16_384)
    try draft.put([UInt8](repeating: 7, count: 1029 * 32), from: 0)
    #expect(code { try draft.finish() } == .damagedLayer)
    #expect(
      try draft.leaves(from: 1028, count: 2) == [UInt8](repeating: 7, count: 32) + [UInt8](repeating: 0, count: 32))
  }

  @Test(arguments: [0, 1, 16_384, 16_385, 16_777_216, 16_777_217] as [Int64])
  func `order of leaves does not matter`(size: Int64) throws {
    let catalogue = try workspace.catalogue()
    let count = PieceGeometry(size: size).blockCount
    var random = SeededGenerator(seed: 4)
    let leaves = (0..<count).map { _ in random.bytes(32) }
    let contents = try [Array(0..<count), Array((0..<count).reversed())].map { order in
      let draft = try catalogue.layers.draft(size: size)
      for block in order { try draft.put(leaves[Int(block)], from: block) }
      return try draft.finish().content
    }
    #expect(contents[0] == contents[1])
    #expect(contents[0].size == size)
  }

  @Test func `state without room for its layers says so`() throws {
    let catalogue = try workspace.catalogue()
    try FileManager.default.removeItem(atPath: layers)
    #expect(code { try catalogue.layers.draft(size: 20_000_000) } == .cannotCreate)
    #expect(throws: Never.self, "small layers need no file") { try catalogue.layers.draft(size: 1000) }
  }

  /// Something else with the name of a layer: it is never waited for or followed, and a new layer takes its place.
  @Test(arguments: ["fifo", "link", "directory", "full directory", "unreadable"])
  func `what lies in the way of a layer is replaced`(_ kind: String) throws {
    let workspace = try Workspace()
    let catalogue = try workspace.catalogue()
    let source = try workspace.file("large", pattern(17_000_000))
    let file = try FileHasher(layers: catalogue.layers).hash(source)
    try catalogue.add([share(file, as: "file/x")], hashed: [file])
    #expect(try catalogue.hasLeaves(of: file.content))
    let path = "\(workspace.state)/layers/\(file.content.root)-\(file.content.size)"
    if kind == "unreadable" {
      // Root reads everything, so the length is wrong as well.
      #expect(truncate(path, 5) == 0 && chmod(path, 0) == 0)
    } else {
      #expect(unlink(path) == 0)
    }
    switch kind {
    case "fifo": #expect(mkfifo(path, 0o600) == 0)
    case "link": #expect(symlink(source, path) == 0)
    case "directory": #expect(mkdir(path, 0o700) == 0)
    case "full directory":
      #expect(mkdir(path, 0o700) == 0)
      try Data([1]).write(to: URL(filePath: path + "/x"))
    default: break
    }
    #expect(try !catalogue.hasLeaves(of: file.content))
    #expect(try catalogue.tree(of: file.content) == nil)
    let again = try FileHasher(layers: catalogue.layers).hash(source)
    try catalogue.add([share(again, as: "file/x")], hashed: [again])
    #expect(try catalogue.hasLeaves(of: file.content))
    #expect(try catalogue.tree(of: file.content) != nil)
  }
}
