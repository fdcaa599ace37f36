// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import PeerDaemon
import Testing
import WireProtocol

@Suite struct AddPlanTests {
  private func file(_ path: String, below base: String? = nil, size: Int64 = 1) -> FoundFile {
    let name = base.map { path.dropFirst($0.count + 1) } ?? path.split(separator: "/").last ?? ""
    return FoundFile(path: path, name: String(name), fingerprint: mark(size))
  }

  private func mark(_ size: Int64) -> FileFingerprint {
    FileFingerprint(device: 1, inode: 1, size: size, modified: 0, changed: 0)
  }

  private func failure(_ request: AddRequest, _ found: [InspectedPath]) -> WireFailure? {
    do throws(WireFailure) {
      _ = try AddPlan(request, found: found)
      return nil
    } catch {
      return error
    }
  }

  @Test func `plan of files and directories`() throws {
    let unreadable = PathProblem(path: "/d/locked", message: "Permission denied")
    let plan = try AddPlan(
      AddRequest(paths: ["/rfc7.txt", "/d"], tree: TreeSelection()),
      found: [
        .file(file("/rfc7.txt")),
        .directory(
          FoundTree(
            name: "d", files: [file("/d/a", below: "/d"), file("/d/e/b", below: "/d")], unreadable: [unreadable])),
      ])
    #expect(plan.entries.map(\.key.text) == ["rfc/7", "file/d/a", "file/d/e/b"])
    #expect(plan.entries.map(\.path) == ["/rfc7.txt", "/d/a", "/d/e/b"])
    #expect(plan.failed == [unreadable])
  }

  /// NFC and NFD spellings are one key.
  @Test(arguments: [("/a/report.txt", "/b/report.txt"), ("/a/caf\u{E9}", "/a/cafe\u{301}")])
  func `two files with one key add nothing`(first: String, second: String) throws {
    let error = try #require(
      failure(AddRequest(paths: [first, second, "/c"]), [first, second, "/c"].map { .file(file($0)) }))
    #expect(error.code == .noInput)
    #expect(error.paths.map { Array($0.path.utf8) } == [first, second].map { Array($0.utf8) })
    #expect(error.message.contains("--key"))
  }

  @Test func `path that is named twice is added once`() throws {
    let plan = try AddPlan(AddRequest(paths: ["/a", "/a"]), found: [.file(file("/a")), .file(file("/a"))])
    #expect(plan.entries.map(\.path) == ["/a"])
  }

  @Test func `one unusable path adds nothing`() throws {
    let problems = [
      PathProblem(path: "/x", message: "No such file or directory"), PathProblem(path: "/y", message: "is a directory"),
    ]
    let error = try #require(
      failure(
        AddRequest(paths: ["/x", "/ok", "/y"]),
        [.unusable(problems[0]), .file(file("/ok")), .unusable(problems[1])]))
    #expect(error.code == .noInput)
    #expect(error.paths == problems)
  }

  @Test func `problems of a refusal fit a line`() throws {
    let long = String(repeating: "p", count: 4000)
    let found = (0..<1000).map { InspectedPath.unusable(PathProblem(path: "/\($0)\(long)", message: "missing")) }
    let error = try #require(failure(AddRequest(paths: ["/x"]), found))
    #expect((1..<100).contains(error.paths.count))
    #expect(error.message.contains("1000"))
  }

  @Test func `file name without a valid key is reported`() throws {
    let plan = try AddPlan(AddRequest(paths: ["/a\u{1}b", "/c"]), found: [.file(file("/a\u{1}b")), .file(file("/c"))])
    #expect(plan.entries.map(\.key.text) == ["file/c"])
    #expect(plan.failed.map(\.path) == ["/a\u{1}b"])
  }

  @Test func `exact key and title need a single file`() throws {
    let title = try Title("T")
    let single = try AddPlan(AddRequest(paths: ["/a"], key: "data/x", title: title), found: [.file(file("/a"))])
    #expect(single.entries.map(\.key.text) == ["data/x"])
    #expect(single.entries.map(\.title) == [title])
    let two: [InspectedPath] = [.file(file("/a")), .file(file("/b"))]
    #expect(failure(AddRequest(paths: ["/a", "/b"], key: "data/x"), two)?.code == .usage)
    #expect(failure(AddRequest(paths: ["/a", "/b"], title: title), two)?.code == .usage)
    let directory = InspectedPath.directory(
      FoundTree(name: "d", files: [file("/d/a", below: "/d")], unreadable: []))
    #expect(failure(AddRequest(paths: ["/d"], tree: TreeSelection(), key: "data/x"), [directory])?.code == .usage)
    let below = try AddPlan(AddRequest(paths: ["/d"], tree: TreeSelection(), key: "data/"), found: [directory])
    #expect(below.entries.map(\.key.text) == ["data/a"])
  }

  @Test func `number of files is limited`() {
    let many = (0...AddPlan.maxFiles).map { file("/d/\($0)", below: "/d") }
    let error = failure(
      AddRequest(paths: ["/d"], tree: TreeSelection()), [.directory(FoundTree(name: "d", files: many, unreadable: []))])
    #expect(error?.code == .tooLarge)
    #expect(error?.limit == .init("files", AddPlan.maxFiles))
  }

  // MARK: Batches

  private func batches(_ sizes: [Int64]) throws -> [Range<Int>] {
    let key = try DocumentKey("file/x")
    return AddPlan.batches(sizes.map { .init(key: key, title: nil, file("/x", size: $0)) })
  }

  @Test func `batches are limited in files and bytes`() throws {
    #expect(try batches([]) == [])
    #expect(try batches([0]) == [0..<1])
    let full = AddPlan.batchFiles
    #expect(
      try batches(Array(repeating: 1, count: 2 * full + 1)) == [0..<full, full..<2 * full, 2 * full..<2 * full + 1])
    let large = AddPlan.batchBytes
    #expect(try batches([large, 1, large, large]) == [0..<1, 1..<3, 3..<4])
    #expect(try batches([.max, .max, -1]) == [0..<1, 1..<2, 2..<3])
  }
}
