// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import TestSupport
import Testing
import WireProtocol

/// Downloads of prefixes when disks are full, sources change, and keys cannot be files.
@Suite(.serialized) struct PrefixFaultTests {
  @Test(.enabled("needs the right to mount") { SmallDisk.canMount })
  func `full disk stops a tree, which goes on when there is room`() async throws {
    try await PrefixScene.with { scene in
      try #require(mkdir(scene.target, 0o700) == 0)
      try #require(mount("p2p-test", scene.target, "tmpfs", 0, "size=512k,mode=0700") == 0)
      defer { umount2(scene.target, CInt(MNT_DETACH)) }
      let full = try await scene.get()
      #expect(full.reply.failure == "cannot-create" && full.reply.state == "waiting")
      #expect(full.reply.fetched < full.reply.documents)
      for (path, bytes) in scene.files {
        if let found = scene.read(path) { #expect(found == bytes, "\(path)") }
      }
      try #require(mount("p2p-test", scene.target, "tmpfs", UInt(MS_REMOUNT), "size=16m,mode=0700") == 0)
      let rest = try await scene.get()
      #expect(rest.reply.failed == 0 && rest.reply.job == full.reply.job)
      #expect(rest.reply.present >= full.reply.fetched)
      #expect(scene.isComplete)
    }
  }

  /// Whatever the source does meanwhile, each file is whole, of one version or the other.
  @Test func `files that change at the source midway are never mixed`() async throws {
    try await PrefixScene.with { scene in
      _ = try await scene.bob.ask(.limit(ChangeLimits(down: 100_000)))
      async let first = scene.get()
      #expect(await eventually { scene.read("a/b/c/deep") != nil })
      var random = SeededGenerator(seed: 9)
      var later = scene.files
      for path in ["large", "one-piece", "d0/f39", "d1/f37", "d2/f38"] {
        let bytes = random.bytes(scene.files[path]?.count ?? 0)
        later[path] = bytes
        try Data(bytes).write(to: URL(filePath: scene.fixture.directory.file("source/t/\(path)")), options: .atomic)
      }
      _ = try await scene.bob.ask(.limit(ChangeLimits(down: 0)))
      let (_, results) = try await first
      for (path, bytes) in scene.files {
        let found = scene.read(path)
        #expect(
          found == bytes || found == later[path] || (found == nil && results["data/t/\(path)"]?.error != nil), "\(path)"
        )
      }
      let isThere = try await eventually {
        _ = try await scene.get { $0.force = true }
        return later.allSatisfy { scene.read($0.key) == $0.value }
      }
      #expect(isThere)
    }
  }

  @Test func `keys that cannot be files are named, and the others fetched`() async throws {
    try await PrefixScene.with { scene in
      let file = try scene.fixture.directory.write("other", [9])
      let long = "data/t/\(String(repeating: "x", count: 300))"
      _ = try await scene.alice.add([file], key: long)
      try await scene.fixture.withPeer("carol") { carol in
        _ = try await carol.add([file], key: "data/t/d0/f3")
        let (reply, results) = try await scene.get()
        #expect(Set(results.filter { $0.value.error != nil }.keys) == [long, "data/t/d0/f3"])
        #expect(results[long]?.error == "cannot-create")
        #expect(results["data/t/d0/f3"]?.error == "several-contents")
        #expect(reply.failed == 2 && reply.fetched == Int64(scene.files.count) - 1 && reply.failure == "cannot-create")
        let from = try await scene.get { $0.from = "carol" }
        #expect(from.results["data/t/d0/f3"]?.error == nil && scene.read("d0/f3") == [9])
      }
    }
  }

  /// Both spellings are one key, whose file has the normal one.
  @Test func `decomposed name is one key and one file`() async throws {
    try await PrefixScene.with { scene in
      let decomposed = try scene.fixture.directory.write("e\u{301}", [1, 2])
      _ = try await scene.alice.add([decomposed], key: "data/n/e\u{301}")
      for (isFetched, typed) in [(true, "data/n/"), (false, "data/n/")] {
        let (reply, results) = try await scene.get(.prefix(typed))
        #expect(reply.documents == 1 && reply.fetched == (isFetched ? 1 : 0) && reply.present == (isFetched ? 0 : 1))
        #expect(results["data/n/\u{E9}"]?.error == nil)
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: scene.target)
      #expect(names.map { Array($0.utf8) } == [[0xC3, 0xA9]])
    }
  }
}
