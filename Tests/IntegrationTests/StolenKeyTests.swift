// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// What ends the use of a stolen ticket or key, and whose clock counts.
@Suite(.serialized) struct StolenKeyTests {
  @Test func `a banned key is out at once, and its owner comes back with a new key and a new ticket`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join()
      let bob = network.second
      let file = try bob.directory.write("bobs.txt", pattern(10))
      try await bob.expectSuccess(["add", file])
      // A copy of the key, on a connection that only listens.
      let thief = try PeerIdentity.loadOrCreate(at: bob.home.file("state/bob/key.pem"))
      #expect(try await network.id(bob) == thief.id.hex)
      let session = try await SecureClient.connect(
        to: network.index, as: thief, sending: [SecureClient.hello(thief)])
      #expect(try await session.line()?["role"]?.string == "publisher", "it is bob")
      #expect(try await session.ask(#"{"id":2,"op":"list"}"#)["documents"]?.array?.count == 1)

      try await network.first.expectSuccess(["network", "ban", thief.id.hex, "--reason", "stolen"])
      let last = try await session.line()
      #expect(last?["error"]?.string == "forbidden" && last?["id"] == .null, "\(String(describing: last))")
      #expect(try await session.line() == nil, "the connection is closed")
      #expect(try await network.keys(network.first).isEmpty)
      let ticket = try await network.invite("--role", "publisher")
      for request in [#"{"id":2,"op":"list"}"#, #"{"id":2,"op":"join","secret":"\#(ticket.secret.hex)"}"#] {
        let reply = try await SecureClient.ask(network.index, as: thief, request)
        #expect(reply["error"]?.string == "forbidden", "\(reply)")
      }
      let isOut = try await eventually { try await bob.outcome(["list"]).status == 77 }
      #expect(isOut)
      let advice = try await bob.outcome(["doctor"]).output
      #expect(advice.contains("banned from the network") && advice.contains("network unban \(thief.id.hex.prefix(16))"))
      #expect(!advice.contains("unreachable"), "\(advice)")
      #expect(try await network.first.expectSuccess(["network", "bans"]).output.contains("stolen"))

      try await bob.expectSuccess(["supervisor", "stop"])
      #expect(unlink(bob.home.file("state/bob/key.pem")) == 0)
      try await bob.expectSuccess(["join", ticket.text, "--peer", "bob", "--share-existing"])
      #expect(try await network.id(bob) != thief.id.hex)
      let isBack = try await eventually { try await network.keys(network.first) == ["file/bobs.txt"] }
      #expect(isBack)
      let again = try await SecureClient.ask(network.index, as: thief, #"{"id":2,"op":"list"}"#)
      #expect(again["error"]?.string == "forbidden")
    }
  }

  @Test func `a ticket that was revoked lets nobody in, and the log tells who used one before`() async throws {
    try await ClosedInstallation.with { network in
      let ticket = try await network.invite("--uses", "5")
      let mallory = try network.identity("mallory")
      try await SecureClient.join(network.index, as: mallory, with: ticket).close()
      let members = try await network.first.expectSuccess(["network", "members", "--json"])
      let number = try #require(
        try members.lines.compactMap { try Jansson.decode(Array($0.utf8))["ticket"]?.string }.first)
      try await network.first.expectSuccess(["network", "revoke", "--ticket", number])
      let refused = try await network.second.outcome(["join", ticket.text, "--peer", "bob"])
      #expect(refused.status == 77, "\(refused)")
      let log = try await network.first.expectSuccess(["network", "log"]).output
      #expect(log.contains("joined \(mallory.id.hex.prefix(16)) as reader by ticket \(number)"), "\(log)")
    }
  }

  // MARK: Clocks

  /// Asks the peer bob as a member, on one connection.
  private func session(_ bob: Installation, _ identity: PeerIdentity, _ pass: String) async throws -> SecureClient {
    try await SecureClient.connect(
      to: Endpoint(try await bob.process("bob").address), as: identity,
      sending: [SecureClient.hello(identity, pass: pass)])
  }

  @Test func `a pass ends by the clock of the index, whatever that of the peer says, also on an open connection`()
    async throws
  {
    try await HostileIndex.with { index, bob in
      // Two years behind.
      index.lie { $0.clock = -63_000_000 }
      try await bob.expectSuccess(["join", index.ticket.text, "--peer", "bob"])
      let held = try ProvenBytes(pattern(1000))
      try await bob.expectSuccess(["add", try bob.directory.write("x", held.bytes)])
      let have = #"{"id":2,"op":"have",\#(held.named)}"#
      let thief = try PeerIdentity.loadOrCreate(at: bob.directory.file("thief.pem"))
      let client = try await session(bob, thief, try index.pass(for: thief))
      #expect(try await client.line()?["status"]?.integer == 200)
      #expect(try await client.ask(have)["complete"] == true)
      let own = PassIssuer(index.identity).pass(for: thief.id, as: .reader, at: Timestamp(seconds: Int64(time(nil))))
      let early = try await session(bob, thief, try #require(own).text)
      #expect(try await early.line()?["message"]?.string?.contains("too long") == true)
      await early.close()

      // The index renews it no longer: it has banned the thief.
      index.lie { $0.clock += 601 }
      let hasEnded = try await eventually {
        try await client.ask(have)["message"]?.string?.contains("expired") == true
      }
      #expect(hasEnded)
      await client.close()
      let renewed = try await session(bob, thief, try index.pass(for: thief))
      #expect(try await renewed.line()?["status"]?.integer == 200, "by the clock of the index")
      await renewed.close()
    }
  }

  @Test(arguments: [0, 3600])
  func `peer that cannot reach the index honours a pass so much longer as its configuration says`(grace: Int)
    async throws
  {
    try await HostileIndex.with { index, bob in
      try bob.configure("[index]\naddress = \"\(index.endpoint)\"\n[network]\ngrace = \(grace)\n[peers.bob]\n")
      try await bob.expectSuccess(["supervisor", "start"])
      try await bob.expectSuccess(["join", index.ticket.text, "--peer", "bob"])
      let thief = try PeerIdentity.loadOrCreate(at: bob.directory.file("thief.pem"))
      let now = Timestamp(seconds: index.now.seconds - 650)
      let pass = try #require(PassIssuer(index.identity).pass(for: thief.id, as: .reader, at: now)).text
      let refused = try await session(bob, thief, pass)
      #expect(try await refused.line()?["message"]?.string?.contains("expired") == true, "while the index is there")
      await refused.close()
      index.lie { lies in for operation in ["hello", "ping"] { lies.answers[operation] = { _, _ in nil } } }
      let isAway = try await eventually {
        try await bob.rows("bob", "status").first?["index"]?["connected"] == false
      }
      #expect(isAway)
      let client = try await session(bob, thief, pass)
      let reply = try #require(try await client.line())
      #expect((reply["status"]?.integer == 200) == (grace > 0), "\(reply)")
      await client.close()
    }
  }
}
