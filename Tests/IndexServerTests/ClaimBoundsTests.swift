// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import IndexServer
import LineJSON
import TestSupport
import Testing

/// One member cannot keep the membership busy.
@Suite(.serialized) struct ClaimBoundsTests {
  private static func claim(_ prefix: String, _ change: String, _ peer: Int) -> String {
    #"{"id":5,"op":"claim","prefix":"\#(prefix)","change":"\#(change)","peer":"\#(ClosedIndex.id(peer))"}"#
  }

  @Test func `a member changes claims so often in an hour, an admin as often as it likes`() async throws {
    try await ClosedIndex.with { index in
      let publisher = try index.member(1, .publisher)
      let admin = try index.member(2, .admin)
      #expect(try publisher.ask(#"{"id":4,"op":"claim","prefix":"data/cats/"}"#).outcome == "200")
      var (last, changes) = (JSONValue.null, 1)
      while changes < 1100 {
        last = try publisher.ask(Self.claim("data/cats/", changes % 2 == 0 ? "allow" : "deny", 2))
        guard last.outcome == "200" else { break }
        changes += 1
      }
      #expect(changes == 1000)
      #expect(last.outcome == "429 too-many" && last["limit"]?.string == "claim_changes")
      #expect(try #require(last["retry_after"]?.integer) > 0)
      for number in 0..<20 {
        #expect(try admin.ask(Self.claim("data/cats/", number % 2 == 0 ? "allow" : "deny", 2)).outcome == "200")
      }
      index.clock.step(3600)
      #expect(try publisher.ask(Self.claim("data/cats/", "allow", 2)).outcome == "200")
    }
  }

  @Test func `many peers together leave the operator its turn`() throws {
    var waiting = WaitingChanges()
    var entered: [PeerID] = []
    for number in 0..<1000 {
      let peer = try #require(PeerID(hex: ClosedIndex.id(number)))
      for _ in 0..<10 where waiting.enter(peer) { entered.append(peer) }
    }
    #expect(Set(entered).count < 100, "8 of each")
    let ofOperator = (0..<1000).prefix { _ in waiting.enter(nil) }.count
    #expect(ofOperator == 64)
    waiting.leave(nil)
    let (peer, again) = (waiting.enter(entered[0]), waiting.enter(nil))
    #expect(!peer && again)
  }

  @Test func `a member that asks for much leaves the others their turn`() async throws {
    try await ClosedIndex.with { index in
      _ = try index.member(1, .publisher)
      let crowd = try (0..<100).map { _ in try index.session(1).0 }
      let lines = (0..<20).map { _ in #"{"id":6,"op":"claim"}"# + "\n" }.joined()
      for connection in crowd { try connection.send(Array(lines.utf8)) }
      let other = try index.member(2, .publisher)
      #expect(try other.ask(#"{"id":4,"op":"claim","prefix":"data/cats/"}"#).outcome == "200")
      for connection in crowd {
        for _ in 0..<20 {
          let line = try #require(try connection.line())
          #expect(line.contains(#""status":200"#) || line.contains(#""error":"unavailable""#), "\(line)")
        }
      }
    }
  }
}
