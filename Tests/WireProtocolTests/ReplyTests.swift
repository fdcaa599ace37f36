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
    var expected = IndexLimits()
    (expected.idle, expected.batch) = (3, 7)
    #expect(reply.limits == expected)
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
    guard case .document(let row) = page.rows.first else {
      Issue.record("no document")
      return
    }
    #expect(row.document.key.text == "rfc/1" && page.next == "c")
    #expect(row.holders == reply.contents.first?.holders)
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
    var expected = PeerLimits()
    expected.get = 1
    #expect(reply.limits == expected)
    for limits in [#""limits":{"get":0}"#, #""limits":{"inflight":0}"#, #""limits":7"#] {
      let line = #"{"peer":"\#(Sample.peer)","name":"bob",\#(limits)}"#
      #expect(throws: WireFailure.self) { try read(line) { try PeerHelloReply($0) } }
    }
  }

  @Test func `a partial holder states its pieces`() throws {
    let content = try #require(Content(root: Digest(hex: Sample.root) ?? .zero, size: 1_048_576))
    let line = #"{"piece":262144,"complete":false,"pieces":"oA=="}"#
    let reply = try read(line) { try HaveReply($0, of: content) }
    #expect(reply.pieces?.count == 4 && reply.pieces?.ranges == [0..<1, 2..<3] && !reply.complete)
    #expect(try read(line) { try HaveReply($0) }.pieces?.count == 8, "as many as there are bits")
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
    #expect(failure.code == .unavailable && failure.message == "request refused with status 503")
    let limited = try #require(
      try read(#"{"status":429,"error":"too-many","message":"m","limit":"line","value":9}"#) {
        try WireFailure(reply: $0)
      })
    #expect(limited.limit == .init("line", 9))
  }

  // MARK: Exact words

  private func reason(_ line: String, _ body: (JSONObject) throws -> Void) throws -> String? {
    try read(line) { object in refusal { try body(object) } }
  }

  @Test(
    arguments: [
      (#""host":"\#(String(repeating: "h", count: 65))""#, "host is an address"), (#""host":7"#, "host is a string"),
      (#""port":0"#, "port is an integer from 1 to 65535"), (#""port":65536"#, "port is an integer from 1 to 65535"),
      (#""complete":1"#, "complete is true or false"), (#""name":"..""#, nil),
      (#""peer":"x""#, "peer is 64 lower-case hex digits"),
    ] as [(String, String?)])
  func `a hostile holder is refused by its member`(member: String, words: String?) throws {
    let name = member.prefix { $0 != ":" }
    let broken = holder.replacing(try Regex(#"\#(name):("[^"]*"|[^,}]*)"#), with: member)
    let found = try reason(#"{"key":"rfc/1","contents":[{\#(row.replacing(holder, with: broken))}],"more":0}"#) {
      _ = try LookupReply($0)
    }
    if let words { #expect(found == words) } else { #expect(found?.hasPrefix("name: ") == true) }
  }

  @Test(
    arguments: [
      (#""total":-1"#, "total is an integer from 0 to 9007199254740991"),
      (#""total":1.0"#, "total is an integer from 0 to 9007199254740991"),
      (#""size":0"#, "a content of 64 zeros has size 0, and no other content has"),
      (#""holders":{}"#, "holders is an array"),
      (#""holders":[[]]"#, "holders is an array of objects"), (#""title":5"#, "title is a string"),
    ])
  func `a hostile row is refused by its member`(member: String, words: String) throws {
    let name = member.prefix { $0 != ":" }
    let broken =
      name == #""holders""#
      ? row.replacing(#""holders":[\#(holder)]"#, with: member)
      : row.replacing(try Regex(#"\#(name):("[^"]*"|[^,}]*)"#), with: member)
    #expect(broken != row)
    #expect(try reason(#"{"key":"rfc/1","contents":[{\#(broken)}],"more":0}"#) { _ = try LookupReply($0) } == words)
    #expect(try reason(#"{"documents":[{"key":"rfc/1",\#(broken)}]}"#) { _ = try ListReply($0) } == words)
  }

  @Test func `limits are read up to 2^31 - 1`() throws {
    for name in ["line", "batch", "inflight", "idle", "watches"] {
      func limits(_ value: String) -> String { #"{"server":"s","host":"h","limits":{"\#(name)":\#(value)}}"# }
      let words = "\(name) is an integer from 1 to 2147483647"
      #expect(try reason(limits("2147483647")) { _ = try IndexHelloReply($0) } == nil)
      for wrong in ["2147483648", "0", "-1", "1.5", #""1""#, "[]"] {
        #expect(try reason(limits(wrong)) { _ = try IndexHelloReply($0) } == words, "\(wrong)")
      }
    }
  }

  @Test func `every stated limit has a name of its own`() {
    for names in [IndexLimits().named.map { "\($0.name)" }, PeerLimits().named.map { "\($0.name)" }] {
      #expect(Set(names).count == names.count)
      #expect(names.contains("line") && names.contains("inflight"))
    }
    #expect(IndexLimits().named.allSatisfy { $0.value > 0 } && PeerLimits().named.allSatisfy { $0.value > 0 })
  }

  @Test func `row of a level is told from a document by its prefix`() throws {
    let page = try read(#"{"documents":[{"prefix":"data/cats/","documents":7}]}"#) { try ListReply($0) }
    #expect(page.rows == [.level(LevelListing(prefix: "data/cats/", documents: 7))])
    for (row, words) in [
      (#"{"prefix":"data/"}"#, "documents is missing"),
      (#"{"prefix":"data/","documents":-1}"#, "documents is an integer"),
      (#"{"prefix":"a\u202eb/","documents":1}"#, "prefix is the beginning of a key"),
      (#"{"prefix":7,"documents":1}"#, "prefix is a string"),
    ] {
      let refusal = try reason(#"{"documents":[\#(row)]}"#) { _ = try ListReply($0) }
      #expect(refusal?.hasPrefix(words) == true, "\(row)")
    }
  }

  @Test func `a page without rows may have a next one`() throws {
    let page = try read(#"{"documents":[],"next":"c"}"#) { try ListReply($0) }
    #expect(page.rows.isEmpty && page.next == "c")
    #expect(try reason(#"{"documents":[],"next":5}"#) { _ = try ListReply($0) } == "next is a string")
    #expect(try reason(#"{"peers":{}}"#) { _ = try PeersReply($0) } == "peers is an array")
  }

  @Test(
    arguments: [
      (#"{"piece":0,"complete":true}"#, "piece is an integer from 1 to 9007199254740991"),
      (#"{"piece":1}"#, "complete is missing"), (#"{"piece":1,"complete":false,"pieces":5}"#, "pieces is a string"),
      (#"{"piece":1,"complete":false}"#, "pieces is missing"),
      (#"{"piece":1,"complete":false,"pieces":"oA="}"#, "pieces is base64 of one bit per piece"),
    ])
  func `malformed have reply is refused`(line: String, words: String) throws {
    #expect(try reason(line) { _ = try HaveReply($0) } == words)
  }

  @Test(
    arguments: [
      (#"{"piece":262144,"complete":false,"pieces":"qA=="}"#, "pieces is base64 of one bit per piece"),
      (#"{"piece":262144,"complete":false,"pieces":"oAA="}"#, "pieces is base64 of one bit per piece"),
      (#"{"piece":524288,"complete":true}"#, "piece is 524288, expected 262144"),
    ])
  func `pieces of another content are refused`(line: String, words: String) throws {
    let content = try #require(Content(root: Digest(hex: Sample.root) ?? .zero, size: 1_048_576))
    #expect(try reason(line) { _ = try HaveReply($0, of: content) } == words)
  }

  /// 177,957 bytes are one piece.
  @Test(arguments: [
    "[0]", "[0,1,1]", "[1,1]", "[-1,1]", "[0,0]", "[0,2]", "[0,-1]", "[0,1.0]", "7", "{}", "[9007199254740991,1]",
    "[0,9223372036854775807]",
  ])
  func `pieces of an event lie within the content`(run: String) throws {
    let line = #"{"event":"have",\#(Sample.content),"pieces":[[0,1],\#(run)]}"#
    #expect(
      try reason(line) { _ = try HaveEvent($0) } == "pieces is an array of [first, count] within 1 pieces")
  }

  @Test func `only have events are read`() throws {
    for line in [#"{"event":"later","content":5}"#, #"{"id":1,"status":200}"#] {
      #expect(try read(line) { try HaveEvent.read($0) } == nil)
    }
  }

  @Test func `only lines with an event are events of a watch`() throws {
    #expect(try read(#"{"id":1,"status":200,"watch":1}"#) { try WatchEvent.read($0) } == nil)
  }

  @Test(
    arguments: [
      (#""event":"later","watch":1,"seq":1"#, "event is one of holder, document, current, overflow"),
      (#""event":7,"watch":1,"seq":1"#, "event is a string"), (#""event":null"#, "event is a string"),
      (#""event":"current","watch":0,"seq":1"#, "watch is an integer from 1 to 9007199254740991"),
      (#""event":"current","watch":1,"seq":-1"#, "seq is an integer from 1 to 9007199254740991"),
      (#""event":"current","watch":1,"seq":1.0"#, "seq is an integer from 1 to 9007199254740991"),
      (#""event":"holder","watch":1,"seq":1,"change":"gone""#, "change is one of joined, completed, left"),
      (#""event":"holder","watch":1,"seq":1,"change":"left","holder":[]"#, "holder is an object"),
      (#""event":"document","watch":1,"seq":1,"change":"joined""#, "change is one of appeared, updated, gone"),
      (#""event":"document","watch":1,"seq":1,"change":"gone",\#(Sample.document)"#, "total is missing"),
    ])
  func `malformed watch event is refused`(members: String, words: String) throws {
    #expect(try reason("{\(members)}") { _ = try WatchEvent.read($0) } == words)
  }

  @Test(
    arguments: [
      (#"{"hashes":-1}"#, "hashes is an integer from 0 to 1048576"),
      (#"{"hashes":1048577}"#, "hashes is an integer from 0 to 1048576"),
      (#"{"hashes":0}"#, "hashes is 0, expected 16"), ("{}", "hashes is missing"),
    ])
  func `malformed hashes reply is refused`(line: String, words: String) throws {
    #expect(try reason(line) { _ = try HashesReply($0, expected: 16) } == words)
  }
}
