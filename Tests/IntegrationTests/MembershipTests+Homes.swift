// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// A peer that goes from one network to another.
extension MembershipTests {
  @Test func `unfinished download stays in its network`() async throws {
    try await ClosedInstallation.with { first in
      try await ClosedInstallation.with { second in
        let bytes = pattern(3_000_000)
        let secret = try first.first.directory.write("secret.bin", bytes)
        try await first.first.run("alice", "add", secret)
        let part = try first.first.directory.write("part.bin", pattern(3_000_000, seed: 2))
        try await first.first.run("alice", "add", part, "--key", "data/set/part.bin")
        let row = try #require(try await first.first.rows("alice", "lookup", "file/secret.bin").first)
        let content = #""content":"\#(row["content"]?.string ?? "")","size":\#(bytes.count)"#
        try await first.join(as: .reader)
        let bob = first.second
        try await bob.run("bob", "limit", "--down", "200k")
        let target = bob.directory.file("secret.bin")
        try await bob.expectSuccess(["get", "file/secret.bin", "-o", target, "--detach"])
        let directory = bob.directory.file("set")
        try await bob.expectSuccess(["get", "data/set/", "-o", directory, "--detach"])
        let isUnderWay = try await eventually {
          let transfers = try await self.transfers(of: bob)
          return transfers.count == 2 && transfers.allSatisfy { $0["received"]?.integer ?? 0 > 0 }
        }
        #expect(isUnderWay)

        try await join(second, bob)
        let waits = try await eventually { try await self.allWait(bob) }
        #expect(waits)
        try await expectNothing(of: content, in: second, from: bob)
        let again = try await bob.outcome(["get", "file/secret.bin", "-o", target])
        #expect(again.status != 0)
        try await bob.expectSuccess(["supervisor", "restart"])
        let stillWaits = try await eventually { try await self.allWait(bob) }
        #expect(stillWaits, "also after a restart")
        try await expectNothing(of: content, in: second, from: bob)

        // Back in its network.
        try await bob.run("bob", "limit", "--down", "off")
        try await bob.expectSuccess(["connect", "\(first.index)"])
        let isThere = await eventually(within: .seconds(30)) { TemporaryDirectory.read(target) == bytes }
        #expect(isThere)
        let hasPart = await eventually(within: .seconds(30)) {
          TemporaryDirectory.read(directory + "/part.bin") == pattern(3_000_000, seed: 2)
        }
        #expect(hasPart)
        let seeds = try await eventually {
          try await first.first.rows("alice", "lookup", "file/secret.bin").first?["total"]?.integer == 2
        }
        #expect(seeds, "it seeds in its own network")
        let back = try await bob.expectSuccess(["connect", "\(second.index)"])
        #expect(back.errors.contains("2 documents"))
        try await expectNothing(of: content, in: second, from: bob)
      }
    }
  }

  @Test func `connect to an open index announces nothing of a closed network by itself`() async throws {
    try await ClosedInstallation.with { network in
      try await Installation.with(peers: ["carol"]) { open in
        let alices = try network.first.directory.write("alices.txt", pattern(1000))
        try await network.first.run("alice", "add", alices)
        try await network.join()
        let bob = network.second
        let bobs = try bob.directory.write("bobs.txt", pattern(2000))
        try await bob.expectSuccess(["add", bobs])
        try await bob.expectSuccess(["get", "file/alices.txt", "-o", bob.directory.file("got.txt")])
        let index = try await open.process("index").address
        let connected = try await bob.expectSuccess(["connect", index])
        #expect(connected.errors.contains("2 documents"), "\(connected)")
        // A share of its own says that the announcement is over.
        let new = try bob.directory.write("new.txt", pattern(10))
        try await bob.expectSuccess(["add", new])
        #expect(try await keys(open) == ["file/new.txt"])
        let stats = try #require(try await open.rows("carol", "status", "--index").first)
        #expect(stats["records"]?.integer == 1, "\(stats)")
        try await bob.expectSuccess(["remove", "file/bobs.txt"])
        try await bob.expectSuccess(["connect", index, "--share-existing"])
        let isReleased = try await eventually { try await self.keys(open) == ["file/alices.txt", "file/new.txt"] }
        #expect(isReleased)
      }
    }
  }

