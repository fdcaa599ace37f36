// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import TestSupport
import Testing

/// A content with its bytes and tree, and a state directory in which downloads of it are started and resumed.
final class PieceWorkspace {
  let workspace: Workspace
  let directory: String
  let bytes: [UInt8]
  let tree: HashTree
  let content: Content
  private(set) var catalogue: Catalogue
  var record: DownloadRecord

  /// - Parameter size: of the content.
  init(size: Int) throws {
    workspace = try Workspace()
    directory = workspace.path + "/downloads"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    var random = SeededGenerator(seed: UInt64(size))
    bytes = random.bytes(size)
    let seed = try Catalogue(directory: workspace.path + "/seed")
    let file = try FileHasher(layers: seed.layers).hash(try workspace.file("original", bytes))
    try seed.remember([file])
    content = file.content
    tree = try #require(try seed.tree(of: content))
    catalogue = try workspace.catalogue()
    let document = Document(
      key: key("file/a"), title: Title(normalizing: "a"), content: content, modified: Timestamp(seconds: 1))
    record = DownloadRecord(document: document, path: directory + "/a", created: Timestamp(seconds: 1))
  }

  func target() throws -> DownloadTarget { try DownloadTarget(directory: directory, name: "a") }

  /// As a new process after the last was killed.
  func restart() throws {
    catalogue.close()
    catalogue = try workspace.catalogue()
    record = try #require(try catalogue.download(record.id))
    try catalogue.removeLeftovers()
  }

  func begin(_ boot: UInt8 = 1) throws -> PieceFile {
    try PieceFile(new: &record, target: target(), catalogue: catalogue, bootID: BootID(bytes: [boot]))
  }

  func resume(_ boot: UInt8 = 1) throws -> PieceFile {
    try PieceFile(resuming: &record, target: target(), catalogue: catalogue, bootID: BootID(bytes: [boot]))
  }

  func putUpper(_ file: PieceFile) throws {
    let layer = min(9, content.geometry.rootLayer)
    let width = content.geometry.paddedBlockCount >> Int64(layer)
    let range = try #require(HashRange(layer: layer, index: 0, length: Int(width), of: content))
    #expect(try file.put(range, tree.hashes(range)))
  }

  func unitRange(_ unit: Int, _ file: PieceFile) throws -> HashRange {
    try #require(HashRange(layer: 0, index: Int64(unit * file.unitLength), length: file.unitLength, of: content))
  }

  func putUnit(_ unit: Int, _ file: PieceFile) throws {
    let range = try unitRange(unit, file)
    #expect(try file.put(range, tree.hashes(range)))
  }

  func range(of piece: Int) -> Range<Int> {
    let length = Int(content.geometry.pieceLength)
    return piece * length..<min((piece + 1) * length, bytes.count)
  }

  func write(_ piece: Int, _ file: PieceFile) throws {
    let range = range(of: piece)
    try bytes[range].withUnsafeBytes { try file.write($0, at: Int64(range.lowerBound)) }
    try file.complete(piece)
  }

  /// Leaves and bytes of a piece.
  func fetch(_ piece: Int, _ file: PieceFile) throws {
    let perPiece = max(Int(content.geometry.pieceLength / PieceGeometry.blockLength) / file.unitLength, 1)
    for unit in piece * perPiece..<min((piece + 1) * perPiece, file.unitCount) { try putUnit(unit, file) }
    try write(piece, file)
  }

  func set(_ pieces: Int...) -> PieceSet {
    var set = PieceSet(count: Int(content.geometry.pieceCount))
    for piece in pieces { set.insert(piece) }
    return set
  }

