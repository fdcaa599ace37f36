// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// What a closed session had is gone from all answers at once, however long clearing it away takes.
@Suite struct DepartureTests {
  private var index = DocumentIndex()
  private var random = SeededGenerator(seed: 1)

  private mutating func fill(_ session: UInt64, _ documents: Int, title: String = "old title") throws {
    index.add(try (0..<documents).map { try Sample.document("file/\($0)", $0, title: title) }, by: SessionID(session))
  }

  @Test mutating func `nothing of a closed session is found before it is cleared`() throws {
    try index.open(1)
    try fill(1, 1000)
    #expect(index.close(SessionID(1)) == 1000)
    #expect(index.needsClearing && index.statistics.records == 0 && index.statistics.sessions == 0)
    #expect(try index.lookup("file/7").contents.isEmpty)
    #expect(index.lookup(content: try Sample.content(7), using: &random).contents.isEmpty)
    #expect(index.keys().isEmpty)
    #expect(index.keys(words: ["title"]).isEmpty)
    #expect(try index.levels(prefix: "").isEmpty)
    #expect(index.peers(limit: 9).rows.isEmpty)
  }

  @Test mutating func `peer that comes back at once is found under its new name`() throws {
    try index.open(1, name: "before")
    try fill(1, 100)
    index.close(SessionID(1))
    try index.open(2, peer: 1, name: "after")
    index.add([try Sample.document("file/7", 7, title: "new")], by: SessionID(2))
    for _ in 0..<3 {
      let found = try #require(try index.lookup("file/7").contents.first)
      #expect(found.holders.map(\.name.text) == ["after"] && found.total == 1 && found.title.text == "new")
      #expect(index.keys() == ["file/7"])
      #expect(index.peers(limit: 9).rows.map(\.name.text) == ["after"])
      index.clear(40)
    }
  }

  @Test mutating func `session that stays is shown without what its twin had`() throws {
    try index.open(1, peer: 1, name: "elder")
    try index.open(2, peer: 1, name: "younger")
    try fill(1, 10)
    index.add([try Sample.document("file/7", 7)], by: SessionID(2))
    index.close(SessionID(1))
    #expect(try index.lookup("file/6").contents.isEmpty)
    #expect(index.lookup(content: try Sample.content(6), using: &random).contents.isEmpty)
    #expect(try index.lookup("file/7").contents.first?.holders.map(\.name.text) == ["younger"])
    #expect(index.keys() == ["file/7"])
    index.clearAll()
    #expect(index.keys() == ["file/7"])
  }

  @Test mutating func `number of holders is that of all while a session is cleared`() throws {
    let holders: UInt64 = 5000
    for session in 1...holders {
      try index.open(session, port: UInt16(truncatingIfNeeded: session))
      index.add([try Sample.document("file/7", 7)], by: SessionID(session))
    }
    try index.open(holders + 1)
    index.add(try (200..<300).map { try Sample.document("file/\($0)", $0) }, by: SessionID(holders + 1))
    index.close(SessionID(holders + 1))
    #expect(index.needsClearing)
    let found = try #require(try index.lookup("file/7").contents.first)
    #expect(found.total == 5000 && found.holders.count == 50)
    #expect(index.lookup(content: try Sample.content(7), using: &random).contents.first?.total == 5000)
  }

  @Test mutating func `clearing a session is bounded work whatever its titles`() throws {
    try index.open(1)
    let title = (0..<80).map { "w\($0)" }.joined(separator: " ")
    try fill(1, 300, title: title)
    index.close(SessionID(1))
    var slices = 0
    while index.needsClearing {
      index.clear(32)
      slices += 1
    }
    #expect(slices > 9)
    #expect(index.elementCount == 0)
  }

  @Test mutating func `memory of a session is zero when its records are`() throws {
    let block = try AddressBlock(#require(HostAddress("192.0.2.1")))
    index.open(
      SessionID(1), peer: Sample.peer(1), name: try PeerName("a"), host: "192.0.2.1", port: 1, block: block)
    let before = try #require(index.holdings(of: SessionID(1)))
    try fill(1, 200, title: "a rather long title of several words")
    index.reserve(5000, for: SessionID(1))
    #expect(index.holdings(of: SessionID(1))?.block?.records == 200)
    let documents = try (0..<200).map { try Sample.document("file/\($0)", $0).id }
    index.remove(documents, by: SessionID(1))
    index.reserve(0, for: SessionID(1))
    #expect(index.holdings(of: SessionID(1)) == before)
  }

  @Test mutating func `memory of an entry passes on to the next holder`() throws {
    for session in 1...2 { try index.open(UInt64(session)) }
    let small = try #require(index.holdings(of: SessionID(2))?.bytes)
    for session in 1...2 { try fill(UInt64(session), 50, title: "a rather long title of several words") }
    let shared = try #require(index.holdings(of: SessionID(2))?.bytes)
    index.close(SessionID(1))
    index.clearAll()
    let alone = try #require(index.holdings(of: SessionID(2))?.bytes)
    #expect(small < shared && shared < alone)
  }

  @Test mutating func `key with a thousand leaving contents still shows the one that stays`() throws {
    for session in 1...2 { try index.open(UInt64(session)) }
    index.add(try (1...1000).map { try Sample.document("file/a", $0) }, by: SessionID(1))
    index.add([try Sample.document("file/a", 5000)], by: SessionID(2))
    index.close(SessionID(1))
    let found = try index.lookup("file/a")
    #expect(found.contents.map(\.content) == [try Sample.content(5000)] && found.more == 0)
  }
}