  @Test func `what is added while the chosen index is down is for its network, and no other`() async throws {
    try await ClosedInstallation.with { network in
      try await Installation.with(peers: ["carol"]) { open in
        try await network.join()
        let bob = network.second
        let index = try await open.process("index").address
        await open.stop()
        let down = try await bob.outcome(["connect", index])
        #expect(down.status != 0)
        let file = try bob.directory.write("for-the-other.txt", pattern(1000))
        try await bob.expectSuccess(["add", file])
        let back = try await bob.expectSuccess(["connect", "\(network.index)"])
        #expect(back.errors.contains("1 document shared before stays unknown"), "\(back)")
        // A share of its own says that the announcement is over.
        let new = try bob.directory.write("new.txt", pattern(10))
        try await bob.expectSuccess(["add", new])
        #expect(try await network.keys(network.first) == ["file/new.txt"])
        try await open.expectSuccess(["supervisor", "start", "--serve-index", index, "--peer", "carol"])
        try await bob.expectSuccess(["connect", index])
        let isThere = try await eventually { try await self.keys(open) == ["file/for-the-other.txt"] }
        #expect(isThere)
      }
    }
  }

  @Test func `what is added before the membership is known once that has begun, at whatever address`() async throws {
    try await ClosedInstallation.with { network in
      let bob = network.second
      let address = "localhost:\(network.index.port)"
      _ = try await bob.outcome(["supervisor", "start", "--index", address, "--peer", "bob"])
      let early = try await bob.outcome(["add", try bob.directory.write("early.txt", pattern(1000))])
      #expect(early.status == 77 && early.errors.contains("ask an admin for a ticket"), "\(early)")
      let ticket = try await network.invite("--role", "publisher")
      #expect(ticket.addresses != [try Endpoint(address)])
      try await bob.expectSuccess(["join", ticket.text])
      let isKnown = try await eventually { try await network.keys(network.first) == ["file/early.txt"] }
      #expect(isKnown)
    }
  }

  @Test func `what is added while a known index is down is for no other one at its address`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join()
      let bob = network.second
      try await network.first.expectSuccess(["supervisor", "stop"])
      let old = try await bob.process("bob")
      kill(old.pid, SIGKILL)
      #expect(await eventually { await bob.isBack("bob", after: old.pid) })
      try await bob.expectSuccess(["add", try bob.directory.write("first.txt", pattern(1000))])
      let there = "[index]\nlisten = \"\(network.index)\"\n[network]\nopen = false\n"
      try await Installation.with(configuration: there + "[peers.carol]\n") { other in
        let ticket = try await other.expectSuccess(["network", "invite", "--role", "publisher"])
        let joined = try await bob.expectSuccess(["join", try #require(ticket.lines.first)])
        #expect(joined.errors.contains("1 document"), "\(joined)")
        // A share of its own says that the announcement is over.
        try await bob.expectSuccess(["add", try bob.directory.write("new.txt", pattern(10))])
        #expect(try await keys(other) == ["file/new.txt"])
      }
      let id = try network.issuer.network.hex
      #expect(try await bob.outcome(["connect", "\(network.index)", "--id", id]).status != 0)
      try await bob.expectSuccess(["add", try bob.directory.write("second.txt", pattern(2000))])
      try network.first.configure(there + "[peers.alice]\n")
      try await network.first.expectSuccess(["supervisor", "start"])
      let isThere = try await eventually {
        try await network.keys(network.first) == ["file/first.txt", "file/second.txt"]
      }
      #expect(isThere)
    }
  }

