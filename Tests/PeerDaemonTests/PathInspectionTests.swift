// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Foundation
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
    _ paths: [String], _ selection: TreeSelection? = nil, state: String? = nil, unfinished: Set<String> = [],
    most: Int = 1000
  ) -> [InspectedPath] {
    PathInspection(
      selection, places: PrivatePlaces(state.map { [$0] } ?? []).current(), unfinished: unfinished, maxFiles: most
    ).inspect(paths)
  }

  private func problem(_ path: String, _ selection: TreeSelection? = nil, state: String? = nil) -> String? {
    guard case .unusable(let problem)? = inspect([path], selection, state: state).first else { return nil }
    #expect(problem.path == path)
    return problem.message
  }

  private func tree(
    _ name: String, _ selection: TreeSelection = TreeSelection(), state: String? = nil, unfinished: Set<String> = [],
    most: Int = 1000
  ) throws -> FoundTree {
    let found = inspect([directory.file(name)], selection, state: state, unfinished: unfinished, most: most).first
    guard case .directory(let tree)? = found else { throw RawConnection.Failure(description: "\(found as Any)") }
    return tree
  }

  private func make(_ directories: String...) {
    for name in directories { #expect(mkdir(directory.file(name), 0o700) == 0) }
  }

  @Test(arguments: ["paper.pdf", "\u{301}x.txt", "\u{200D}x.txt"])
  func `file is found with name and size`(_ name: String) throws {
    let path = try directory.write(name, [1, 2, 3])
    guard case .file(let file)? = inspect([path]).first else {
      Issue.record("not found")
      return
    }
    #expect(file.path == path)
    #expect(file.name == name)
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
    #expect(problem(loop, TreeSelection()) == "Too many levels of symbolic links")
  }

  @Test func `walk takes files and names what it leaves out`() throws {
    make("d", "d/b", "d/b/deep", "d/empty", "d/.git", "d/node_modules")
    for name in ["d/z", "d/b/1", "d/b/deep/2", "d/b/3.o", "d/.hidden", "d/.git/config", "d/node_modules/x"] {
      try directory.write(name, [1])
    }
    #expect(symlink("..", directory.file("d/b/up")) == 0)
    #expect(symlink("/etc/passwd", directory.file("d/link")) == 0)
    #expect(mkfifo(directory.file("d/fifo"), 0o600) == 0)
    let found = try tree("d", TreeSelection(excluded: ["*.o", "node_modules/"]))
    #expect(found.files.map(\.name) == ["b/1", "b/deep/2", "z"])
    #expect(found.files.map(\.path) == ["b/1", "b/deep/2", "z"].map { directory.file("d/" + $0) })
    #expect(found.unreadable.isEmpty)
    let leftOut = Dictionary(uniqueKeysWithValues: found.leftOut.groups.map { ($0.reason, $0.paths) })
    #expect(
      leftOut == [
        "hidden": [".git", ".hidden"].map { directory.file("d/" + $0) },
        "excluded": ["node_modules", "b/3.o"].map { directory.file("d/" + $0) },
        "link": ["link", "b/up"].map { directory.file("d/" + $0) }, "not-a-file": [directory.file("d/fifo")],
        "empty": [directory.file("d/empty")],
      ])
    #expect(try tree("d", TreeSelection(takesHidden: true)).files.map(\.name).contains(".git/config"))
  }

  @Test func `links are followed on request, each directory once`() throws {
    make("d", "d/b", "d/b/deep", "out")
    for name in ["d/z", "d/b/deep/2", "out/far"] { try directory.write(name, [1]) }
    #expect(symlink("..", directory.file("d/b/up")) == 0)
    #expect(symlink("deep", directory.file("d/b/twin")) == 0)
    #expect(symlink("z", directory.file("d/link")) == 0)
    #expect(symlink(directory.file("out"), directory.file("d/out")) == 0)
    let found = try tree("d", TreeSelection(followsLinks: true))
    #expect(Set(found.files.map(\.name)).isSuperset(of: ["link", "out/far", "z"]))
    #expect(found.files.count == 4, "the directory with two names is entered once")
    #expect(found.files.first { $0.name == "out/far" }?.path == directory.file("out/far"))
    #expect(found.files.first { $0.name == "link" }?.path == directory.file("d/z"))
    #expect(found.files.map(\.name) == found.files.map(\.name).sorted())
  }

  @Test(arguments: [
    ("*.o", "a/b.o", true), ("*.o", "b.oo", false), ("build/", "a/build", true), ("/build", "build", true),
    ("/build", "a/build", false), ("a/*.o", "a/b.o", true), ("a/*.o", "a/b/c.o", false), ("[ab]", "b", true),
  ])
  func `exclude patterns`(pattern: String, path: String, isExcluded: Bool) {
    let name = String(path.split(separator: "/").last ?? "")
    #expect((TreeSelection(excluded: [pattern]).reason(toLeaveOut: name, at: path) == .excluded) == isExcluded)
  }

  /// The name is the one that was typed; the path holds no link that could lead elsewhere later.
  @Test func `named link is resolved`() throws {
    make("store")
    let path = try directory.write("store/abc", [1])
    #expect(symlink(path, directory.file("paper.pdf")) == 0)
    #expect(symlink("store", directory.file("papers")) == 0)
    guard case .file(let file)? = inspect([directory.file("paper.pdf")]).first else {
      Issue.record("not found")
      return
    }
    #expect(file.name == "paper.pdf" && file.path == path)
    let found = try tree("papers")
    #expect(found.name == "papers" && found.files.map(\.path) == [path])
  }

  @Test func `private files are refused however the path is spelled`() throws {
    make("d", "d/state", "d/state/alice", "d/state/alice/layers", "d/other")
    for name in ["d/state/alice/key.pem", "d/state/alice/layers/x", "d/part", "d/ok", "d/other/ok"] {
      try directory.write(name, [1])
    }
    for name in ["d/other/catalogue.sqlite", "d/other/lock"] { try directory.write(name, [1]) }
    let state = directory.file("d/state")
    #expect(symlink(state + "/alice/key.pem", directory.file("d/symlink")) == 0)
    #expect(symlink(state, directory.file("d/linked")) == 0)
    #expect(link(state + "/alice/key.pem", directory.file("d/hard")) == 0)
    let refused = [
      "state", "state/alice", "state/alice/key.pem", "state/../state/alice/key.pem", "linked/alice/key.pem",
      "symlink", "hard", "linked", "state/alice/layers", "state/alice/layers/x", "other", "other/ok",
    ]
    for name in refused {
      let message = problem(directory.file("d/" + name), TreeSelection(), state: state)
      #expect(message?.contains("never shared") == true, "\(name): \(message ?? "shared")")
    }
    for followsLinks in [false, true] {
      let found = try tree(
        "d", TreeSelection(followsLinks: followsLinks), state: state, unfinished: [directory.file("d/part")])
      #expect(found.files.map(\.name) == ["ok"])
      #expect(found.leftOut.groups.map(\.reason).contains("state"))
    }
  }

  @Test func `downloads of a private place may be shared`() throws {
    make("state", "state/downloads")
    let path = try directory.write("state/downloads/x", [1])
    try directory.write("state/key.pem", [1])
    let state = directory.file("state")
    let places = PrivatePlaces([state], except: [state + "/downloads"]).current()
    let found = PathInspection(nil, places: places).inspect([path, state + "/key.pem"])
    guard case .file? = found.first, case .unusable? = found.last else {
      Issue.record("\(found)")
      return
    }
  }

  /// Files that make a directory one of this system, in another installation.
  @Test(arguments: [
    ["catalogue.sqlite", "lock"], ["catalogue.sqlite", "key.pem"], ["lock", "children.json"], ["lock", "start.json"],
    ["supervisor/lock", "supervisor/ports.json"], ["state/supervisor/lock"], ["state/x", "config/p2p.toml"],
    ["state/x", "log/supervisor.log"],
  ])
  func `files of another installation are refused`(marks: [String]) throws {
    make("d", "d/home", "d/home/log")
    for mark in marks {
      if let slash = mark.lastIndex(of: "/") {
        try FileManager.default.createDirectory(
          atPath: directory.file("d/home/" + mark[..<slash]), withIntermediateDirectories: true)
      }
      try directory.write("d/home/" + mark, [1])
    }
    try directory.write("d/home/log/alice.log", [1])
    try directory.write("d/ok", [1])
    for name in ["home", "home/log", "home/log/alice.log"] + marks.map({ "home/" + $0 }) {
      let message = problem(directory.file("d/" + name), TreeSelection(takesHidden: true))
      #expect(message?.contains("never shared") == true, "\(name): \(message ?? "shared")")
    }
    let found = try tree("d", TreeSelection(takesHidden: true))
    #expect(found.files.map(\.name) == ["ok"])
    #expect(found.leftOut.groups.map(\.paths) == [[directory.file("d/home")]])
    // What was downloaded there belongs to its user.
    make("d/home/downloads", "d/home/downloads/alice")
    let path = try directory.write("d/home/downloads/alice/x", [1])
    #expect(problem(path) == nil)
  }

  @Test func `private key is refused wherever it lies`() throws {
    let path = try directory.write("notes.txt", Array("-----BEGIN PRIVATE KEY-----\nMIGH\n".utf8))
    #expect(problem(path) == "is a private key, which is never shared")
  }

  @Test func `interfaces of the system are refused`() {
    for path in ["/proc/self", "/proc/self/status", "/sys/kernel"] where access(path, F_OK) == 0 {
      #expect(problem(path, TreeSelection())?.contains("interface of the system") == true)
    }
  }

  @Test func `names that are not UTF-8 are reported`() throws {
    make("d")
    let bytes = Array(directory.file("d/").utf8) + [0x61, 0xFF, 0]
    let descriptor = bytes.withUnsafeBytes { buffer in
      buffer.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { open($0, O_CREAT | O_WRONLY, 0o600) } ?? -1 }
    }
    #expect(descriptor >= 0)
    close(descriptor)
    symlink("nowhere", directory.file("d/dangling"))
    let found = try tree("d", TreeSelection(followsLinks: true))
    #expect(found.files.isEmpty && found.more == 0)
    #expect(found.unreadable.map(\.message) == ["its name is not UTF-8", "No such file or directory"])
    #expect(found.unreadable.first?.path.hasSuffix(#"/d/a\xff"#) == true)
  }

  @Test func `first problems are named and the others counted`() throws {
    make("d", "d/below", "e")
    for number in 0..<10 {
      symlink("nowhere", directory.file("d/\(number)"))
      symlink("nowhere", directory.file("d/below/\(number)"))
      symlink("nowhere", directory.file("e/\(number)"))
    }
    let paths = [directory.file("d"), directory.file("e")]
    let selection = TreeSelection(followsLinks: true)
    let found = PathInspection(selection, places: .none, maxProblems: 12).inspect(paths)
    let plan = try AddPlan(AddRequest(paths: paths, tree: selection), found: found)
    #expect(plan.failed.count == 12 + 2)
    #expect(plan.failed[12] == PathProblem(path: paths[0], message: "8 more files in it cannot be shared"))
    #expect(plan.failed[13] == PathProblem(path: paths[1], message: "10 more files in it cannot be shared"))
    #expect(plan.failedCount == 30)
  }

  @Test func `walk stops after the limit`() throws {
    make("d")
    for number in 0..<20 { try directory.write("d/\(number)", [1]) }
    #expect(try tree("d", most: 5).files.count == 6, "one more tells that there are more")
  }

  @Test func `cancelled walk ends within a directory`() throws {
    make("d")
    for number in 0..<20 { try directory.write("d/\(number)", [1]) }
    let calls = Atomic<Int>(0)
    let inspection = PathInspection(
      TreeSelection(), places: .none, isCancelled: { calls.add(1, ordering: .relaxed).newValue > 10 })
    guard case .directory(let tree)? = inspection.inspect([directory.file("d")]).first else {
      Issue.record("not walked")
      return
    }
    #expect(tree.files.count < 20)
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
