// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import Testing
import WireProtocol

/// Replies of an index or a peer: they come from strangers and are not trusted.
@Suite struct ReplyTests {
  private let holder = #"{"peer":"\#(Sample.peer)","name":"bob","host":"192.0.2.7","port":40001,"complete":true}"#
  private var row: String {
    #""content":"\#(Sample.root)","title":"T","size":5,"modified":"1981-09-01T00:00:00Z","total":1,"holders":[\#(holder)]"#
  }

  @Test func `limits that an index does not state have their usual values`() throws {
    let reply = try read(#"{"id":1,"status":200,"server":"s","host":"h","limits":{"idle":3,"batch":7}}"#) {
      try IndexHelloReply($0)
    }
    #expect(reply.idle == 3 && reply.batch == 7)
    #expect(reply.line == IndexLimits().line && reply.inflight == IndexLimits().inflight)
  }

  @Test(arguments: [
    #"{"server":"s","host":"h"}"#, #"{"server":"s","host":"h","limits":[]}"#, #"{"host":"h","limits":{}}"#,
    #"{"server":"s","host":"h","limits":{"idle":0}}"#, #"{"server":"s","host":"h","limits":{"line":-1}}"#,
    #"{"server":"s","host":"h","limits":{"batch":4294967296}}"#, #"{"server":"s","host":"h","limits":{"idle":"x"}}"#,
  ])
  func `malformed hello reply is refused`(_ line: String) {
    #expect(throws: WireFailure.self) { try read(line) { try IndexHelloReply($0) } }
  }

  @Test func `rows are read with their holders`() throws {
    let reply = try read(#"{"key":"rfc/1","contents":[{\#(row)}],"more":2}"#) { try LookupReply($0) }
    #expect(reply.more == 2)
    #expect(reply.contents.first?.holders.first?.name.text == "bob")
    #expect(reply.contents.first?.total == 1)
    let page = try read(#"{"documents":[{"key":"rfc/1",\#(row)}],"next":"c"}"#) { try ListReply($0) }
    #expect(page.documents.first?.document.key.text == "rfc/1" && page.next == "c")
    #expect(page.documents.first?.holders == reply.contents.first?.holders)
  }

  @Test(arguments: [
    #"{"key":"rfc/1","contents":{},"more":0}"#, #"{"key":"rfc/1","contents":[1],"more":0}"#,
    #"{"key":"rfc/1","contents":[{}],"more":0}"#, #"{"key":"rfc/1","contents":[]}"#,
    #"{"key":"rfc/1","contents":[],"more":-1}"#, #"{"key":"rfc/1","more":0}"#, #"{"contents":[],"more":0}"#,
  ])
  func `malformed lookup reply is refused`(_ line: String) {
    #expect(throws: WireFailure.self) { try read(line) { try LookupReply($0) } }
  }

  /// Nobody can connect to a holder without a port, or at port 0.
  @Test(arguments: [#""port":40001"#, #""name":"bob""#, #""complete":true"#, #""peer":"\#(Sample.peer)""#])
  func `a holder needs each of its members`(_ member: String) throws {
    let line = #"{"key":"rfc/1","contents":[{\#(row)}],"more":0}"#
    for replacement in [#""was":1"#, member.replacing(#/:.*/#, with: ":0")] {
      let broken = line.replacing(member, with: replacement)
      #expect(broken != line)
      #expect(throws: WireFailure.self) { try read(broken) { try LookupReply($0) } }
    }
  }

  @Test func `peers are read page by page`() throws {
    let peer = #"{"peer":"\#(Sample.peer)","name":"bob","host":"::1","port":1,"documents":3}"#
    let page = try read(#"{"peers":[\#(peer)],"next":"c"}"#) { try PeersReply($0) }
    #expect(page.peers.map(\.documents) == [3] && page.next == "c")
    #expect(try read(#"{"peers":[]}"#) { try PeersReply($0) }.next == nil)
    #expect(throws: WireFailure.self) { try read(#"{"peers":["x"]}"#) { try PeersReply($0) } }
  }

  @Test func `limits that a peer does not state have their usual values`() throws {
    let reply = try read(#"{"peer":"\#(Sample.peer)","name":"bob","limits":{"get":1}}"#) {
      try PeerHelloReply($0)
    }
    #expect(reply.get == 1 && reply.inflight == Int64(PeerLimits().inflight))
    for limits in [#""limits":{"get":0}"#, #""limits":{"inflight":0}"#, #""limits":7"#] {
      let line = #"{"peer":"\#(Sample.peer)","name":"bob",\#(limits)}"#
      #expect(throws: WireFailure.self) { try read(line) { try PeerHelloReply($0) } }
    }
  }

  @Test func `a partial holder states its pieces`() throws {
    let reply = try read(#"{"piece":262144,"complete":false,"pieces":"oA=="}"#) { try HaveReply($0) }
    #expect(reply.pieces == "oA==" && !reply.complete)
    #expect(throws: WireFailure.self) { try read(#"{"piece":0,"complete":true}"#) { try HaveReply($0) } }
  }

  @Test func `the bytes that follow a line are those asked for`() throws {
    #expect(try read(#"{"hashes":16}"#) { try HashesReply($0, expected: 16) }.count == 16)
    let refusal = try #require(throws: WireFailure.self) {
      try read(#"{"hashes":17}"#) { try HashesReply($0, expected: 16) }
    }
    #expect(refusal.message == "hashes is 17, expected 16")
    #expect(throws: WireFailure.self) { try read(#"{"offset":-1,"length":1}"#) { try GetReply($0) } }
    #expect(try read(#"{"offset":0,"length":9}"#) { try GetReply($0) }.length == 9)
  }

  @Test(arguments: [
    (#"{"status":503,"error":"unavailable","retry_after":-1}"#, "retry_after is an integer from 0 to 86400"),
    (#"{"status":99}"#, "status is an integer from 100 to 599"), (#"{"error":"x"}"#, "status is missing"),
    (#"{"status":400,"error":7}"#, "error is a string"),
  ])
  func `malformed failure is refused`(_ line: String, words: String) throws {
    let refusal = try #require(throws: WireFailure.self) { try read(line) { try WireFailure(reply: $0) } }
    #expect(refusal.message == words)
  }

  @Test func `failure without a message gets one`() throws {
    let failure = try #require(try read(#"{"status":503,"error":"unavailable"}"#) { try WireFailure(reply: $0) })
    #expect(failure.code == .unavailable && failure.message == "the other side refused with status 503")
    let limited = try #require(
      try read(#"{"status":429,"error":"too-many","message":"m","limit":"line","value":9}"#) {
        try WireFailure(reply: $0)
      })
    #expect(limited.limit == .init("line", 9))
  }
}
