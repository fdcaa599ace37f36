// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Downloads between peers over real sockets.
@Suite struct TransferTests {
  @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 1_000_000, 9_000_001])
  func `shared document is downloaded`(_ size: Int) async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bob = try await swarm.peer("bob")
      let bytes = pattern(size)
      let path = try swarm.directory.write("source", bytes)
      let document = try await alice.share(path, as: "file/x")
      let target = swarm.directory.file("target")
      let reply = try await bob.get("file/x", to: target)
      #expect(TemporaryDirectory.read(target) == bytes)
      #expect(reply.received == Int64(size))
      #expect(reply.sources.map(\.peer) == (size > 0 ? [alice.id] : []))
      #expect(try bob.catalogue.shares(under: document.key).map(\.path) == [target])
      #expect(try bob.catalogue.leftovers().isEmpty)
      let found = try await bob.link.ask(.lookup(.init(.key(document.key))), LookupReply.init)
      #expect(Set(found.contents[0].holders.map(\.peer)) == [alice.id, bob.id])
    }
  }

  @Test func `downloaded document is served`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bob = try await swarm.peer("bob")
      let carol = try await swarm.peer("carol")
      let bytes = pattern(700_000)
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      _ = try await bob.get("file/x", to: swarm.directory.file("b"))
      let reply = try await carol.get("file/x", to: swarm.directory.file("c"), from: "bob")
      #expect(reply.sources.map(\.peer) == [bob.id])
      #expect(TemporaryDirectory.read(swarm.directory.file("c")) == bytes)
    }
  }

  @Test func `concurrent downloads of one file succeed`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bob = try await swarm.peer("bob")
      let bytes = pattern(1_000_000)
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let target = swarm.directory.file("target")
      try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<12 { group.addTask { try await bob.get("file/x", to: target).path } }
        for try await path in group { #expect(path == target) }
      }
      #expect(TemporaryDirectory.read(target) == bytes)
      #expect(try bob.catalogue.leftovers().isEmpty)
    }
  }

  @Test func `different file is replaced only with force`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bob = try await swarm.peer("bob")
      let bytes = pattern(50_000)
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let target = try swarm.directory.write("target", pattern(50_000, seed: 2))
      let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
      #expect(failure?.code == .cannotCreate)
      #expect(TemporaryDirectory.read(target) == pattern(50_000, seed: 2))
      _ = try await bob.get("file/x", to: target, force: true)
      #expect(TemporaryDirectory.read(target) == bytes)
      let again = try await bob.get("file/x", to: target)
      #expect(again.received == 0)
    }
  }

  @Test func `missing directory is named`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bob = try await swarm.peer("bob")
      try await alice.share(swarm.directory.write("source", pattern(10)), as: "file/x")
      for path in ["/nonexistent-p2p/x", "/proc/x", swarm.directory.file("source") + "/x"] {
        let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: path) }
        #expect([.cannotCreate, .noInput].contains(failure?.code))
      }
    }
  }

  @Test func `several contents need a choice`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bob = try await swarm.peer("bob")
      let carol = try await swarm.peer("carol")
      try await alice.share(swarm.directory.write("a", pattern(10)), as: "file/x")
      try await bob.share(swarm.directory.write("b", pattern(11)), as: "file/x")
      let target = swarm.directory.file("target")
      let failure = await #expect(throws: WireFailure.self) { try await carol.get("file/x", to: target) }
      #expect(failure?.code == .severalContents)
      #expect(failure?.choices.count == 2)
      let reply = try await carol.get("file/x", to: target, from: "bob")
      #expect(reply.content.size == 11)
    }
  }

  @Test func `reason for an unreachable source is reported`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice", port: 1)
      let bob = try await swarm.peer("bob")
      try await alice.share(swarm.directory.write("source", pattern(10)), as: "file/x")
      let failure = await #expect(throws: WireFailure.self) {
        try await bob.get("file/x", to: swarm.directory.file("target"))
      }
      #expect(failure?.message.hasSuffix("alice cannot be reached: Connection refused") == true)
    }
  }

  @Test func `changed file is never served as the old content`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice")
      let bob = try await swarm.peer("bob")
      let path = try swarm.directory.write("source", pattern(300_000))
      try await alice.share(path, as: "file/x")
      try swarm.directory.write("source", pattern(300_000, seed: 9))
      let target = swarm.directory.file("target")
      let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
      #expect(failure?.code == .noSource)
      #expect(TemporaryDirectory.read(target) == nil)
      #expect(try bob.catalogue.leftovers().isEmpty)
    }
  }

  /// Downloads over a reused connection are independent of each other, and a connection that the source has closed is
  /// replaced.
  @Test func `consecutive downloads reuse connections`() async throws {
    try await Swarm.with { swarm in
      var limits = PeerLimits()
      limits.connections = 4
      let alice = try await swarm.peer("alice", limits: limits)
      let bob = try await swarm.peer("bob")
      for number in 0..<20 {
        let bytes = pattern([0, 10_000, 16_385, 300_000][number % 4] + number, seed: UInt64(number + 1))
        try await alice.share(swarm.directory.write("source\(number)", bytes), as: "file/\(number)")
        let target = swarm.directory.file("target\(number)")
        let reply = try await bob.get("file/\(number)", to: target, share: false)
        #expect(TemporaryDirectory.read(target) == bytes)
        #expect(reply.received == Int64(bytes.count))
      }
    }
  }

  @Test func `closed idle connection is replaced`() async throws {
    try await Swarm.with { swarm in
      var limits = PeerLimits()
      limits.idle = 1
      let alice = try await swarm.peer("alice", limits: limits)
      let bob = try await swarm.peer("bob")
      for number in 0..<2 {
        let bytes = pattern(20_000, seed: UInt64(number + 1))
        try await alice.share(swarm.directory.write("source\(number)", bytes), as: "file/\(number)")
        let target = swarm.directory.file("target\(number)")
        _ = try await bob.get("file/\(number)", to: target, share: false)
        #expect(TemporaryDirectory.read(target) == bytes)
        if number == 0 { #expect(await eventually { alice.uploads.connectionCount == 0 }) }
      }
    }
  }

  @Test func `unknown document is not found`() async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob")
      let failure = await #expect(throws: WireFailure.self) {
        try await bob.get("file/none", to: swarm.directory.file("t"))
      }
      #expect(failure?.code == .notFound)
    }
  }

  @Test func `download goes on without its reader until it is cancelled`() async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob")
      let liar = try await Liar.start(swarm, "liar", .silent)
      try await liar.claim("file/x", pattern(200_000))
      let target = swarm.directory.file("target")
      let task = Task { try await bob.get("file/x", to: target) }
      #expect(await eventually { !bob.transfers.snapshot().isEmpty })
      task.cancel()
      let failure = await #expect(throws: WireFailure.self) { try await task.value }
      #expect(failure?.code == .cancelled)
      #expect(bob.transfers.snapshot().map(\.state) == ["active"])
      #expect(try await bob.downloads.cancel(.all) == 1)
      #expect(TemporaryDirectory.read(target) == nil)
      #expect(try await eventually { try bob.catalogue.leftovers().isEmpty })
      await liar.end()
    }
  }
}
