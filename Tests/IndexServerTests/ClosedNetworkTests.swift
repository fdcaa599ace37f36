// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import IndexServer
import LineJSON
import NetworkMembership
import TestSupport
import Testing
import WireProtocol

/// Who may do what at the index of a closed network.
@Suite struct ClosedNetworkTests {
  private static let list = #"{"id":7,"op":"list"}"#
  private static let ping = #"{"id":8,"op":"ping"}"#

  private static func operations() -> [String] {
    [
      Wire.add(Wire.document("file/a")), Wire.remove("file/a"), Wire.lookup("file/a"), list, #"{"id":7,"op":"peers"}"#,
      #"{"id":7,"op":"stats"}"#, #"{"id":7,"op":"watch"}"#, #"{"id":7,"op":"unwatch","watch":1}"#,
      #"{"id":7,"op":"claim","prefix":"data/x/"}"#, #"{"id":7,"op":"claim"}"#, #"{"id":7,"op":"invite"}"#,
      #"{"id":7,"op":"members"}"#, #"{"id":7,"op":"revoke","peer":"00000001"}"#,
      #"{"id":7,"op":"ban","peer":"00000001"}"#, #"{"id":7,"op":"unban","peer":"00000001"}"#,
      #"{"id":7,"op":"bans"}"#, #"{"id":7,"op":"log"}"#, #"{"id":7,"op":"limits"}"#,
    ]
  }

  @Test func `a stranger may join and ping, and nothing else`() async throws {
    try await ClosedIndex.with { index in
      let (stranger, hello) = try index.session(1)
      #expect(hello["role"]?.string == "none" && hello["pass"] == nil)
      for operation in Self.operations() {
        #expect(try stranger.ask(operation).outcome == "403 forbidden", "\(operation)")
      }
      let pong = try stranger.ask(Self.ping)
      #expect(pong.outcome == "200" && pong["role"]?.string == "none" && pong["pass"] == nil)
      #expect(index.service.statistics.records == 0)
    }
  }

  @Test func `a plain connection may only ping, also with the id of a member`() async throws {
    try await ClosedIndex.with { index in
      let member = try index.member(1, .admin)
      let (plain, hello) = try index.session(1, name: "plain")
      #expect(hello["role"]?.string == "none")
      for operation in Self.operations() + [ClosedIndex.join(try index.secret(.admin))] {
        #expect(try plain.ask(operation).outcome == "403 forbidden", "\(operation)")
      }
      #expect(try plain.ask(Self.ping).outcome == "200")
      #expect(try member.ask(Self.list).outcome == "200")
    }
  }