  func sidePath() throws -> String { workspace.state + "/layers/" + (try #require(record.sideFile)) }
}

@Suite struct PieceFileTests {
  private static let sizes = [300_000, 1_000_000, 2_000_000, 9_000_000, 17_000_000]

  @Test(arguments: sizes) func `pieces in random order over many kills become the file`(size: Int) throws {
    let setup = try PieceWorkspace(size: size)
    var random = SeededGenerator(seed: UInt64(size))
    var file = try setup.begin()
    try setup.putUpper(file)
    var expected = setup.set()
    for piece in (0..<expected.count).shuffled(using: &random) {
      try setup.fetch(piece, file)
      expected.insert(piece)
      #expect(file.pieces == expected && file.isProven(piece))
      guard random.once(in: 4) else { continue }
      try setup.restart()
      file = try setup.resume()
      #expect(file.pieces == expected && file.unproven == expected && file.proven.isEmpty)
      #expect(file.knowsUpperNodes || setup.content.geometry.rootLayer <= 9)
      for piece in expected.ranges.joined() { #expect(try file.check(piece)) }
      #expect(file.unproven.isEmpty)
    }
    #expect(file.knowsUpperNodes)
    #expect(code { try setup.catalogue.checkPlace() } == nil)
    let hashed = try file.commit(replacing: false, FileAttributes())
    #expect(hashed.content == setup.content)
    setup.record.state = .done
    try setup.catalogue.add(
      [share(hashed, as: "file/a")], hashed: [hashed], forgetting: file.temporaryPaths, finishing: setup.record)
    file.discard()
    try setup.restart()
    #expect(setup.record.state == .done && setup.record.temporary == nil && setup.record.sideFile == nil)
    #expect(try setup.workspace.names(in: "downloads") == ["a"])
    #expect(try Data(contentsOf: URL(filePath: setup.directory + "/a")) == Data(setup.bytes))
    #expect(try setup.workspace.names(in: "state/layers").count == (size > 16 << 20 ? 1 : 0))
    let range = try #require(HashRange.leaves(around: 0, of: setup.content))
    #expect(try setup.catalogue.hashes(range, of: setup.content) == setup.tree.hashes(range))
  }

  @Test(arguments: sizes) func `answers for others equal those of the whole tree`(size: Int) throws {
    let setup = try PieceWorkspace(size: size)
    let file = try PieceFile(temporary: setup.target(), content: setup.content, catalogue: setup.catalogue)
    #expect(!file.knowsLeaves(of: 0) && !file.knowsUpperNodes)
    #expect(try file.leaves(from: 0, count: 1) == nil)
    try setup.putUnit(0, file)
    let first = try setup.unitRange(0, file)
    #expect(file.knowsLeaves(of: 0))
    #expect(try file.hashes(first) == setup.tree.hashes(first))
    if file.unitCount > 1 {
      let second = try setup.unitRange(1, file)
      #expect(try file.hashes(second) == nil)
      for unit in 1..<file.unitCount { try setup.putUnit(unit, file) }
    }
    #expect(file.knowsUpperNodes)
    var random = SeededGenerator(seed: 3)
    for _ in 0..<200 {
      let layer = Int.random(in: 0...setup.content.geometry.rootLayer, using: &random)
      let length = 1 << Int.random(in: 0...9, using: &random)
      let width = setup.content.geometry.paddedBlockCount >> Int64(layer)
      let index = Int64.random(in: 0..<width, using: &random) / Int64(length) * Int64(length)
      guard let range = HashRange(layer: layer, index: index, length: length, of: setup.content) else { continue }
      #expect(try file.hashes(range) == setup.tree.hashes(range), "\(range)")
    }
  }

  @Test func `wrong hashes are refused and change nothing`() throws {
    let setup = try PieceWorkspace(size: 9_000_000)
    let file = try setup.begin()
    let range = try setup.unitRange(3, file)
    let right = try setup.tree.hashes(range)
    for index in stride(from: 0, to: right.count, by: 37) {
      var wrong = right
      wrong[index] ^= 1
      #expect(try !file.put(range, wrong))
    }
    #expect(try !file.put(range, Array(right.dropLast())))
    let other = try #require(Content(root: setup.content.root, size: setup.content.size * 4))
    let foreign = try #require(HashRange(layer: 0, index: 0, length: 1, of: other))
    #expect(try !file.put(foreign, [UInt8](repeating: 0, count: foreign.byteCount)))
    #expect(!file.knowsLeaves(of: 3))
    #expect(try file.put(range, right))
    #expect(file.knowsLeaves(of: 3))
  }

  @Test func `only flushed pieces count after a reboot`() throws {
    let setup = try PieceWorkspace(size: 2_000_000)
    var file = try setup.begin(1)
    try setup.putUpper(file)
    for piece in [0, 5] { try setup.fetch(piece, file) }
    try file.synchronize()
    try setup.fetch(2, file)
    try setup.restart()
    file = try setup.resume(2)
    #expect(file.pieces == setup.set(0, 5))
    try setup.fetch(3, file)
    // Within the new boot what was written counts.
    try setup.restart()
    file = try setup.resume(2)
    #expect(file.pieces == setup.set(0, 3, 5))
    try setup.restart()
    #expect(try setup.resume(1).pieces == setup.set(0, 5))
  }

  @Test func `damaged data is missing after the check and repaired`() throws {
    let setup = try PieceWorkspace(size: 2_000_000)
    var file = try setup.begin()
    for piece in 0..<file.pieces.count { try setup.fetch(piece, file) }
    try setup.workspace.flip(try #require(setup.record.temporary), at: 600_000)
    try setup.restart()
    file = try setup.resume()
    #expect(code { try file.commit(replacing: false, FileAttributes()) } == .changed)
    for piece in 0..<file.pieces.count { #expect(try file.check(piece) == (piece != 2)) }
    #expect(file.pieces.population == file.pieces.count - 1)
    // The map on disk has lost it, too.
    try setup.restart()
    file = try setup.resume()
    #expect(!file.pieces.contains(2))
    try setup.fetch(2, file)
    for piece in 0..<file.pieces.count { #expect(try file.check(piece)) }
    _ = try file.commit(replacing: false, FileAttributes())
    #expect(try Data(contentsOf: URL(filePath: setup.directory + "/a")) == Data(setup.bytes))
  }

  @Test func `flipped bytes of the side file are never trusted`() throws {
    let setup = try PieceWorkspace(size: 2_000_000)
    var file = try setup.begin()
    for piece in 0..<4 { try setup.fetch(piece, file) }
    let side = try setup.sidePath()
    let size = try #require(FileManager.default.attributesOfItem(atPath: side)[.size] as? Int)
    var random = SeededGenerator(seed: 5)
    for _ in 0..<60 {
      try setup.workspace.flip(side, at: UInt64(Int.random(in: 0..<size - 8, using: &random)), count: 8)
      file = try setup.resume()
      if setup.record.sideFile.map({ !side.hasSuffix($0) }) ?? true { break }
      for piece in 0..<file.pieces.count where try file.check(piece) {
        let range = setup.range(of: piece)
        #expect(try file.read(range.count, at: Int64(range.lowerBound)) == Array(setup.bytes[range]))
      }
      for unit in 0..<file.unitCount where file.knowsLeaves(of: unit) {
        let range = try setup.unitRange(unit, file)
        if let hashes = try file.hashes(range) { #expect(try hashes == setup.tree.hashes(range)) }
      }
    }
    for piece in 0..<file.pieces.count where try !file.check(piece) { try setup.fetch(piece, file) }
    #expect(try file.commit(replacing: false, FileAttributes()).content == setup.content)
  }

  @Test(arguments: ["no data", "no side file", "empty side file", "other file", "link", "larger file"])
  func `what does not fit begins anew`(_ fault: String) throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    try setup.fetch(1, try setup.begin())
    let (data, side) = (try #require(setup.record.temporary), try setup.sidePath())
    switch fault {
    case "no data": unlink(data)
    case "no side file": unlink(side)
    case "empty side file": truncate(side, 0)
    case "other file":
      try Data(setup.bytes).write(to: URL(filePath: data + ".new"))
      rename(data + ".new", data)
    case "link":
      unlink(data)
      symlink(setup.workspace.path + "/original", data)
    default: truncate(data, 2_000_000)
    }
    try setup.restart()
    let file = try setup.resume()
    #expect(file.pieces.isEmpty && !file.knowsLeaves(of: 1))
    #expect(setup.record.temporary != data)
    #expect(try setup.catalogue.download(setup.record.id) == setup.record)
    #expect(try setup.workspace.names(in: "state/layers") == [try #require(setup.record.sideFile)])
    let names = try setup.workspace.names(in: "downloads")
    #expect(names.count == (fault == "link" ? 2 : 1), "only what is not ours stays")
    #expect(try Data(contentsOf: URL(filePath: setup.workspace.path + "/original")) == Data(setup.bytes))
    for piece in 0..<file.pieces.count { try setup.fetch(piece, file) }
    #expect(try file.commit(replacing: false, FileAttributes()).content == setup.content)
  }

  @Test func `discarded file leaves nothing`() throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    let file = try setup.begin()
    try setup.fetch(0, file)
    file.discard()
    #expect(try setup.workspace.names(in: "downloads").isEmpty)
    #expect(try setup.workspace.names(in: "state/layers").isEmpty)
    try setup.restart()
    #expect(setup.record.temporary == nil && setup.record.sideFile == nil)
  }

  @Test func `files of a removed record go at the next start`() throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    try setup.fetch(0, try setup.begin())
    #expect(try setup.catalogue.removeDownload(setup.record.id))
    setup.catalogue.close()
    let catalogue = try setup.workspace.catalogue()
    try catalogue.removeLeftovers()
    #expect(try setup.workspace.names(in: "downloads").isEmpty)
    #expect(try setup.workspace.names(in: "state/layers").isEmpty)
  }

  @Test func `target that appears is kept`() throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    let file = try setup.begin()
    for piece in 0..<file.pieces.count { try setup.fetch(piece, file) }
    try Data([1]).write(to: URL(filePath: setup.directory + "/a"))
    #expect(code { try file.commit(replacing: false, FileAttributes()) } == .exists)
    #expect(try file.commitBeside(FileAttributes()) == setup.directory + "/a.1")
    file.discard()
    #expect(try setup.workspace.names(in: "downloads") == ["a", "a.1"])
  }

  @Test func `finished file survives a kill before its record`() throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    let file = try setup.begin()
    for piece in 0..<file.pieces.count { try setup.fetch(piece, file) }
    _ = try file.commit(replacing: false, FileAttributes())
    try setup.restart()
    let hasher = FileHasher(layers: setup.catalogue.layers)
    guard case .same = try setup.target().occupant(comparedTo: setup.content, hasher: hasher) else {
      Issue.record("the finished file is at its target")
      return
    }
    try setup.resume().discard()
    #expect(try setup.workspace.names(in: "downloads") == ["a"])
    #expect(try setup.workspace.names(in: "state/layers").isEmpty)
  }

  @Test func `leaves damaged on disk are computed again at the end`() throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    let file = try setup.begin()
    for piece in 0..<file.pieces.count { try setup.fetch(piece, file) }
    try setup.workspace.flip(try setup.sidePath(), at: 40)
    #expect(try file.commit(replacing: false, FileAttributes()).content == setup.content)
  }

  @Test(arguments: ["directory", "file", "moved directory"])
  func `removed place is noticed by the next piece`(removed: String) throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    let file = try setup.begin()
    try setup.fetch(0, file)
    switch removed {
    case "directory": try FileManager.default.removeItem(atPath: setup.directory)
    case "file": #expect(unlink(try #require(setup.record.temporary)) == 0)
    default: #expect(rename(setup.directory, setup.directory + ".moved") == 0)
    }
    guard removed != "moved directory" else { return try setup.fetch(1, file) }
    #expect(code { try setup.fetch(1, file) } == .cannotCreate)
    #expect(!file.isProven(1))
  }

  @Test func `space is reserved by the first bytes`() throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    let file = try setup.begin()
    try setup.putUpper(file)
    var status = stat()
    #expect(stat(try #require(setup.record.temporary), &status) == 0 && status.st_size == 0)
    try setup.write(0, file)
    #expect(stat(try #require(setup.record.temporary), &status) == 0 && status.st_size == 1_000_000)
    #expect(code { try file.read(2, at: 999_999) } == .invalidRange)
    #expect(code { try [1, 2].withUnsafeBytes { try file.write($0, at: 999_999) } } == .invalidRange)
  }

