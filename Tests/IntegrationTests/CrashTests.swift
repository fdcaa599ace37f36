// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import TestSupport
import Testing

/// kill -9 of every process, and recovery without help.
@Suite(.serialized) struct CrashTests {
  @Test func `killed index returns with all records`() async throws {
    try await Installation.with { system in
      try await system.run("alice", "add", system.directory.write("x", pattern(1000)))
      let old = try await system.process("index")
      kill(old.pid, SIGKILL)
      #expect(await eventually { await system.isBack("index", after: old.pid) })
      #expect(try await system.process("index").address == old.address)
      let isFound = try await eventually {
        try await system.p2pctl("--peer", "bob", "lookup", "file/x").status == 0
      }
      #expect(isFound)
    }
  }

  @Test func `killed peer returns with its shares`() async throws {
    try await Installation.with { system in
      let bytes = pattern(500_000)
      try await system.run("alice", "add", system.directory.write("x", bytes))
      let old = try await system.process("alice")
      kill(old.pid, SIGKILL)
      #expect(await eventually { await system.isBack("alice", after: old.pid) })
      #expect(try await system.process("alice").address == old.address)
      let target = system.directory.file("y")
      let isFetched = try await eventually {
        try await system.p2pctl("--peer", "bob", "get", "file/x", "-o", target).status == 0
      }
      #expect(isFetched)
      #expect(TemporaryDirectory.read(target) == bytes)
    }
  }

