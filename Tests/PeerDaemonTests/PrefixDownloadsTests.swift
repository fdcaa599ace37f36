// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Downloads of prefixes and of several keys, between whole daemons.
@Suite struct PrefixDownloadsTests {
  private func scene(_ body: (PrefixScene) async throws -> Void) async throws { try await PrefixScene.with(body) }

  @Test func `prefix is fetched, shared, and kept when it is fetched again`() async throws {
    try await scene { scene in
      let first = try await scene.get()
      let count = Int64(scene.files.count)
      #expect(first.reply.documents == count && first.reply.fetched == count && first.reply.failed == 0)
      #expect(first.reply.received == scene.files.values.reduce(0) { $0 + Int64($1.count) })
      #expect(first.reply.failure == nil && first.reply.state == nil && first.reply.job != nil)
      #expect(scene.isComplete)
      #expect(first.results["data/t/large"]?.sources.map(\.name) == ["alice"])
      #expect(try await scene.bob.mine().count == scene.files.count)
      let second = try await scene.get()
      #expect(second.reply.present == count && second.reply.fetched == 0 && second.reply.received == 0)
      // The row of an ended one stays for a day; its large documents have none.
      let rows = try await scene.bob.ask(.transfers(ListTransfers(all: true))).events.compactMap { event in
        if case .transfer(let row) = event, row.direction == .download { row } else { nil }
      }
      #expect(rows.map(\.prefix) == ["data/t/", "data/t/"])
      #expect(rows.map(\.state) == ["done", "done"] && rows[0].have == count && rows[0].pieces == count)
    }
  }

  @Test func `only what is missing is fetched, and what is different is named`() async throws {
    try await scene { scene in
      _ = try await scene.get { $0.share = false }
      #expect(unlink("\(scene.target)/large") == 0)
      #expect(unlink("\(scene.target)/d0/f3") == 0)
      try Data([1, 2, 3]).write(to: URL(filePath: "\(scene.target)/d1/f1"))
      let again = try await scene.get { $0.share = false }
      #expect(again.reply.fetched == 2 && again.reply.failed == 1)
      #expect(again.reply.failure == "cannot-create")
      #expect(again.results["data/t/d1/f1"]?.error == "cannot-create")
      #expect(scene.read("d1/f1") == [1, 2, 3])
      #expect(try await scene.bob.mine().isEmpty)
      let forced = try await scene.get { $0.force = true }
      #expect(forced.reply.fetched == 1 && forced.reply.failed == 0)
      #expect(scene.isComplete)
    }
  }

  @Test func `names that leave the directory or cannot be files are named`() async throws {
    try await scene { scene in
      let outside = scene.fixture.directory.file("outside")
      try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
      try FileManager.default.createDirectory(atPath: scene.target, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: "\(scene.target)/d1", withDestinationPath: outside)
      try FileManager.default.createDirectory(atPath: "\(scene.target)/large", withIntermediateDirectories: true)
      let file = try scene.fixture.directory.write("other", [9])
      _ = try await scene.alice.add([file], key: "data/t/a/b")
      _ = try await scene.alice.add([file], key: "data/t/.hidden/x")
      let (reply, results) = try await scene.get()
      #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
      let failed = Set(results.filter { $0.value.error != nil }.keys)
      let linked = scene.files.keys.filter { $0.hasPrefix("d1/") }.map { "data/t/\($0)" }
      #expect(failed == Set(linked + ["data/t/a/b", "data/t/.hidden/x", "data/t/large"]))
      #expect(reply.failure == "cannot-create" && scene.read("a/b/c/deep") == [7])
      let hidden = try await scene.get { $0.hidden = true }
      #expect(hidden.results["data/t/.hidden/x"]?.error == nil && scene.read(".hidden/x") == [9])
    }
  }