  @Test(arguments: [0, 1, 16_384, 16_385, 262_144]) func `temporary file of one piece`(size: Int) throws {
    let setup = try PieceWorkspace(size: max(size, 1))
    let content = size == 0 ? Content.empty : setup.content
    let file = try PieceFile(temporary: setup.target(), content: content, catalogue: setup.catalogue)
    #expect(file.knowsUpperNodes == (size <= 16_384), "the root is the only leaf")
    if size > 16_384 { try setup.putUpper(file) }
    if size > 0 { try setup.write(0, file) }
    try file.synchronize()
    #expect(try file.commit(replacing: false, FileAttributes()).content == content)
    #expect(try setup.workspace.names(in: "downloads") == ["a"])
  }

  @Test func `questions outside the content have an answer`() throws {
    let setup = try PieceWorkspace(size: 1_000_000)
    let file = try setup.begin()
    for index in [-1, 4, 99, .max, .min] {
      try file.complete(index)
      #expect(try !file.check(index))
      #expect(!file.isProven(index) && !file.knowsLeaves(of: index))
    }
    #expect(code { try file.leaves(from: -1, count: 1) } == .invalidRange)
    #expect(code { try file.leaves(from: 61, count: 2) } == .invalidRange)
    #expect(code { try file.leaves(from: .max, count: .max) } == .invalidRange)
    #expect(try file.leaves(from: 62, count: 0) == [])
  }

  @Test func `a claim of any size is refused with an error`() throws {
    let setup = try PieceWorkspace(size: 1)
    let huge = try #require(Content(root: setup.content.root, size: Content.maximumSize))
    #expect(throws: StoreError.self) {
      try PieceFile(temporary: setup.target(), content: huge, catalogue: setup.catalogue)
    }
  }
}