  @Test func `connection made while the index is dead is served`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      for _ in 0..<5 {
        let old = try await system.process("index")
        kill(old.pid, SIGKILL)
        let connection = try RawConnection(to: try Endpoint(old.address))
        let hello = try connection.ask(
          #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "1", count: 64))","name":"x"}"#)
        #expect(hello["status"]?.integer == 200)
        #expect(await eventually { await system.isBack("index", after: old.pid) })
      }
    }
  }

  @Test func `children of a killed supervisor end and the next one restores everything`() async throws {
    try await Installation.with { system in
      let bytes = pattern(100_000)
      try await system.run("alice", "add", system.directory.write("x", bytes))
      let children = [
        try await system.process("index").pid, try await system.process("alice").pid,
        try await system.process("bob").pid,
      ]
      let address = try await system.process("alice").address
      try await system.killProcess("supervisor")
      let isGone = await eventually(within: .seconds(2)) { children.allSatisfy { kill($0, 0) != 0 } }
      #expect(isGone)
      try await system.expectSuccess([
        "supervisor", "start", "--serve-index", "127.0.0.1:0", "--peer", "alice", "--peer", "bob",
      ])
      #expect(try await system.process("alice").address == address)
      let target = system.directory.file("y")
      let isFetched = try await eventually {
        try await system.p2pctl("--peer", "bob", "get", "file/x", "-o", target).status == 0
      }
      #expect(isFetched)
      #expect(TemporaryDirectory.read(target) == bytes)
    }
  }

  @Test func `damaged catalogue is replaced by what can be read`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      #expect(mkdir(system.directory.file("many"), 0o700) == 0)
      for number in 0..<400 { try system.directory.write("many/\(number)", pattern(10, seed: UInt64(number))) }
      try await system.run("alice", "add", "-r", system.directory.file("many"))
      try await system.expectSuccess(["supervisor", "stop"])
      let path = system.home.file("state/alice/catalogue.sqlite")
      var bytes = try #require(TemporaryDirectory.read(path))
      try #require(bytes.count > 100_000, "a stop leaves one file with everything in it")
      for offset in 20_000..<80_000 { bytes[offset] ^= 0x5A }
      try system.home.write("state/alice/catalogue.sqlite", bytes)
      try await system.expectSuccess(["supervisor", "start", "--serve-index", "127.0.0.1:0", "--peer", "alice"])
      let isMoved = await eventually { access(path + ".damaged-1", F_OK) == 0 }
      #expect(isMoved)
      let isServing = try await eventually {
        try await system.p2pctl("--peer", "alice", "add", system.directory.file("many/1")).status == 0
      }
      #expect(isServing)
      let count = try await system.rows("alice", "list", "--mine", "--json").count
      #expect((200...400).contains(count))
      // Every command that relies on the catalogue says so, until the damaged one is moved away.
      for outcome in [
        try await system.p2pctl("--peer", "alice", "status"),
        try await system.p2pctl("--peer", "alice", "list", "--mine"),
        try await system.p2pctl("--peer", "alice", "get", "file/none"),
      ] {
        #expect(outcome.errors.contains("warning: the catalogue was damaged") && outcome.errors.contains(path))
      }
      #expect(rename(path + ".damaged-1", system.directory.file("elsewhere")) == 0)
      #expect(try await !system.p2pctl("--peer", "alice", "status").errors.contains("damaged"))
    }
  }

  @Test func `file size limit fails one download only`() async throws {
    try await Installation.with { system in
      try await system.run("alice", "add", system.directory.write("large", pattern(6_000_000)))
      try await system.run("alice", "add", system.directory.write("small", pattern(1000)))
      let bob = try await system.process("bob")
      let limit = try await Program(path: "/usr/bin/prlimit").run("--pid", "\(bob.pid)", "--fsize=4000000")
      #expect(limit.status == 0, "\(limit.errors)")
      let target = system.directory.file("fetched")
      let refused = try await system.p2pctl("--peer", "bob", "get", "file/large", "-o", target)
      #expect(refused.status == 73, "\(refused.errors)")
      #expect(access(target, F_OK) != 0)
      try await system.run("bob", "get", "file/small", "-o", target)
      #expect(try await system.process("bob").pid == bob.pid)
    }
  }

  /// The new supervisor ends the remaining children of the old one before it starts its own.
  @Test func `killed supervisor is replaced without duplicate processes`() async throws {
    let configuration = "[index]\nlisten = \"127.0.0.1:0\"\n[peers.alice]\n"
    try await Installation.with(configuration: configuration) { system in
      for _ in 0..<3 {
        try await system.killProcess("supervisor")
        let isStarted = try await eventually {
          try await system.p2pctl("supervisor", "start").status == 0
        }
        #expect(isStarted)
        let names = try system.runningPrograms()
        #expect(names.sorted() == ["p2p-index", "p2p-peer", "p2p-supervisor"], "\(names)")
      }
    }
  }

  @Test func `downloads are right whatever is killed meanwhile`() async throws {
    var random = SeededGenerator(seed: 42)
    try await Installation.with { system in
      let bytes = pattern(8_000_000)
      try await system.run("alice", "add", system.directory.write("x", bytes))
      for round in 0..<6 {
        let victim = random.pick(["index", "alice", "bob"])
        let pause = Duration.milliseconds(Int.random(in: 0..<60, using: &random))
        let target = system.directory.file("fetched\(round)")
        let killer = Task {
          try? await Task.sleep(for: pause)
          try await system.killProcess(victim)
        }
        let outcome = try await system.p2pctl("--peer", "bob", "get", "file/x", "-o", target, "--no-share")
        try await killer.value
        // A download may fail with its daemon, but never leaves a wrong file under the name.
        if outcome.status != 0 { #expect([1, 3, 69].contains(outcome.status), "\(victim): \(outcome.errors)") }
        if let fetched = TemporaryDirectory.read(target) { #expect(fetched == bytes, "after the end of \(victim)") }
        let isFetched = try await eventually(within: .seconds(20)) {
          try await system.p2pctl("--peer", "bob", "get", "file/x", "-o", target, "--no-share").status == 0
        }
        #expect(isFetched, "after the end of \(victim)")
        #expect(TemporaryDirectory.read(target) == bytes)
      }
    }
  }

  @Test func `get of a prefix waits for a daemon that restarts or was killed`() async throws {
    try await Installation.with { system in
      #expect(mkdir(system.directory.file("t"), 0o700) == 0)
      for number in 0..<30 { try system.directory.write("t/\(number)", pattern(200_000, seed: UInt64(number))) }
      try system.directory.write("t/large", pattern(4_000_000))
      try await system.run("alice", "add", "-r", system.directory.file("t"), "--key", "data/t/")
      try await system.run("bob", "limit", "--down", "3M")
      for isKilled in [false, true] {
        let target = system.directory.file("out\(isKilled)")
        async let ended = system.p2pctl("--peer", "bob", "get", "data/t/", "-o", target)
        #expect(await eventually { (try? FileManager.default.contentsOfDirectory(atPath: target).count) ?? 0 > 3 })
        if isKilled {
          try await system.killProcess("bob")
        } else {
          try await system.expectSuccess(["supervisor", "restart", "bob"])
        }
        let outcome = try await ended
        #expect(outcome.status == 0, "\(outcome.errors)")
        for number in 0..<30 {
          #expect(TemporaryDirectory.read("\(target)/\(number)") == pattern(200_000, seed: UInt64(number)))
        }
        #expect(TemporaryDirectory.read("\(target)/large") == pattern(4_000_000))
      }
    }
  }

  @Test func `get that waits for a key goes on whatever restarts meanwhile`() async throws {
    try await Installation.with { system in
      let (output, target) = (system.directory.file("output"), system.directory.file("fetched"))
      let get = try Program("p2pctl", environment: ["P2P_HOME": system.home.path]).start(
        ["--peer", "bob", "--json", "get", "file/x", "-o", target, "--wait", "--progress"], output: output)
      func reports() -> Int {
        String(decoding: TemporaryDirectory.read(output) ?? [], as: UTF8.self).split(separator: "waiting").count - 1
      }
      #expect(await eventually { reports() > 0 })
      for (victim, isKilled) in [("bob", false), ("bob", true), ("index", true)] {
        let (old, count) = (try await system.process(victim).pid, reports())
        if isKilled {
          try await system.killProcess(victim)
        } else {
          try await system.expectSuccess(["supervisor", "restart", victim])
        }
        #expect(await eventually { await system.isBack(victim, after: old) })
        #expect(await eventually { reports() > count + 1 }, "after the end of \(victim)")
      }
      try await system.run("alice", "add", system.directory.write("x", pattern(1_000)))
      let status = await Program.wait(for: get, .seconds(30))
      let errors = String(decoding: TemporaryDirectory.read(output + ".err") ?? [], as: UTF8.self)
      #expect(status == 0, "\(errors)")
      #expect(TemporaryDirectory.read(target) == pattern(1_000))
    }
  }

  /// A file that both have in different versions is that of one of them, and the other says so.
  @Test func `two trees into one directory are whole although their daemon is killed`() async throws {
    try await Installation.with { system in
      for tree in ["a", "b"] {
        #expect(mkdir(system.directory.file(tree), 0o700) == 0)
        let seed: UInt64 = tree == "a" ? 1 : 1_000
        for number in 0..<20 {
          try system.directory.write("\(tree)/\(tree)\(number)", pattern(150_000, seed: seed + UInt64(number)))
        }
        try system.directory.write("\(tree)/large", pattern(2_000_000, seed: seed))
        try system.directory.write("\(tree)/same", pattern(300_000))
        try await system.run("alice", "add", "-r", system.directory.file(tree), "--key", "data/\(tree)/")
      }
      let target = system.directory.file("out")
      try await system.run("bob", "limit", "--down", "4M")
      async let first = system.p2pctl("--peer", "bob", "get", "data/a/", "-o", target)
      async let second = system.p2pctl("--peer", "bob", "get", "data/b/", "-o", target)
      #expect(await eventually { (try? FileManager.default.contentsOfDirectory(atPath: target).count) ?? 0 > 3 })
      try await system.killProcess("bob")
      let outcomes = try await [first, second]
      #expect(outcomes.map(\.status).sorted() == [0, 73], "\(outcomes.map(\.errors))")
      #expect(outcomes.contains { $0.errors.contains("large") })
      for tree in ["a", "b"] {
        let seed: UInt64 = tree == "a" ? 1 : 1_000
        for number in 0..<20 {
          let bytes = TemporaryDirectory.read("\(target)/\(tree)\(number)")
          #expect(bytes == pattern(150_000, seed: seed + UInt64(number)), "\(tree)\(number)")
        }
      }
      let large = TemporaryDirectory.read("\(target)/large")
      #expect(large == pattern(2_000_000, seed: 1) || large == pattern(2_000_000, seed: 1_000))
      #expect(TemporaryDirectory.read("\(target)/same") == pattern(300_000))
      let left = try FileManager.default.contentsOfDirectory(atPath: target).filter { $0.hasSuffix(".p2p-part") }
      #expect(left.isEmpty)
    }
  }

  /// Connections that were idle are closed by the restart: that says nothing about new ones.
  @Test func `tree survives a restart of its only source`() async throws {
    try await Installation.with { system in
      #expect(mkdir(system.directory.file("t"), 0o700) == 0)
      for number in 0..<256 {
        try system.directory.write("t/a\(1_000 + number)", pattern(10, seed: UInt64(number)))
      }
      for number in 0..<6 { try system.directory.write("t/large\(number)", pattern(1_500_000, seed: UInt64(number))) }
      for number in 0..<10 { try system.directory.write("t/z\(number)", pattern(10, seed: UInt64(number))) }
      try await system.run("alice", "add", "-r", system.directory.file("t"), "--key", "data/t/")
      try await system.run("bob", "limit", "--down", "2M")
      let target = system.directory.file("out")
      async let ended = system.p2pctl("--peer", "bob", "get", "data/t/", "-o", target)
      #expect(await eventually { access("\(target)/a1255", F_OK) == 0 })
      try await system.expectSuccess(["supervisor", "restart", "alice"])
      let outcome = try await ended
      #expect(outcome.status == 0, "\(outcome.errors)")
      for number in 0..<10 {
        #expect(TemporaryDirectory.read("\(target)/z\(number)") == pattern(10, seed: UInt64(number)))
      }
    }
  }

  /// Nobody asks again: the download is a job of the daemon.
  @Test func `download of a killed peer goes on by itself, without what it had`() async throws {
    try await Installation.with { system in
      let bytes = pattern(40_000_000)
      let target = system.directory.file("fetched")
      try await system.run("alice", "add", system.directory.write("x", bytes))
      try await system.run("bob", "limit", "--down", "20M")
      try await system.run("bob", "get", "file/x", "-o", target, "--no-share", "--detach")
      let isHalfDone = try await eventually {
        try await system.rows("bob", "transfers").contains { $0["have"]?.integer ?? 0 > 60 }
      }
      #expect(isHalfDone)
      try await system.killProcess("bob")
      try await system.killProcess("alice")
      #expect(await eventually(within: .seconds(20)) { TemporaryDirectory.read(target) == bytes })
      let job = try #require(try await system.rows("bob", "transfers", "--all").first { $0["path"]?.string == target })
      #expect(job["state"]?.string == "done")
      #expect(try #require(job["received"]?.integer) < 40_000_000 + 16 << 20)
      let served = try await system.rows("alice", "transfers", "--all").first { $0["direction"]?.string == "upload" }
      #expect(served?["received"]?.integer ?? 0 < 30_000_000, "the first half was not fetched again")
      let left = try FileManager.default.contentsOfDirectory(atPath: system.directory.path)
        .filter { $0.hasSuffix(".p2p-part") }
      #expect(left.isEmpty)
    }
  }
}