  /// As through a tunnel: the index of somebody else has an address of this machine.
  @Test func `a closed index at an address of this machine is not taken for the own one`() async throws {
    try await ClosedInstallation.with { network in
      try await Installation.with(peers: ["carol"]) { open in
        let file = try open.directory.write("open.txt", pattern(1000))
        try await open.expectSuccess(["add", file])
        #expect(try await keys(open) == ["file/open.txt"])
        let ticket = try await network.invite("--role", "publisher")
        let joined = try await open.expectSuccess(["join", ticket.text])
        #expect(joined.errors.contains("1 document"), "\(joined)")
        try await open.expectSuccess(["connect", "--default"])
        let connected = try await open.expectSuccess(["connect", "\(network.index)"])
        #expect(connected.errors.contains("1 document"), "\(connected)")
        let new = try open.directory.write("new.txt", pattern(10))
        try await open.expectSuccess(["add", new])
        #expect(try await network.keys(network.first) == ["file/new.txt"])
      }
    }
  }

  /// Killed in each moment of its first connection to the index that is closed now.
  @Test func `what was shared before the own index was closed is known in it, also after a kill`() async throws {
    let open = "[index]\nlisten = \"127.0.0.1:0\"\n[peers.alice]\n"
    try await Installation.with(configuration: open) { installation in
      let file = try installation.directory.write("kept.txt", pattern(1000))
      try await installation.run("alice", "add", file)
      try await installation.expectSuccess(["supervisor", "stop"])
      try installation.configure(open + "[network]\nopen = false\n")
      try await installation.expectSuccess(["supervisor", "start"])
      for _ in 0..<4 {
        let old = try await installation.process("alice")
        kill(old.pid, SIGKILL)
        #expect(await eventually { await installation.isBack("alice", after: old.pid) })
      }
      let isKnown = try await eventually {
        try await installation.rows("alice", "list").compactMap { $0["key"]?.string } == ["file/kept.txt"]
      }
      #expect(isKnown)
    }
  }

  // MARK: Parts

  private func keys(_ installation: Installation) async throws -> [String] {
    try await installation.rows("carol", "list").compactMap { $0["key"]?.string }
  }

  private func transfers(of peer: Installation) async throws -> [JSONValue] {
    try await peer.rows("bob", "transfers").filter { $0["direction"]?.string == "download" }
  }

  /// Whether both downloads wait, and say why.
  private func allWait(_ peer: Installation) async throws -> Bool {
    let transfers = try await transfers(of: peer)
    return transfers.count == 2
      && transfers.allSatisfy {
        $0["state"]?.string == "waiting" && $0["error"]?.string?.contains("began in another network") == true
      }
  }

  private func join(_ network: ClosedInstallation, _ peer: Installation) async throws {
    let ticket = try await network.invite("--role", "publisher")
    try await peer.expectSuccess(["join", ticket.text])
  }

  /// Neither the index nor a member learns of a content, and nobody gets it from the peer.
  private func expectNothing(
    of content: String, in network: ClosedInstallation, from peer: Installation
  ) async throws {
    #expect(try await network.keys(network.first).isEmpty)
    let stats = try #require(try await network.first.rows("alice", "status", "--index").first)
    #expect(stats["records"]?.integer == 0 && stats["watches"]?.integer ?? 0 == 0, "\(stats)")
    let carol = try network.identity("carol")
    let ticket = try await network.invite()
    let client = try await SecureClient.join(network.index, as: carol, with: ticket)
    #expect(try await client.ask(#"{"id":3,"op":"watch",\#(content)}"#)["status"]?.integer == 200)
    client.send(#"{"id":4,"op":"lookup",\#(content)}"#)
    var lines = [try await client.line(), try await client.line()]
    lines.sort { ($0?["event"]?.string ?? "") < ($1?["event"]?.string ?? "") }
    #expect(lines[0]?["error"]?.string == "not-found", "\(lines)")
    #expect(lines[1]?["event"]?.string == "current", "\(lines)")
    await client.close()
    let pass = try #require(
      try network.issuer.pass(for: carol.id, as: .reader, at: Timestamp(seconds: Int64(Date().timeIntervalSince1970))))
    let have = try await SecureClient.connect(
      to: Endpoint(try await peer.process("bob").address), as: carol,
      sending: [SecureClient.hello(carol, pass: pass.text), #"{"id":2,"op":"have",\#(content)}"#])
    #expect(try await have.line()?["status"]?.integer == 200, "a member of this network")
    #expect(try await have.line()?["error"]?.string == "not-found")
    await have.close()
  }
}