  @Test func `several keys are fetched into a directory`() async throws {
    try await scene { scene in
      let keys = try ["data/t/d0/f3", "data/t/large", "data/t/d2/f5", "data/t/nothing"].map { try DocumentKey($0) }
      let (reply, results) = try await scene.get(.keys(keys))
      #expect(reply.documents == 4 && reply.fetched == 3 && reply.failed == 1 && reply.job == nil)
      #expect(results["data/t/nothing"]?.error == "not-found" && reply.failure == "not-found")
      #expect(scene.read("f3") == scene.files["d0/f3"] && scene.read("large") == scene.files["large"])
      #expect(scene.read("f5") == scene.files["d2/f5"])
      // Nor does a key that nobody has take the name of another.
      let named = try await scene.get(.keys([try DocumentKey("data/none/f7"), try DocumentKey("data/t/d1/f7")]))
      #expect(named.reply.fetched == 1 && named.results["data/t/d1/f7"]?.error == nil)
      #expect(scene.read("f7") == scene.files["d1/f7"])
      let again = try await scene.get(.keys(Array(keys.prefix(3))))
      #expect(again.reply.present == 3 && again.reply.received == 0)
    }
  }

  @Test func `nothing below a prefix is not found, and makes no job`() async throws {
    try await scene { scene in
      let answer = try await scene.bob.ask(.getAll(GetDocuments(.prefix("data/none/"), directory: scene.target)))
      #expect(answer.failure?.code == .notFound)
      #expect(try await scene.bob.ask(.transfers(ListTransfers(all: true))).events.isEmpty)
      let absent = try await scene.get(.keys([try DocumentKey("data/none/1"), try DocumentKey("data/none/2")]))
      #expect(absent.reply.failed == 2)
      #expect(access(scene.target, F_OK) != 0, "the directory is made with its first file")
    }
  }

  @Test func `detached download of a prefix ends by itself`() async throws {
    try await scene { scene in
      let (reply, _) = try await scene.get { $0.detach = true }
      #expect(reply.job != nil && reply.state != nil)
      #expect(await eventually { scene.isComplete })
      #expect(await eventually { (try? await scene.bob.mine().count) == scene.files.count })
    }
  }

  @Test func `second get replaces the source of a running download`() async throws {
    try await scene { scene in
      try await scene.fixture.withPeer("carol") { carol in
        _ = try await carol.add([scene.fixture.directory.file("source/t")], recursive: true, key: "data/t/")
        _ = try await scene.bob.ask(.limit(ChangeLimits(down: 20_000)))
        _ = try await scene.get {
          $0.from = "alice"
          $0.detach = true
        }
        var other = GetDocuments(.prefix("data/t/"), directory: scene.target)
        other.from = "dave"
        let unknown = try await scene.bob.ask(.getAll(other))
        #expect(unknown.failure?.code == .notFound)
        let second = try await scene.get {
          $0.from = "carol"
          $0.detach = true
        }
        #expect(second.reply.job != nil)
        _ = try await scene.bob.ask(.limit(ChangeLimits(down: 0)))
        #expect(await eventually { scene.isComplete })
        // Also what was half done.
        let status: ControlStatusReply = try await carol.reply(.status)
        #expect(status.moved?.uploaded ?? 0 > 500_000)
      }
    }
  }

  @Test func `paused and cancelled prefix leaves no hidden file`() async throws {
    try await scene { scene in
      _ = try await scene.bob.ask(.limit(ChangeLimits(down: 20_000)))
      _ = try await scene.get { $0.detach = true }
      let paused: ControlDownloadsReply = try await scene.bob.reply(.pause(PauseDownloads(.prefix("data/t/"))))
      #expect(paused.downloads == 1)
      #expect(!scene.isComplete)
      let cancelled: ControlDownloadsReply = try await scene.bob.reply(.cancel(.prefix("data/t/")))
      #expect(cancelled.downloads == 1)
      let names = FileManager.default.enumerator(atPath: scene.target)?.compactMap { $0 as? String } ?? []
      #expect(names.allSatisfy { !$0.hasSuffix(".p2p-part") })
      _ = try await scene.bob.ask(.limit(ChangeLimits(down: 0)))
      #expect(try await scene.get().reply.failed == 0)
      #expect(scene.isComplete)
    }
  }
}
