// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import IndexServer
import LineJSON
import NIOCore
import TestSupport
import Testing
import WireProtocol

/// What the operator lets one member have, however many sessions it opens.
@Suite(.serialized) struct MemberLimitsTests {
  private static let ping = #"{"id":7,"op":"ping"}"#

  private func with(
    _ change: (inout IndexLimits) -> Void, _ body: (ClosedIndex) async throws -> Void
  ) async throws {
    try await ClosedIndex.with { index in
      var limits = index.service.limits
      change(&limits)
      index.service.limits = limits
      try await body(index)
    }
  }

  private func isRefused(_ reply: JSONValue, _ limit: String, _ value: Int) -> Bool {
    reply.outcome == "429 too-many" && reply["limit"]?.string == limit && reply["value"]?.integer == Int64(value)
      && (reply["retry_after"]?.integer ?? 0) > 0
  }

  private func document(_ number: Int) -> String {
    #"{"key":"file/\#(number)","title":"","content":"\#(String(repeating: "a", count: 64))","size":\#(number + 1),"#
      + #""modified":"2026-01-01T00:00:00Z"}"#
  }

  @Test func `sessions of a member are counted, those of others are not`() async throws {
    try await with {
      $0.member.sessions = 2
    } _: { index in
      let first = try index.member(1, .reader)
      let second = try index.session(1)
      #expect(second.reply["role"]?.string == "reader")
      #expect(isRefused(try index.session(1).reply, "sessions_per_member", 2))
      _ = try index.member(2, .reader)
      #expect(try first.ask(Self.ping).outcome == "200")
      // A session that ends makes room.
      second.0.reset()
      let hasRoom = try await eventually { try index.session(1).reply["role"]?.string == "reader" }
      #expect(hasRoom)
    }
  }

  @Test func `requests of a member are limited over all its sessions`() async throws {
    try await with {
      $0.member.requests = 5
    } _: { index in
      let first = try index.member(1, .reader)
      let (second, _) = try index.session(1)
      let replies = try (0..<20).map { try ($0.isMultiple(of: 2) ? first : second).ask(Self.ping) }
      #expect(replies.contains { isRefused($0, "requests_per_member", 5) })
      let other = try index.member(2, .reader)
      #expect(try other.ask(Self.ping).outcome == "200")
      let isServed = try await eventually { try second.ask(Self.ping).outcome == "200" }
      #expect(isServed)
    }
  }

  @Test func `records of a member are limited over all its sessions`() async throws {
    try await with {
      $0.member.records = 3
    } _: { index in
      let first = try index.member(1, .publisher)
      let (second, _) = try index.session(1)
      #expect(try first.ask(#"{"id":3,"op":"add","documents":[\#(document(1)),\#(document(2))]}"#).outcome == "200")
      let batch = #"{"id":3,"op":"add","documents":[\#(document(3)),\#(document(4))]}"#
      #expect(isRefused(try second.ask(batch), "records_per_member", 3))
      #expect(try second.ask(#"{"id":4,"op":"add","documents":[\#(document(3))]}"#).outcome == "200")
      let other = try index.member(2, .publisher)
      #expect(try other.ask(batch).outcome == "200")
      first.reset()
      let isFree = try await eventually { try second.ask(batch).outcome == "200" }
      #expect(isFree)
    }
  }

  @Test func `bytes of replies to a member are limited in each second`() async throws {
    try await with {
      $0.member.bytes = 2000
    } _: { index in
      let member = try index.member(1, .reader)
      let replies = try (0..<20).map { _ in try member.ask(#"{"id":3,"op":"stats"}"#) }
      #expect(replies.contains { isRefused($0, "bytes_per_member", 2000) })
      let isServed = try await eventually { try member.ask(Self.ping).outcome == "200" }
      #expect(isServed, "what was too much is made up for")
    }
  }

  @Test func `events of watches count among the bytes`() async throws {
    try await with {
      $0.member.bytes = 5000
    } _: { index in
      let publisher = try index.member(1, .publisher)
      let batch = (0..<200).map(document).joined(separator: ",")
      #expect(try publisher.ask(#"{"id":3,"op":"add","documents":[\#(batch)]}"#).outcome == "200")
      let member = try index.member(2, .reader)
      #expect(try member.ask(#"{"id":4,"op":"watch","collection":"file"}"#).outcome == "200")
      while let line = try member.line(), !line.contains("current") {}
      #expect(isRefused(try member.ask(#"{"id":5,"op":"watch","collection":"file"}"#), "bytes_per_member", 5000))
    }
  }

  @Test func `a ping is answered however much the member owes`() async throws {
    try await with {
      ($0.member.bytes, $0.member.requests) = (1, 1)
    } _: { index in
      let member = try index.member(1, .reader)
      let replies = try (0..<2).map { _ in try member.ask(#"{"id":3,"op":"stats"}"#).outcome }
      // One byte in a second: for minutes.
      #expect(replies == ["200", "429 too-many"])
      let reply = try member.ask(Self.ping)
      #expect(reply["pass"]?.string != nil, "\(reply)")
      #expect(try member.ask(Self.ping).outcome == "429 too-many", "it is not answered more often than it is needed")
      let isAnswered = try await eventually(within: .seconds(10)) { try member.ask(Self.ping).outcome == "200" }
      #expect(isAnswered)
    }
  }

  @Test func `sessions that are no member's yet are counted like those of members`() async throws {
    try await with {
      $0.member.sessions = 2
    } _: { index in
      let first = try index.session(3)
      let second = try index.session(3)
      #expect(first.reply["role"]?.string == "none" && second.reply["role"]?.string == "none")
      #expect(isRefused(try index.session(3).reply, "sessions_per_member", 2))
      withExtendedLifetime((first, second)) {}
    }
  }

  @Test func `limits are listed with what they count for`() async throws {
    try await with {
      $0.member.sessions = 7
      $0.bytesPerAddress = 9
    } _: { index in
      let rows = try index.operate(#"{"id":1,"op":"limits"}"#)["limits"]?.array ?? []
      #expect(rows.contains(["limit": "sessions_per_member", "value": 7, "per": "member"]))
      #expect(rows.contains(["limit": "bytes_per_address", "value": 9, "per": "address"]))
      #expect(rows.contains { $0["limit"]?.string == "watches_per_address" && $0["per"]?.string == "address" })
    }
  }
}
