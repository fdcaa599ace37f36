// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// What an index or a peer answers, read by whoever asked: a stranger's words, never to be trusted.
@Suite struct ReplyTests {
  private let holder = #"{"peer":"\#(Sample.peer)","name":"bob","host":"192.0.2.7","port":40001,"complete":true}"#
  private var row: String {
    #""content":"\#(Sample.root)","title":"T","size":5,"modified":"1981-09-01T00:00:00Z","total":1,"holders":[\#(holder)]"#
  }

  @Test func limitsThatAnIndexDoesNotTellAreTheUsualOnes() throws {
    let told = try read(#"{"id":1,"status":200,"server":"s","host":"h","limits":{"idle":3,"batch":7}}"#) {
      try IndexHelloReply(reply: $0)
    }
    #expect(told.idle == 3 && told.batch == 7)
    #expect(told.line == IndexLimits().line && told.inflight == IndexLimits().inflight)
  }

  @Test(arguments: [
    #"{"server":"s","host":"h"}"#, #"{"server":"s","host":"h","limits":[]}"#, #"{"host":"h","limits":{}}"#,
    #"{"server":"s","host":"h","limits":{"idle":0}}"#, #"{"server":"s","host":"h","limits":{"line":-1}}"#,
    #"{"server":"s","host":"h","limits":{"batch":4294967296}}"#, #"{"server":"s","host":"h","limits":{"idle":"x"}}"#,
  ])
  func aGreetingThatMakesNoSenseIsNone(_ line: String) {
    #expect(throws: WireFailure.self) { try read(line) { try IndexHelloReply(reply: $0) } }
  }

  @Test func rowsAreReadWithTheirHolders() throws {
    let reply = try read(#"{"contents":[{\#(row)}],"more":2}"#) { try LookupReply(reply: $0) }
    #expect(reply.more == 2)
    #expect(reply.contents.first?.holders.first?.name.text == "bob")
    #expect(reply.contents.first?.total == 1)
    let page = try read(#"{"documents":[{"key":"rfc/1",\#(row)}],"next":"c"}"#) { try ListReply(reply: $0) }
    #expect(page.documents.first?.key.text == "rfc/1" && page.next == "c")
    #expect(page.documents.first?.entry == reply.contents.first)
  }

  @Test(arguments: [
    #"{"contents":{},"more":0}"#, #"{"contents":[1],"more":0}"#, #"{"contents":[{}],"more":0}"#, #"{"contents":[]}"#,
    #"{"contents":[],"more":-1}"#, #"{"more":0}"#,
  ])
  func aLookupThatMakesNoSenseIsRefused(_ line: String) {
    #expect(throws: WireFailure.self) { try read(line) { try LookupReply(reply: $0) } }
  }

  /// A holder without a port, or at a port of 0, is one that nobody can ask.
  @Test(arguments: [#""port":40001"#, #""name":"bob""#, #""complete":true"#, #""peer":"\#(Sample.peer)""#])
  func aHolderNeedsEachOfItsMembers(_ member: String) throws {
    let line = #"{"contents":[{\#(row)}],"more":0}"#
    for replacement in [#""was":1"#, member.replacing(#/:.*/#, with: ":0")] {
      let broken = line.replacing(member, with: replacement)
      #expect(broken != line)
      #expect(throws: WireFailure.self) { try read(broken) { try LookupReply(reply: $0) } }
    }
  }

  @Test func peersAreReadPageByPage() throws {
    let peer = #"{"peer":"\#(Sample.peer)","name":"bob","host":"::1","port":1,"documents":3}"#
    let page = try read(#"{"peers":[\#(peer)],"next":"c"}"#) { try PeersReply(reply: $0) }
    #expect(page.peers.map(\.documents) == [3] && page.next == "c")
    #expect(try read(#"{"peers":[]}"#) { try PeersReply(reply: $0) }.next == nil)
    #expect(throws: WireFailure.self) { try read(#"{"peers":["x"]}"#) { try PeersReply(reply: $0) } }
  }

  @Test func limitsThatAPeerDoesNotTellAreTheUsualOnes() throws {
    let told = try read(#"{"peer":"\#(Sample.peer)","name":"bob","limits":{"get":1}}"#) {
      try PeerHelloReply(reply: $0)
    }
    #expect(told.get == 1 && told.inflight == Int64(PeerLimits().inflight))
    for limits in [#""limits":{"get":0}"#, #""limits":{"inflight":0}"#, #""limits":7"#] {
      let line = #"{"peer":"\#(Sample.peer)","name":"bob",\#(limits)}"#
      #expect(throws: WireFailure.self) { try read(line) { try PeerHelloReply(reply: $0) } }
    }
  }

  @Test func aPartialHolderSaysWhichPiecesItHas() throws {
    let reply = try read(#"{"piece":262144,"complete":false,"pieces":"oA=="}"#) { try HaveReply(reply: $0) }
    #expect(reply.pieces == "oA==" && !reply.complete)
    #expect(throws: WireFailure.self) { try read(#"{"piece":0,"complete":true}"#) { try HaveReply(reply: $0) } }
  }

  @Test func whatFollowsALineIsWhatWasAskedFor() throws {
    #expect(try read(#"{"hashes":16}"#) { try HashesReply(reply: $0, expected: 16) }.count == 16)
    let refusal = try #require(throws: WireFailure.self) {
      try read(#"{"hashes":17}"#) { try HashesReply(reply: $0, expected: 16) }
    }
    #expect(refusal.message == "hashes is 17 where 16 were due")
    #expect(throws: WireFailure.self) { try read(#"{"offset":-1,"length":1}"#) { try GetReply(reply: $0) } }
    #expect(try read(#"{"offset":0,"length":9}"#) { try GetReply(reply: $0) }.length == 9)
  }

  @Test(arguments: [
    (#"{"status":503,"error":"unavailable","retry_after":-1}"#, "retry_after is an integer from 0 to 86400"),
    (#"{"status":99}"#, "status is an integer from 100 to 599"), (#"{"error":"x"}"#, "status is missing"),
    (#"{"status":400,"error":7}"#, "error is a string"),
  ])
  func aFailureThatMakesNoSenseIsABreachOfTheProtocol(_ line: String, words: String) throws {
    let refusal = try #require(throws: WireFailure.self) { try read(line) { try WireFailure(reply: $0) } }
    #expect(refusal.message == words)
  }

  @Test func aFailureWithoutWordsStillSaysSomething() throws {
    let failure = try #require(try read(#"{"status":503,"error":"unavailable"}"#) { try WireFailure(reply: $0) })
    #expect(failure.code == .unavailable && failure.message == "the other side refused with status 503")
    let limited = try #require(
      try read(#"{"status":429,"error":"too-many","message":"m","limit":"line","value":9}"#) {
        try WireFailure(reply: $0)
      })
    #expect(limited.limit == .init("line", 9))
  }
}
