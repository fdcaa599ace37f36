// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import NetworkMembership
import TestSupport
import Testing
import WireProtocol

@Suite struct OperatorSocketTests {
  @Test func `only its user can connect, and only after hello`() async throws {
    try await ClosedIndex.with { index in
      var status = stat()
      #expect(stat(index.operatorSocket, &status) == 0 && status.st_mode & 0o777 == 0o600)
      let early = try RawConnection(path: index.operatorSocket)
      #expect(try early.ask(#"{"id":1,"op":"members"}"#).outcome == "400 hello-required")
      #expect(early.isClosedByPeer())
      let other = try RawConnection(path: index.operatorSocket)
      #expect(try other.ask(#"{"id":1,"op":"hello","protocol":9}"#).outcome == "505 unsupported-protocol")
    }
  }

  @Test func `nothing but the membership is to be had there`() async throws {
    try await ClosedIndex.with { index in
      let connection = try index.operatorConnection()
      for operation in ["list", "peers", "watch", "nonsense"] {
        #expect(
          try connection.ask(#"{"id":1,"op":"\#(operation)"}"#).outcome == "501 unknown-operation", "\(operation)")
      }
      let secret = try index.secret()
      #expect(try connection.ask(ClosedIndex.join(secret)).outcome == "501 unknown-operation")
      #expect(try connection.ask("nonsense").outcome == "400 bad-request")
      #expect(try connection.ask(#"{"id":1,"op":"ping"}"#).outcome == "200")
      #expect(try connection.ask(#"{"id":1,"op":"stats"}"#)["records"]?.integer == 0)
    }
  }

  @Test func `tickets are listed without their secrets, and can be taken back`() async throws {
    try await ClosedIndex.with { index in
      let ticket = try index.ticket(.publisher, uses: 3)
      let reply = try index.operate(#"{"id":1,"op":"members"}"#)
      let row = try #require(reply.rows("tickets").first)
      #expect(row["left"]?.integer == 3 && row["role"]?.string == "publisher")
      #expect(!"\(reply)".contains(ticket.secret.hex))
      let number = try #require(row["number"]?.string)
      #expect(try index.operate(#"{"id":1,"op":"revoke","ticket":"\#(number)"}"#)["number"]?.string == number)
      #expect(try index.session(1).0.ask(ClosedIndex.join(ticket.secret.hex)).outcome == "403 forbidden")
      #expect(try index.operate(#"{"id":1,"op":"members"}"#).rows("tickets").isEmpty)
    }
  }

  @Test func `a ticket that nobody could read is not made`() async throws {
    try await ClosedIndex.with { index in
      let label = String(repeating: "a", count: 60)
      func invite(_ count: Int) throws -> JSONValue {
        let addresses = (10..<10 + count).map { #""\#(label).\#(label).\#(label).\#(label).\#($0):7734""# }
        return try index.operate(
          #"{"id":1,"op":"invite","role":"reader","addresses":[\#(addresses.joined(separator: ","))]}"#)
      }
      #expect(try invite(16).outcome == "422 usage")
      #expect(try index.operate(#"{"id":1,"op":"members"}"#).rows("tickets").isEmpty)
      let ticket = try Ticket(try #require(try invite(8)["ticket"]?.string))
      #expect(ticket.addresses.count == 8)
    }
  }

  @Test(arguments: ["0.0.0.0:7734", "[::]:7734", "[fe80::1]:7734", "224.0.0.1:7734", "169.254.1.1:7734"])
  func `a ticket names no address that means nothing elsewhere`(address: String) async throws {
    try await ClosedIndex.with { index in
      let refused = try index.operate(#"{"id":1,"op":"invite","addresses":["192.0.2.1:7734","\#(address)"]}"#)
      #expect(refused.outcome == "422 usage" && refused["message"]?.string?.contains(address) == true)
      #expect(try index.operate(#"{"id":1,"op":"members"}"#).rows("tickets").isEmpty)
    }
  }

  @Test func `tickets that a revoked admin made are taken back, and lists say who made what`() async throws {
    try await ClosedIndex.with { index in
      let admin = try index.member(1, .admin)
      var tickets: [Ticket] = []
      for role in ["admin", "reader"] {
        let reply = try admin.ask(#"{"id":3,"op":"invite","role":"\#(role)","uses":3,"lifetime":3600}"#)
        tickets.append(try Ticket(try #require(reply["ticket"]?.string)))
      }
      #expect(try index.session(2).0.ask(ClosedIndex.join(tickets[0].secret.hex))["role"]?.string == "admin")
      _ = try index.ticket()
      let before = try index.operate(#"{"id":1,"op":"members"}"#)
      #expect(before.rows("members").map { $0["by"]?.string } == [nil, ClosedIndex.id(1)])
      #expect(before.rows("tickets").compactMap { $0["by"]?.string } == [ClosedIndex.id(1), ClosedIndex.id(1)])
      #expect(try index.operate(#"{"id":1,"op":"revoke","peer":"00000001"}"#)["withdrawn"]?.integer == 2)
      // Whoever it is now has another key.
      for ticket in tickets {
        #expect(try index.session(3).0.ask(ClosedIndex.join(ticket.secret.hex)).outcome == "403 forbidden")
      }
      let after = try index.operate(#"{"id":1,"op":"members"}"#)
      #expect(after.rows("members").count == 1 && after.rows("tickets").count == 1)
      let entries = try LogReply(try index.operate(#"{"id":1,"op":"log"}"#)).entries
      #expect(entries.first { $0.event == .revoked }?.tickets == 2)
    }
  }

  @Test func `ids that several have are named`() async throws {
    try await ClosedIndex.with { index in
      _ = try index.member(0x1234_5678, .reader)
      let whole = ClosedIndex.id(0x1234_5678)
      #expect(try index.operate(#"{"id":1,"op":"revoke","peer":"1234567"}"#).outcome == "400 bad-request")
      #expect(try index.operate(#"{"id":1,"op":"revoke","peer":"12345678"}"#)["peer"]?.string == whole)
    }
  }

  @Test func `the log tells who did what, and counts refusals`() async throws {
    try await ClosedIndex.with { index in
      _ = try index.member(1, .admin)
      let (stranger, _) = try index.session(2)
      for _ in 0..<50 { #expect(try stranger.ask(#"{"id":7,"op":"list"}"#).outcome == "403 forbidden") }
      try index.operate(#"{"id":1,"op":"ban","peer":"00000001","reason":"test"}"#)
      let entries = try LogReply(try index.operate(#"{"id":1,"op":"log"}"#)).entries
      #expect(entries.map(\.time.seconds) == entries.map(\.time.seconds).sorted())
      // Those that are counted may be from the second before the ban.
      let events = entries.filter { $0.count == nil }
      #expect(events.map(\.event) == [.invited, .joined, .refused, .banned])
      #expect(entries.compactMap(\.count) == [49])
      let joined = entries[1]
      #expect(joined.peer?.hex == ClosedIndex.id(1) && joined.role == .admin && joined.host == "127.0.0.1")
      #expect(joined.ticket == entries[0].ticket)
      #expect(entries[2].reason == "no member" && entries[2].count == nil && entries[2].peer?.hex == ClosedIndex.id(2))
      #expect(events[3].reason == "test" && events[3].by == nil && events[3].host == nil)
    }
  }

  @Test func `in an open network there is no membership`() async throws {
    try await ServedIndex.with { served in
      let session = try served.session()
      for operation in ["members", "invite", "bans", "log", "claim"] {
        #expect(try session.ask(#"{"id":1,"op":"\#(operation)"}"#).outcome == "403 forbidden", "\(operation)")
      }
      let limits = try session.ask(#"{"id":1,"op":"limits"}"#)["limits"]?.array ?? []
      #expect(limits.contains { $0["limit"]?.string == "connections_per_address" && $0["per"]?.string == "address" })
      #expect(!limits.isEmpty && !limits.contains { $0["per"]?.string == "member" }, "they are for members alone")
      #expect(try session.ask(ClosedIndex.join(String(repeating: "0", count: 32))).outcome == "403 forbidden")
      #expect(try session.ask(#"{"id":2,"op":"ping"}"#).object?.count == 2)
    }
  }
}
