// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Glibc
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

@Suite struct PathInspectionTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func inspect(
    _ paths: [String], recursive: Bool = false, ownState: String? = nil, unfinished: Set<String> = [], most: Int = 1000
  ) -> [InspectedPath] {
    PathInspection(
      isRecursive: recursive, ownState: ownState.flatMap { PathInspection.Place(directory: $0) },
      unfinished: unfinished, maxFiles: most
    ).inspect(paths)
  }

  private func problem(_ path: String, recursive: Bool = false) -> String? {
    guard case .unusable(let problem)? = inspect([path], recursive: recursive).first else { return nil }
    #expect(problem.path == path)
    return problem.message
  }

  private func names(_ path: String, ownState: String? = nil, unfinished: Set<String> = []) -> [String] {
    guard
      case .directory(_, let files, _, _)? =
        inspect([path], recursive: true, ownState: ownState, unfinished: unfinished).first
    else { return ["no directory"] }
    return files.map { String($0.name) }
  }

  @Test func `file is found with name and size`() throws {
    let path = try directory.write("paper.pdf", [1, 2, 3])
    guard case .file(let file)? = inspect([path]).first else {
      Issue.record("not found")
      return
    }
    #expect(file.path == path)
    #expect(file.name == "paper.pdf")
    #expect(file.fingerprint.size == 3)
  }

  @Test func `unusable paths are named`() throws {
    #expect(problem(directory.file("missing")) == "No such file or directory")
    #expect(problem(directory.path)?.contains("-r") == true)
    let dangling = directory.file("dangling")
    #expect(symlink("nowhere", dangling) == 0)
    #expect(problem(dangling) == "No such file or directory")
    let fifo = directory.file("fifo")
    #expect(mkfifo(fifo, 0o600) == 0)
    #expect(problem(fifo) == "is not a regular file")
    #expect(problem("/dev/null") == "is not a regular file")
    #expect(problem("/" + String(repeating: "x", count: 4095)) == "File name too long")
    #expect(problem("/" + String(repeating: "x/", count: 2047)) != nil)
    let loop = directory.file("loop")
    #expect(symlink("loop", loop) == 0)
    #expect(problem(loop, recursive: true) == "Too many levels of symbolic links")
  }

  @Test func `walk is sorted and survives link cycles`() throws {
    for name in ["d", "d/b", "d/b/deep", "d/a"] { #expect(mkdir(directory.file(name), 0o700) == 0) }
    for name in ["d/z", "d/b/1", "d/b/deep/2", "d/a/3", "d/.hidden"] { try directory.write(name, [1]) }
    #expect(symlink("..", directory.file("d/b/up")) == 0)
    #expect(symlink("deep", directory.file("d/b/twin")) == 0)
    #expect(symlink("z", directory.file("d/link")) == 0)
    #expect(mkfifo(directory.file("d/fifo"), 0o600) == 0)
    let found = Set(names(directory.file("d")))
    #expect(found.isSuperset(of: [".hidden", "a/3", "b/1", "link", "z"]))
    #expect(found.count == 6, "the directory with two names is entered once")
    #expect(names(directory.file("d")) == names(directory.file("d")).sorted())
  }

  @Test func `own state and unfinished downloads are left out`() throws {
    for name in ["d", "d/state"] { #expect(mkdir(directory.file(name), 0o700) == 0) }
    for name in ["d/state/key.pem", "d/part", "d/ok"] { try directory.write(name, [1]) }
    let state = directory.file("d/state")
    #expect(names(directory.file("d"), ownState: state, unfinished: [directory.file("d/part")]) == ["ok"])
    for path in [state, state + "/key.pem", state + "/../state/key.pem"] {
      guard case .unusable? = inspect([path], recursive: true, ownState: state).first else {
        Issue.record("\(path) may be shared")
        continue
      }
    }
  }

  @Test func `names that are not UTF-8 are reported`() throws {
    #expect(mkdir(directory.file("d"), 0o700) == 0)
    let bytes = Array(directory.file("d/").utf8) + [0x61, 0xFF, 0]
    let descriptor = bytes.withUnsafeBytes { buffer in
      buffer.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { open($0, O_CREAT | O_WRONLY, 0o600) } ?? -1 }
    }
    #expect(descriptor >= 0)
    close(descriptor)
    symlink("nowhere", directory.file("d/dangling"))
    guard case .directory(_, let files, let unreadable, 0)? = inspect([directory.file("d")], recursive: true).first
    else {
      Issue.record("not walked")
      return
    }
    #expect(files.isEmpty)
    #expect(unreadable.map(\.message) == ["its name is not UTF-8", "No such file or directory"])
  }

  @Test func `first problems are named and the others counted`() throws {
    for name in ["d", "d/below", "e"] { #expect(mkdir(directory.file(name), 0o700) == 0) }
    for number in 0..<10 {
      symlink("nowhere", directory.file("d/\(number)"))
      symlink("nowhere", directory.file("d/below/\(number)"))
      symlink("nowhere", directory.file("e/\(number)"))
    }
    let paths = [directory.file("d"), directory.file("e")]
    let found = PathInspection(isRecursive: true, ownState: nil, maxProblems: 12).inspect(paths)
    let plan = try AddPlan(AddRequest(paths: paths, isRecursive: true), found: found)
    #expect(plan.failed.count == 12 + 2)
    #expect(plan.failed[12] == PathProblem(path: paths[0], message: "8 more files in it cannot be shared"))
    #expect(plan.failed[13] == PathProblem(path: paths[1], message: "10 more files in it cannot be shared"))
    #expect(plan.failedCount == 30)
  }

  @Test func `walk stops after the limit`() throws {
    #expect(mkdir(directory.file("d"), 0o700) == 0)
    for number in 0..<20 { try directory.write("d/\(number)", [1]) }
    guard case .directory(_, let files, _, _)? = inspect([directory.file("d")], recursive: true, most: 5).first else {
      Issue.record("not walked")
      return
    }
    #expect(files.count == 6, "one more tells that there are more")
  }

  @Test func `cancelled walk ends within a directory`() throws {
    #expect(mkdir(directory.file("d"), 0o700) == 0)
    for number in 0..<20 { try directory.write("d/\(number)", [1]) }
    let calls = Atomic<Int>(0)
    let inspection = PathInspection(
      isRecursive: true, ownState: nil, isCancelled: { calls.add(1, ordering: .relaxed).newValue > 10 })
    guard case .directory(_, let files, _, _)? = inspection.inspect([directory.file("d")]).first else {
      Issue.record("not walked")
      return
    }
    #expect(files.count < 20)
  }

  @Test func `dots in a path are resolved`() throws {
    #expect(PathInspection.resolved("/a/b") == "/a/b")
    #expect(mkdir(directory.file("d"), 0o700) == 0)
    let path = try directory.write("d/x", [1])
    for dotted in ["d/./x", "d//x", "d/../d/x"] {
      #expect(PathInspection.resolved(directory.file(dotted)) == path)
    }
    #expect(PathInspection.resolved(directory.file("d/")) == directory.file("d"))
    #expect(PathInspection.resolved(directory.file("d/../../..") + "/..") == "/")
    #expect(PathInspection.resolved(directory.file("missing/../x")) == nil)
  }
}
