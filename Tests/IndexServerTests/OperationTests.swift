// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import IndexServer
import LineJSON
import LineTransport
import NIOCore
import Testing
import WireProtocol

/// Each operation and each refusal of the index plane.
@Suite struct OperationTests {
  private let service = IndexService(wallClock: { 1_767_323_045 })

  private func session(
    _ peer: String = Wire.alice, name: String = "alice", port: Int? = 40_001
  ) throws -> EmbeddedConnection {
    let connection = try EmbeddedConnection(service)
    try connection.send(Wire.hello(peer: peer, name: name, port: port))
    return connection
  }

  // MARK: add and remove

  @Test func `added document is found`() throws {
    let alice = try session()
    let reply = try alice.ask(Wire.add([Wire.document("rfc/793", "TCP"), Wire.document("file/a", content: 2)]))
    #expect(reply == ["id": 2, "status": 200, "added": 2])
    let found = try alice.ask(Wire.lookup("rfc/793"))
    #expect(
      found == [
        "id": 3, "status": 200, "key": "rfc/793",
        "contents": [
          [
            "content": .string(Wire.root(1)), "title": "TCP", "size": 10, "modified": "1981-09-01T00:00:00Z",
            "total": 1,
            "holders": [
              [
                "peer": .string(Wire.alice), "name": "alice", "host": "127.0.0.1", "port": 40_001, "complete": true,
              ]
            ],
          ]
        ], "more": 0,
      ])
  }

  /// Usual look-ups are answered together, by a shorter way.
  @Test func `look-ups that come together are answered in order and like others`() throws {
    let alice = try session()
    try alice.send(Wire.add((0..<40).map { Wire.document("rfc/\($0 + 1)", "title \($0 / 2)", content: $0 + 1) }))
    try alice.send(Wire.add([Wire.document("rfc/7", "rival", content: 50)]))
    let keys = (0..<100).map { "rfc/\($0 * 7 % 45 + 1)" }
    // The same request with a space in it is read as JSON.
    let spaced = keys.enumerated().map { #"{"id":\#($0), "op":"lookup","key":"\#($1)"}"# }
    let expected = try spaced.map { try alice.ask($0) }
    #expect(expected.contains { $0.outcome == "404 not-found" })
    var lines = keys.enumerated().map { Wire.lookup($1, id: $0) }
    for place in stride(from: 0, to: lines.count, by: 9) { lines[place] = spaced[place] }
    let text = lines.map { $0 + "\n" }.joined()
    #expect(try alice.send(raw: text) == expected)
    var found = [JSONValue]()
    // However they arrive.
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: 61) {
      found += try alice.begin(bytes: Array(bytes[start..<min(start + 61, bytes.count)]))
    }
    #expect(found == expected)
  }

  @Test func `adding again counts no record and takes the new title`() throws {
    let alice = try session()
    try alice.send(Wire.add(Wire.document("rfc/1", "old")))
    #expect(try alice.ask(Wire.add(Wire.document("rfc/1", "new")))["added"] == 0)
    #expect(try alice.ask(Wire.lookup("rfc/1")).rows("contents").first?["title"] == "new")
  }

  @Test func `batch is taken whole or not at all`() throws {
    let alice = try session()
    let bad = Wire.document("rfc/02")
    #expect(try alice.ask(Wire.add([Wire.document("rfc/1"), bad])).outcome == "400 bad-request")
    #expect(service.statistics.records == 0)
    #expect(try alice.ask(Wire.add([])).outcome == "200")
  }

  @Test func `session without a port adds nothing`() throws {
    let reader = try session(port: nil)
    #expect(try reader.ask(Wire.add(Wire.document("rfc/1"))).outcome == "409 no-port")
    #expect(try reader.ask(Wire.remove("rfc/1"))["removed"] == 0)
  }

  @Test func `session removes its own records only`() throws {
    let (alice, bob) = (try session(), try session(Wire.bob, name: "bob"))
    try alice.send(Wire.add(Wire.document("rfc/1")))
    #expect(try bob.ask(Wire.remove("rfc/1")) == ["id": 4, "status": 200, "removed": 0])
    #expect(try alice.ask(Wire.remove("rfc/1", size: 11))["removed"] == 0)
    #expect(try alice.ask(Wire.remove("rfc/1"))["removed"] == 1)
    #expect(try alice.ask(Wire.lookup("rfc/1")).outcome == "404 not-found")
  }

  @Test func `batch over the limit is refused`() throws {
    var limits = IndexLimits()
    limits.batch = 2
    let alice = try EmbeddedConnection(IndexService(limits: limits))
    try alice.send(Wire.hello())
    let reply = try alice.ask(Wire.add((1...3).map { Wire.document("rfc/\($0)") }))
    #expect(reply.outcome == "413 too-large")
    #expect(reply["limit"] == "batch" && reply["value"] == 2)
  }

  @Test func `records over the limit are refused`() throws {
    var limits = IndexLimits()
    limits.records = 2
    let service = IndexService(limits: limits)
    let alice = try EmbeddedConnection(service)
    try alice.send(Wire.hello())
    try alice.send(Wire.add(Wire.document("rfc/1")))
    let reply = try alice.ask(Wire.add([Wire.document("rfc/2"), Wire.document("rfc/3")]))
    #expect(reply.outcome == "429 too-many")
    #expect(reply["limit"] == "records" && reply["value"] == 2)
    #expect(service.statistics.records == 1)
  }

  // MARK: lookup

  @Test func `look-up by content finds holders under any key`() throws {
    let (alice, bob) = (try session(), try session(Wire.bob, name: "bob"))
    try alice.send(Wire.add([Wire.document("rfc/1"), Wire.document("file/one")]))
    try bob.send(Wire.add(Wire.document("file/other")))
    let found = try bob.ask(Wire.lookup(content: 1))
    #expect(found["key"] == "rfc/1")
    #expect(Set(found.holders.compactMap { $0["name"]?.string }) == ["alice", "bob"])
    #expect(try bob.ask(Wire.lookup("file/other")).holders.compactMap { $0["name"]?.string } == ["bob"])
    #expect(try bob.ask(Wire.lookup(content: 1, size: 11)).outcome == "404 not-found")
  }

  @Test func `look-up can name one holder`() throws {
    let (alice, bob) = (try session(), try session(Wire.bob, name: "bob"))
    try alice.send(Wire.add(Wire.document("rfc/1")))
    try bob.send(Wire.add([Wire.document("rfc/1"), Wire.document("rfc/2", content: 2)]))
    let one = #"{"id":5,"op":"lookup","key":"rfc/1","peer":"\#(Wire.bob)"}"#
    #expect(try alice.ask(one).holders.compactMap { $0["name"]?.string } == ["bob"])
    let none = #"{"id":5,"op":"lookup","key":"rfc/2","peer":"\#(Wire.alice)"}"#
    #expect(try alice.ask(none).outcome == "404 not-found")
  }

  @Test func `most-held contents come first and the rest is counted`() throws {
    let (alice, bob) = (try session(), try session(Wire.bob, name: "bob"))
    try alice.send(Wire.add((1...20).map { Wire.document("file/x", content: $0) }))
    try bob.send(Wire.add(Wire.document("file/x", content: 7)))
    let found = try alice.ask(Wire.lookup("file/x"))
    #expect(found.rows("contents").count == 16)
    #expect(found["more"] == 4)
    #expect(found.rows("contents").first?["content"] == .string(Wire.root(7)))
    #expect(found.rows("contents").first?["total"] == 2)
  }

  @Test func `number of holders is limited`() throws {
    var limits = IndexLimits()
    limits.holders = 3
    let service = IndexService(limits: limits)
    let holders = try (1...9).map { number in
      let holder = try EmbeddedConnection(service)
      try holder.send(Wire.hello(port: 40_000 + number))
      try holder.send(Wire.add(Wire.document("rfc/1")))
      return holder
    }
    let content = try #require(try holders[0].ask(Wire.lookup("rfc/1")).rows("contents").first)
    #expect(content["total"] == 9)
    #expect(Set(content.rows("holders")).count == 3)
  }

  @Test func `two sessions of one peer are one holder`() throws {
    let (old, new) = (try session(), try session(name: "alice2"))
    try old.send(Wire.add(Wire.document("rfc/1")))
    try new.send(Wire.add(Wire.document("rfc/1")))
    let asker = try session(Wire.bob, name: "bob")
    #expect(try asker.ask(Wire.lookup("rfc/1")).holders.compactMap { $0["name"]?.string } == ["alice"])
    try old.close()
    #expect(try asker.ask(Wire.lookup("rfc/1")).holders.compactMap { $0["name"]?.string } == ["alice2"])
    try new.close()
    #expect(try asker.ask(Wire.lookup("rfc/1")).outcome == "404 not-found")
  }

  // MARK: list, peers, stats, ping

  @Test func `list is paged by cursor`() throws {
    let alice = try session()
    try alice.send(Wire.add((10..<20).map { Wire.document("file/\($0)", content: $0) }))
    var keys = [String]()
    var after = ""
    for _ in 0..<4 {
      let page = try alice.ask(#"{"id":5,"op":"list","limit":3\#(after)}"#)
      keys += page.keys
      guard let next = page["next"]?.string else { break }
      after = #","after":"\#(next)""#
    }
    #expect(keys == (10..<20).map { "file/\($0)" })
    #expect(try alice.ask(#"{"id":5,"op":"list","after":"?"}"#).outcome == "400 bad-request")
  }

  @Test(arguments: [1, 2, 100]) func `list by level merges keys and is paged by cursor`(limit: Int) throws {
    let alice = try session()
    let keys = ["data/cats/1", "data/cats/2", "data/dogs/a/1", "data/x", "data/cats/2", "rfc/1"]
    try alice.send(Wire.add(keys.enumerated().map { Wire.document($1, content: $0 + 1) }))
    var rows = [JSONValue]()
    var after = ""
    for _ in 0..<4 {
      let page = try alice.ask(#"{"id":5,"op":"list","prefix":"data/","level":true,"limit":\#(limit)\#(after)}"#)
      rows += page.rows("documents")
      guard let next = page["next"]?.string else { break }
      after = #","after":"\#(next)""#
    }
    #expect(rows.prefix(2) == [["prefix": "data/cats/", "documents": 3], ["prefix": "data/dogs/", "documents": 1]])
    #expect(rows.count == 3 && rows.last?["key"] == "data/x" && rows.last?.rows("holders").count == 1)
    #expect(try alice.ask(#"{"id":6,"op":"list","prefix":""}"#).keys.count == 6)
    #expect(try alice.ask(#"{"id":6,"op":"list","prefix":"data/c","collection":"rfc"}"#).keys.isEmpty)
  }

  @Test(arguments: [
    #""level":true"#, #""prefix":7"#, #""prefix":"a\u0007b""#, #""prefix":"e\u0301""#, #""prefix":"a\u202eb""#,
    #""prefix":"","level":1"#, #""prefix":"\#(String(repeating: "x", count: 546))""#,
  ])
  func `impossible prefix is refused`(members: String) throws {
    #expect(try session().ask(#"{"id":5,"op":"list",\#(members)}"#).outcome == "400 bad-request")
  }

  @Test func `list that takes long lets others have their turn and delays only its own connection`() throws {
    let service = IndexService()
    let (alice, bob) = (try EmbeddedConnection(service), try EmbeddedConnection(service))
    try alice.send(Wire.hello())
    try bob.send(Wire.hello(peer: Wire.bob, name: "bob"))
    for batch in 0..<30 {
      try alice.send(
        Wire.add((0..<1000).map { Wire.document("data/\($0 % 2)/\(batch * 1000 + $0)", "even", content: $0 + 1) }))
    }
    let list = #"{"id":5,"op":"list","prefix":"data/","level":true,"words":"even"}"#
    #expect(try alice.begin(bytes: Array((list + "\n" + #"{"id":6,"op":"ping"}"# + "\n").utf8)).isEmpty)
    #expect(try bob.ask(#"{"id":7,"op":"ping"}"#).outcome == "200")
    var replies = [JSONValue]()
    for _ in 0..<100 where replies.count < 2 {
      alice.pass(LineLimits(line: 0).pause)
      replies += try alice.written()
    }
    #expect(replies.map { $0["id"] } == [5, 6])
    #expect(
      replies.first?.rows("documents")
        == [["prefix": "data/0/", "documents": 15_000], ["prefix": "data/1/", "documents": 15_000]])
    #expect(try alice.begin(bytes: Array((list + "\n").utf8)).isEmpty)
    try alice.close()
    alice.pass(.seconds(1))
    #expect(service.statistics.records == 0)
  }

  @Test func `list filters by collection and words`() throws {
    let alice = try session()
    try alice.send(
      Wire.add([
        Wire.document("rfc/793", "Transmission Control Protocol", content: 1),
        Wire.document("rfc/768", "User Datagram Protocol", content: 2),
        Wire.document("file/control.txt", "Été", content: 3),
      ]))
    #expect(try alice.ask(#"{"id":5,"op":"list","collection":"rfc"}"#).keys == ["rfc/768", "rfc/793"])
    #expect(try alice.ask(#"{"id":5,"op":"list","words":"PROTO contr"}"#).keys == ["rfc/793"])
    #expect(try alice.ask(#"{"id":5,"op":"list","words":"ete"}"#).keys == ["file/control.txt"])
    #expect(try alice.ask(#"{"id":5,"op":"list","words":"nothing"}"#) == ["id": 5, "status": 200, "documents": []])
  }

  @Test(arguments: ["list", "watch"]) func `search for too many words is refused`(operation: String) throws {
    let alice = try session()
    func search(_ words: Int) -> String {
      let text = (0..<words).map { "w\($0)" }.joined(separator: " ")
      return #"{"id":6,"op":"\#(operation)","words":"\#(text)"}"#
    }
    #expect(try alice.ask(search(32)).outcome == "200")
    let refusal = try alice.ask(search(33))
    #expect(refusal.outcome == "400 bad-request" && refusal["message"] == "words: at most 32 words")
  }

  @Test func `list shows few holders and their total`() throws {
    let sessions = try (1...5).map { try session(port: 40_000 + $0) }
    for session in sessions { try session.send(Wire.add(Wire.document("rfc/1"))) }
    let row = try #require(try sessions[0].ask(#"{"id":5,"op":"list"}"#).rows("documents").first)
    #expect(row.rows("holders").count == 3)
    #expect(row["total"] == 5)
  }

  @Test func `page is cut to the limit of a line`() throws {
    let alice = try session()
    let title = String(repeating: #"\""#, count: 512)
    for batch in 0..<2 {
      let numbers = batch * 500..<(batch + 1) * 500
      try alice.send(Wire.add(numbers.map { Wire.document("file/\(10_000 + $0)", title, content: $0) }))
    }
    let page = try alice.ask(#"{"id":5,"op":"list","limit":1000000}"#)
    let next = try #require(page["next"]?.string)
    #expect((100..<1000).contains(page.keys.count))
    let rest = try alice.ask(#"{"id":5,"op":"list","limit":1000,"after":"\#(next)"}"#)
    #expect(rest.keys.first == "file/\(10_000 + page.keys.count)")
  }

  @Test func `peers are listed in pages`() throws {
    let sessions = [
      try session(), try session(Wire.bob, name: "bob"), try session(String(repeating: "c", count: 64), port: nil),
    ]
    try sessions[0].send(Wire.add(Wire.document("rfc/1")))
    let first = try sessions[2].ask(#"{"id":8,"op":"peers","limit":1}"#)
    let alice: JSONValue = [
      "peer": .string(Wire.alice), "name": "alice", "host": "127.0.0.1", "port": 40_001, "documents": 1,
    ]
    #expect(first.rows("peers") == [alice])
    let next = try #require(first["next"]?.string)
    let second = try sessions[2].ask(#"{"id":8,"op":"peers","limit":9,"after":"\#(next)"}"#)
    #expect(second.rows("peers").compactMap { $0["name"]?.string } == ["bob"])
    #expect(second["next"] == nil)
    #expect(try sessions[2].ask(#"{"id":8,"op":"peers","after":"AAAA"}"#).outcome == "400 bad-request")
  }

  @Test func `stats count what the index holds`() throws {
    let (alice, bob) = (try session(), try session(Wire.bob, name: "bob"))
    try alice.send(Wire.add([Wire.document("rfc/1"), Wire.document("rfc/1", content: 2)]))
    try bob.send(Wire.add(Wire.document("rfc/1")))
    let counts: [String: JSONValue] = [
      "id": 7, "status": 200, "documents": 2, "keys": 1, "records": 3, "peers": 2, "sessions": 2,
      "time": "2026-01-02T03:04:05Z",
    ]
    let stats = try bob.ask(#"{"id":7,"op":"stats"}"#)
    for (name, value) in counts { #expect(stats[name] == value, "\(name)") }
    #expect((stats["bytes"]?.integer ?? 0) > 0 && stats["refusals"] == nil)
  }

  @Test func `ping is answered`() throws {
    #expect(try session().ask(#"{"id":9007199254740991,"op":"ping"}"#) == ["id": 9_007_199_254_740_991, "status": 200])
  }

  @Test(arguments: ["fly", "WATCH", "HELLO", ""])
  func `other operations are unknown`(name: String) throws {
    #expect(try session().ask(#"{"id":1,"op":"\#(name)"}"#).outcome == "501 unknown-operation")
  }

  @Test func `everything is forgotten with the last session`() throws {
    let alice = try session()
    try alice.send(Wire.add(Wire.document("rfc/1")))
    try alice.close()
    alice.pass(.milliseconds(1))
    #expect(service.isClear)
    let statistics = service.statistics
    #expect(statistics.records == 0 && statistics.sessions == 0 && statistics.peers == 0 && statistics.keys == 0)
  }
}