  @Test func `strangers are in no list of peers`() async throws {
    try await ClosedIndex.with { index in
      let member = try index.member(1, .reader)
      let (stranger, _) = try index.session(2)
      let peers = try member.ask(#"{"id":7,"op":"peers"}"#)
      #expect(peers.rows("peers").compactMap { $0["peer"]?.string } == [ClosedIndex.id(1)])
      #expect(try stranger.ask(Self.ping).outcome == "200")
    }
  }

  @Test func `join makes the session one of a member, with a pass that counts`() async throws {
    try await ClosedIndex.with { index in
      let (connection, _) = try index.session(1)
      let ticket = try index.ticket(.publisher)
      #expect(ticket.index == index.issuer.network && ticket.addresses == [index.endpoint])
      let reply = try connection.ask(ClosedIndex.join(ticket.secret.hex))
      #expect(reply["role"]?.string == "publisher")
      let standing = try JoinReply(reply).standing
      let bytes = try #require(standing.key)
      let key = try #require(NetworkKey(bytes))
      let pass = try #require(standing.pass)
      let peer = try #require(PeerID(hex: ClosedIndex.id(1)))
      try key.check(pass, of: peer, at: try #require(standing.time))
      #expect(try connection.ask(Wire.add(Wire.document("file/a"))).outcome == "200")
      #expect(try connection.ask(Wire.lookup("file/a")).holders.first?["port"]?.integer == 40_001)
      let pong = try PingReply(try connection.ask(Self.ping)).standing
      #expect(pong?.role == .publisher && pong?.pass == pass && pong?.key == nil)
      let (again, hello) = try index.session(1)
      #expect(hello["role"]?.string == "publisher")
      #expect(try again.ask(Self.list).keys == ["file/a"])
    }
  }

  @Test func `of many that use a ticket for one at once, one gets in; asking again changes nothing`() async throws {
    try await ClosedIndex.with { index in
      let secret = try index.secret()
      let sessions = try (1...100).map { try index.session($0).0 }
      for session in sessions { try session.send(ClosedIndex.join(secret)) }
      let outcomes = try sessions.map { try $0.reply().outcome }
      #expect(outcomes.count { $0 == "200" } == 1)
      #expect(outcomes.count { $0 == "403 forbidden" } == 99)
      let winner = try #require(outcomes.firstIndex(of: "200"))
      #expect(try sessions[winner].ask(ClosedIndex.join(secret)).outcome == "200")
      #expect(try index.session(winner + 1).0.ask(ClosedIndex.join(secret)).outcome == "200")
      #expect(try index.operate(#"{"id":1,"op":"members"}"#).rows("members").count == 1)
    }
  }

  @Test func `an admin that ends its own membership hears that before its session ends`() async throws {
    try await ClosedIndex.with { index in
      let admin = try index.member(1, .admin)
      #expect(try admin.ask(#"{"id":7,"op":"revoke","peer":"00000001"}"#).outcome == "200")
      #expect(try admin.reply().outcome == "403 forbidden")
      #expect(admin.isClosedByPeer())
    }
  }

  @Test func `a revoked member's sessions and records end before the answer`() async throws {
    try await ClosedIndex.with { index in
      let publisher = try index.member(1, .publisher)
      let second = try index.session(1).0
      let reader = try index.member(2, .reader)
      #expect(try publisher.ask(Wire.add((0..<20).map { Wire.document("file/\($0)") })).outcome == "200")
      #expect(try index.operate(#"{"id":1,"op":"revoke","peer":"00000001"}"#)["peer"]?.string == ClosedIndex.id(1))
      #expect(try reader.ask(Self.list).keys == [])
      for session in [publisher, second] {
        let last = try session.reply()
        #expect(last["id"] == .null && last.outcome == "403 forbidden")
        #expect(session.isClosedByPeer())
      }
      let (again, hello) = try index.session(1)
      #expect(hello["role"]?.string == "none")
      #expect(try again.ask(Self.list).outcome == "403 forbidden")
    }
  }

  @Test func `a banned peer is turned away, member or not`() async throws {
    try await ClosedIndex.with { index in
      let (stranger, _) = try index.session(3)
      for number in [1, 3] {
        if number == 1 { _ = try index.member(1, .admin) }
        let reply = try index.operate(#"{"id":1,"op":"ban","peer":"0000000\#(number)","reason":"noise"}"#)
        #expect(reply["peer"]?.string == ClosedIndex.id(number), "\(reply)")
        let (again, hello) = try index.session(number)
        #expect(hello.outcome == "403 forbidden")
        #expect(again.isClosedByPeer())
      }
      #expect(try stranger.reply().outcome == "403 forbidden")
      let bans = try index.operate(#"{"id":1,"op":"bans"}"#).rows("bans")
      #expect(bans.map { $0["reason"]?.string } == ["noise", "noise"])
      #expect(try index.operate(#"{"id":1,"op":"unban","peer":"00000003"}"#).outcome == "200")
      #expect(try index.session(3).reply["role"]?.string == "none")
    }
  }

  @Test func `peers of the supervisor become publishers while they are connected`() async throws {
    try await ClosedIndex.with { index in
      let (own, hello) = try index.session(1)
      #expect(hello["role"]?.string == "none")
      let peer = try #require(PeerID(hex: ClosedIndex.id(1)))
      await withCheckedContinuation { done in index.network.setOwn([peer]) { done.resume() } }
      #expect(try own.ask(Self.ping)["role"]?.string == "publisher")
      #expect(try own.ask(Wire.add(Wire.document("file/a"))).outcome == "200")
      let row = try index.operate(#"{"id":1,"op":"members"}"#)["members"]?.array?.first
      #expect(row?["peer"]?.string == ClosedIndex.id(1) && row?["name"]?.string?.isEmpty == false)
      await withCheckedContinuation { done in index.network.setOwn([]) { done.resume() } }
      #expect(try own.reply().outcome == "403 forbidden")
      #expect(own.isClosedByPeer())
    }
  }

  @Test func `a role that is raised counts at once on the session that asked, and on others`() async throws {
    try await ClosedIndex.with { index in
      let first = try index.member(1, .reader)
      let second = try index.session(1).0
      #expect(try first.ask(ClosedIndex.join(try index.secret(.admin)))["role"]?.string == "admin")
      #expect(try second.ask(#"{"id":7,"op":"members"}"#).outcome == "200")
    }
  }

  @Test func `only admins change the membership`() async throws {
    try await ClosedIndex.with { index in
      let (reader, publisher, admin) = (
        try index.member(1, .reader), try index.member(2, .publisher), try index.member(3, .admin)
      )
      for operation in ["invite", "members", "bans", "log"] {
        let request = #"{"id":7,"op":"\#(operation)"}"#
        #expect(try reader.ask(request).outcome == "403 forbidden", "\(operation)")
        #expect(try publisher.ask(request).outcome == "403 forbidden", "\(operation)")
        #expect(try admin.ask(request).outcome == "200", "\(operation)")
      }
      #expect(try admin.ask(#"{"id":7,"op":"revoke","peer":"00000001"}"#).outcome == "200")
      #expect(try admin.ask(#"{"id":7,"op":"revoke","peer":"00000009"}"#).outcome == "404 not-found")
      #expect(try admin.ask(#"{"id":7,"op":"limits"}"#).outcome == "200")
    }
  }

  @Test func `the state survives a restart`() async throws {
    let directory = try TemporaryDirectory()
    try await ClosedIndex.with(in: directory) { index in
      _ = try index.member(1, .publisher)
      try index.operate(#"{"id":1,"op":"ban","peer":"\#(ClosedIndex.id(2))"}"#)
    }
    try await ClosedIndex.with(in: directory) { index in
      let (member, banned) = (try index.session(1).reply, try index.session(2).reply)
      #expect(member["role"]?.string == "publisher")
      #expect(banned.outcome == "403 forbidden")
    }
  }

  @Test func `steps of the clock of the index renew passes`() async throws {
    try await ClosedIndex.with { index in
      let member = try index.member(1, .reader)
      var last: SignedPass?
      for step in [0, 10_000_000, -20_000_000, 140, 20] as [Int64] {
        index.clock.step(step)
        let reply = try PingReply(try member.ask(Self.ping))
        let standing = try #require(reply.standing)
        let (time, pass) = (try #require(standing.time), try #require(standing.pass))
        #expect(time.seconds == index.clock.now)
        #expect((450...600).contains(pass.pass.expires.seconds - time.seconds))
        if step == 140 { #expect(pass == last, "signing takes time") }
        last = pass
      }
    }
  }
}
