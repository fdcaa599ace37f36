// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport
import Testing

/// Several users on one machine with the real programs.
@Suite(.serialized) struct SharingTests {
  @Test func `shared file is fetched and shared by the other peer`() async throws {
    try await Installation.with { system in
      let bytes = pattern(3_000_000)
      let source = try system.directory.write("paper.pdf", bytes)
      try await system.run("alice", "add", source)

      let found = try await system.rows("bob", "lookup", "file/paper.pdf")
      #expect(found.map { $0["peer"]?.string } == ["alice"])
      #expect(found.first?["size"]?.integer == 3_000_000)
      #expect(try await system.rows("bob", "list").map { $0["key"]?.string } == ["file/paper.pdf"])

      let target = system.directory.file("fetched.pdf")
      let reply = try await system.rows("bob", "get", "file/paper.pdf", "-o", target).last
      #expect(TemporaryDirectory.read(target) == bytes)
      #expect(reply?["received"]?.integer == 3_000_000)
      #expect(reply?["sources"]?.array?.first?["peer"]?.string == "alice")

      // What was fetched is shared; removing it deletes no file.
      #expect(try await system.rows("alice", "lookup", "file/paper.pdf").count == 2)
      try await system.run("bob", "remove", "file/paper.pdf")
      #expect(try await system.rows("alice", "lookup", "file/paper.pdf").count == 1)
      #expect(TemporaryDirectory.read(target) == bytes)
    }
  }

  @Test func `status and peers list the network`() async throws {
    try await Installation.with { system in
      try await system.run("alice", "add", system.directory.write("x", pattern(1000)))
      let status = try #require(try await system.rows("alice", "status").first)
      #expect(status["peer"]?.string == "alice")
      #expect(status["id"]?.string?.count == 64)
      #expect(status["index"]?["connected"]?.bool == true)
      #expect(status["documents"]?.integer == 1)
      #expect(status["bytes"]?.integer == 1000)
      let peers = try await system.rows("bob", "peers").compactMap { $0["name"]?.string ?? $0["peer"]?.string }
      #expect(Set(peers) == ["alice", "bob"])
    }
  }

  @Test func `several contents under one key are listed`() async throws {
    try await Installation.with(peers: ["alice", "bob", "carol"]) { system in
      let first = try system.directory.write("a.txt", pattern(1000))
      let second = try system.directory.write("b.txt", pattern(1001))
      try await system.run("alice", "add", first, "--key", "file/notes")
      try await system.run("bob", "add", second, "--key", "file/notes")
      let target = system.directory.file("notes")
      let refused = try await system.p2pctl("--peer", "carol", "get", "file/notes", "-o", target)
      #expect(refused.status == 1)
      #expect(access(target, F_OK) != 0)
      try await system.run("carol", "get", "file/notes", "-o", target, "--from", "bob")
      #expect(TemporaryDirectory.read(target) == pattern(1001))
      let other = try await system.p2pctl(
        "--peer", "carol", "get", "file/notes", "-o", target, "--from", "alice")
      #expect(other.status == 73)
      #expect(TemporaryDirectory.read(target) == pattern(1001))
      try await system.run("carol", "get", "file/notes", "-o", target, "--from", "alice", "--force")
      #expect(TemporaryDirectory.read(target) == pattern(1000))
    }
  }

  @Test func `exit statuses of failed commands`() async throws {
    try await Installation.with { system in
      let directory = system.directory.path
      let cases: [([String], Int32)] = [
        (["lookup", "file/none"], 3), (["get", "file/none"], 3), (["remove", "file/none"], 3),
        (["lookup", "no key"], 64), (["add"], 64), (["add", "/nonexistent-p2p"], 66), (["add", directory], 66),
        (["add", "/" + String(repeating: "x", count: 4096)], 66), (["list"], 0),
      ]
      for (arguments, status) in cases {
        let outcome = try await system.outcome(["--peer", "alice"] + arguments)
        #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
        if status != 0 { #expect(!outcome.errors.isEmpty) }
      }
      let missing = try await system.p2pctl("--peer", "nobody", "status")
      #expect(missing.status == 69)
    }
  }

  @Test func `one bad path adds nothing`() async throws {
    try await Installation.with { system in
      let good = try system.directory.write("good", pattern(10))
      let outcome = try await system.p2pctl("--peer", "alice", "add", good, "/nonexistent-p2p/x", "/nonexistent-p2p/y")
      #expect(outcome.status == 66)
      #expect(outcome.errors.contains("/nonexistent-p2p/x") && outcome.errors.contains("/nonexistent-p2p/y"))
      #expect(try await system.rows("bob", "list").isEmpty)
    }
  }

  @Test func `directory is shared with its paths`() async throws {
    try await Installation.with { system in
      let root = system.directory.file("cats")
      mkdir(root, 0o700)
      mkdir(root + "/čeština", 0o700)
      try system.directory.write("cats/0001.jpg", pattern(20_000))
      try system.directory.write("cats/čeština/kočka 猫.jpg", pattern(20_001))
      try await system.run("alice", "add", "-r", root)
      let keys = try await system.rows("bob", "list").compactMap { $0["key"]?.string }
      #expect(keys == ["file/cats/0001.jpg", "file/cats/čeština/kočka 猫.jpg"])
      let target = system.directory.file("kočka")
      try await system.run("bob", "get", "file/cats/čeština/kočka 猫.jpg", "-o", target)
      #expect(TemporaryDirectory.read(target) == pattern(20_001))
    }
  }

  @Test func `changed file is announced with its new content`() async throws {
    try await Installation.with { system in
      let path = try system.directory.write("x", pattern(100_000))
      try await system.run("alice", "add", path)
      try system.directory.write("x", pattern(100_000, seed: 2))
      let target = system.directory.file("y")
      let isRight = try await eventually(within: .seconds(20)) {
        _ = try await system.p2pctl("--peer", "bob", "get", "file/x", "-o", target, "--force")
        return TemporaryDirectory.read(target) == pattern(100_000, seed: 2)
      }
      #expect(isRight)
      #expect(TemporaryDirectory.read(path) == pattern(100_000, seed: 2))
    }
  }
}
