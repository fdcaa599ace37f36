// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import Glibc
import TestSupport
import Testing

/// Files of a prefix: where they may be, and many at a time.
@Suite struct FileBatchTests {
  private func content(_ bytes: [UInt8]) throws -> Content {
    var leaves = [UInt8]()
    bytes.withUnsafeBytes { MerkleTree.appendLeaves(of: $0, to: &leaves) }
    return try #require(MerkleTree.content(leaves: leaves, size: Int64(bytes.count)))
  }

  private func item(
    _ directory: TargetDirectory, _ path: String, _ bytes: [UInt8], replaces: Bool = false, wrong: Bool = false
  ) throws -> FileBatch.Item {
    let target = try #require(try directory.target(path.split(separator: "/").map(String.init), makes: true))
    return FileBatch.Item(
      target: target, content: try content(wrong ? [1, 2, 3] : bytes), bytes: bytes,
      attributes: FileAttributes(isExecutable: true, modified: 1_000_000_000), replaces: replaces)
  }

  @Test func `files are written with their attributes, and hashed`() throws {
    let workspace = try Workspace()
    let catalogue = try workspace.catalogue()
    let directory = try TargetDirectory(path: workspace.path + "/out", mask: 0o022)
    var random = SeededGenerator(seed: 1)
    let contents = [[], [7], random.bytes(16_384), random.bytes(16_385), random.bytes(262_144)]
    let items = try contents.enumerated().map { try item(directory, "a/b\($0)/c", $1) }
    let results = FileBatch(catalogue: catalogue).write(items)
    for (index, result) in results.enumerated() {
      let file = try result.get()
      let path = workspace.path + "/out/a/b\(index)/c"
      #expect(TemporaryDirectory.read(path) == contents[index])
      #expect(file.content == items[index].content)
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o100 == 0o100)
      #expect(status.st_mtim.tv_sec == 1_000_000_000)
      #expect(file.fingerprint == FileFingerprint(status))
    }
    // What was hashed serves others.
    let shares = try zip(items, results).enumerated().map { index, entry in
      Share(
        document: Document(
          key: key("file/\(index)"), title: Title(normalizing: "x"), content: entry.0.content,
          modified: Timestamp(seconds: 1)),
        path: try entry.1.get().path, origin: .downloaded, fingerprint: try entry.1.get().fingerprint)
    }
    try catalogue.add(shares, hashed: results.map { try $0.get() })
    for item in items where item.content.size > 0 { #expect(try catalogue.tree(of: item.content) != nil) }
  }

  @Test func `one that fails leaves the others`() throws {
    let workspace = try Workspace()
    try FileManager.default.createDirectory(atPath: workspace.path + "/out", withIntermediateDirectories: false)
    let directory = try TargetDirectory(path: workspace.path + "/out")
    _ = try workspace.file("out/taken", [9])
    _ = try workspace.file("out/replaced", [9])
    let results = FileBatch(catalogue: try workspace.catalogue()).write([
      try item(directory, "a", [1]), try item(directory, "taken", [2]), try item(directory, "wrong", [3], wrong: true),
      try item(directory, "replaced", [4], replaces: true),
    ])
    #expect(results.map { result in code { try result.get() } } == [nil, .exists, .invalidRange, nil])
    #expect(TemporaryDirectory.read(workspace.path + "/out/taken") == [9])
    #expect(TemporaryDirectory.read(workspace.path + "/out/replaced") == [4])
    #expect(try workspace.names(in: "out") == ["a", "replaced", "taken"])
  }

  @Test func `nothing is written through a link or beside the directory`() throws {
    let workspace = try Workspace()
    let outside = workspace.path + "/outside"
    try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: workspace.path + "/out", withIntermediateDirectories: false)
    let directory = try TargetDirectory(path: workspace.path + "/out")
    try FileManager.default.createSymbolicLink(atPath: workspace.path + "/out/link", withDestinationPath: outside)
    _ = try workspace.file("out/file", [1])
    #expect(code { try directory.target(["link", "a"], makes: true) } == .notADirectory)
    #expect(code { try directory.target(["file", "a"], makes: true) } == .notADirectory)
    for names in [["..", "a"], ["."], [""], ["a/b"], []] {
      #expect(code { try directory.target(names, makes: true) } == .cannotCreate, "\(names)")
    }
    #expect(code { try directory.target([String(repeating: "x", count: 256)], makes: true) } == .nameTooLong)
    #expect(try directory.target(["b", "c"], makes: false) == nil)
    #expect(try workspace.names(in: "outside").isEmpty)
  }

  @Test func `directory is made with its first file`() throws {
    let workspace = try Workspace()
    let path = workspace.path + "/new/out"
    let directory = try TargetDirectory(path: path + "/")
    #expect(try directory.target(["a"], makes: false) == nil)
    try directory.check()
    try directory.flush()
    #expect(directory.place.hasSuffix("/new/out") && access(workspace.path + "/new", F_OK) != 0)
    let place = directory.place
    #expect(try directory.target(["a"], makes: true) != nil)
    #expect(access(path, F_OK) == 0 && directory.place == place)
    #expect(code { try TargetDirectory(path: workspace.file("file", [1]) + "/out") } != nil)
  }

  @Test func `many directories need few descriptors`() throws {
    let workspace = try Workspace()
    let directory = try TargetDirectory(path: workspace.path + "/out")
    for number in 0..<300 { _ = try directory.target(["d\(number)", "e", "x"], makes: true) }
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    #expect(open < 250)
    #expect(try workspace.names(in: "out").count == 300)
  }
}
