// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// One rule of records, holders and look-ups each.
@Suite struct RecordRulesTests {
  private var index = DocumentIndex()

  @Test mutating func `record lives as long as its session`() throws {
    try index.open(1)
    let added = index.add([try Sample.document("rfc/1"), try Sample.document("rfc/2")], by: SessionID(1))
    #expect(added == 2)
    #expect(try index.lookup("rfc/1").contents.count == 1)
    let dropped = index.close(SessionID(1))
    #expect(dropped == 2)
    #expect(try index.lookup("rfc/1").contents.isEmpty)
    index.clearAll()
    #expect(index.statistics == IndexStatistics(documents: 0, records: 0, sessions: 0, peers: 0, keys: 0))
  }

  @Test mutating func `adding again replaces title and time`() throws {
    try index.open(1)
    index.add([try Sample.document("rfc/1", title: "old", modified: 1)], by: SessionID(1))
    let added = index.add([try Sample.document("rfc/1", title: "new", modified: 2)], by: SessionID(1))
    let entry = try #require(try index.lookup("rfc/1").contents.first)
    #expect(added == 0)
    #expect(entry.title.text == "new")
    #expect(entry.modified.seconds == 2)
    #expect(index.keys(words: ["old"]).isEmpty)
    #expect(index.keys(words: ["new"]) == ["rfc/1"])
  }

  @Test mutating func `sessions that are unknown or have no port add nothing`() throws {
    try index.open(1, port: nil)
    let withoutPort = index.add([try Sample.document("rfc/1")], by: SessionID(1))
    let unknown = index.add([try Sample.document("rfc/1")], by: SessionID(2))
    #expect(withoutPort == 0)
    #expect(unknown == 0)
    #expect(index.statistics == IndexStatistics(documents: 0, records: 0, sessions: 1, peers: 0, keys: 0))
  }

  @Test mutating func `session opens once`() throws {
    try index.open(1)
    let again = index.open(
      SessionID(1), peer: Sample.peer(2), name: try PeerName("other"), host: "192.0.2.9", port: 1)
    #expect(!again)
    #expect(index.peers(limit: 10).rows.map(\.peer) == [Sample.peer(1)])
  }

  @Test mutating func `removing a missing record is no error`() throws {
    try index.open(1)
    try index.open(2)
    index.add([try Sample.document("rfc/1")], by: SessionID(1))
    let records = [
      DocumentID(key: try DocumentKey("rfc/1"), content: try Sample.content(0)),
      DocumentID(key: try DocumentKey("rfc/2"), content: .empty),
    ]
    let byAnother = index.remove(records, by: SessionID(2))
    let byItsOwn = index.remove(records, by: SessionID(1))
    #expect(byAnother == 0)
    #expect(byItsOwn == 1)
    #expect(index.records(of: SessionID(1)) == 0)
  }

  @Test mutating func `title and time are those of the oldest live record`() throws {
    for session in 1...3 {
      try index.open(UInt64(session))
      index.add(
        [try Sample.document("rfc/1", title: "title \(session)", modified: Int64(session))],
        by: SessionID(UInt64(session)))
    }
    #expect(try index.lookup("rfc/1").contents.first?.title.text == "title 1")
    index.close(SessionID(1))
    #expect(try index.lookup("rfc/1").contents.first?.title.text == "title 2")
    index.add([try Sample.document("rfc/1", title: "again", modified: 9)], by: SessionID(2))
    let entry = try #require(try index.lookup("rfc/1").contents.first)
    #expect(entry.title.text == "again")
    #expect(entry.modified.seconds == 9)
  }

  @Test mutating func `most-held content comes first and the rest is counted`() throws {
    for session in 1...6 {
      try index.open(UInt64(session))
      // Content N is held by the sessions from N on.
      let documents = try (1...session).map { try Sample.document("file/a", $0) }
      index.add(documents, by: SessionID(UInt64(session)))
    }
    let result = try index.lookup("file/a", contentLimit: 4)
    #expect(result.contents.map(\.total) == [6, 5, 4, 3])
    #expect(result.more == 2)
    index.remove([DocumentID(key: try DocumentKey("file/a"), content: try Sample.content(1))], by: SessionID(1))
    index.remove([DocumentID(key: try DocumentKey("file/a"), content: try Sample.content(1))], by: SessionID(2))
    #expect(try index.lookup("file/a").contents.map(\.total) == [5, 4, 4, 3, 2, 1])
  }

  @Test mutating func `complete holders come first`() throws {
    for session in 1...9 {
      try index.open(UInt64(session))
      index.add([try Sample.document("rfc/1")], by: SessionID(UInt64(session)), complete: session > 6)
    }
    let all = try #require(try index.lookup("rfc/1").contents.first)
    #expect(all.holders.map(\.complete) == [true, true, true, false, false, false, false, false, false])
    let few = try #require(try index.lookup("rfc/1", holderLimit: 4).contents.first)
    #expect(few.holders.map(\.complete) == [true, true, true, false])
    #expect(few.total == 9)
    index.add([try Sample.document("rfc/1")], by: SessionID(1), complete: true)
    #expect(try index.lookup("rfc/1").contents.first?.holders.filter(\.complete).count == 4)
  }

  @Test mutating func `beyond the limit every holder has the same chance`() throws {
    var generator = SeededGenerator(seed: 7)
    for session in 1...40 {
      try index.open(UInt64(session))
      index.add([try Sample.document("rfc/1")], by: SessionID(UInt64(session)))
    }
    var seen = [PeerID: Int]()
    for _ in 0..<4000 {
      let holders = index.lookup(key: try DocumentKey("rfc/1"), holderLimit: 10, using: &generator).contents[0].holders
      #expect(Set(holders).count == 10)
      for holder in holders { seen[holder.peer, default: 0] += 1 }
    }
    // 1000 expected of each; the standard deviation is 27.
    #expect(seen.count == 40)
    #expect(seen.values.allSatisfy { (850...1150).contains($0) })
  }

  @Test mutating func `one holder per peer, host and port has the name of the elder session`() throws {
    try index.open(1, peer: 5, name: "before")
    try index.open(2, peer: 5, name: "after")
    try index.open(3, peer: 5, name: "other", port: 4001)
    for session in 1...3 { index.add([try Sample.document("rfc/1")], by: SessionID(UInt64(session))) }
    let entry = try #require(try index.lookup("rfc/1").contents.first)
    #expect(entry.total == 2)
    #expect(Set(entry.holders.map(\.name.text)) == ["before", "other"])
    index.close(SessionID(1))
    let after = try #require(try index.lookup("rfc/1").contents.first)
    #expect(after.total == 2)
    #expect(Set(after.holders.map(\.name.text)) == ["after", "other"])
    #expect(index.statistics.peers == 2)
  }

  @Test mutating func `look-up can name one peer`() throws {
    for session in 1...3 {
      try index.open(UInt64(session))
      index.add([try Sample.document("rfc/1")], by: SessionID(UInt64(session)))
    }
    let entry = try #require(try index.lookup("rfc/1", peer: Sample.peer(2)).contents.first)
    #expect(entry.holders.map(\.peer) == [Sample.peer(2)])
    #expect(entry.total == 1)
    #expect(try index.lookup("rfc/1", peer: Sample.peer(9)).contents.isEmpty)
  }

  @Test mutating func `look-up by content counts holders under several keys once`() throws {
    var generator = SeededGenerator(seed: 1)
    for session in 1...3 { try index.open(UInt64(session)) }
    index.add([try Sample.document("file/a"), try Sample.document("file/b")], by: SessionID(1))
    index.add([try Sample.document("file/b")], by: SessionID(2))
    index.add([try Sample.document("file/c", 1)], by: SessionID(3))
    let content = try Sample.content(0)
    let entry = try #require(index.lookup(content: content, using: &generator).contents.first)
    #expect(entry.total == 2)
    #expect(entry.key.text == "file/a")
    #expect(try index.lookup("file/a").contents.first?.total == 1)
    index.remove([DocumentID(key: try DocumentKey("file/a"), content: content)], by: SessionID(1))
    #expect(index.lookup(content: content, using: &generator).contents.first?.total == 2)
    index.close(SessionID(1))
    #expect(index.lookup(content: content, using: &generator).contents.first?.holders.map(\.peer) == [Sample.peer(2)])
    #expect(index.lookup(content: try Sample.content(0, size: 7), using: &generator).contents.isEmpty)
  }

  @Test mutating func `edition changes with what is said of a document, and with nothing else`() throws {
    var generator = SeededGenerator(seed: 1)
    func edition() -> UInt64? {
      var collector = EditionCollector()
      _ = index.visit(key: "rfc/1", using: &generator, visitor: &collector)
      return collector.rows.keys.first
    }
    try index.open(1)
    try index.open(2)
    index.add([try Sample.document("rfc/1", 0, title: "old")], by: SessionID(1))
    let first = try #require(edition())
    index.add([try Sample.document("rfc/1", 0, title: "of another holder")], by: SessionID(2))
    index.add([try Sample.document("rfc/2", 0)], by: SessionID(2))
    index.add([try Sample.document("rfc/1", 0, title: "old")], by: SessionID(1))
    #expect(edition() == first)
    index.add([try Sample.document("rfc/1", 0, title: "new")], by: SessionID(1))
    let second = try #require(edition())
    #expect(second != first)
    index.close(SessionID(1))
    #expect(edition() == nil, "while records of closed sessions remain, answers are made anew")
    index.clearAll()
    #expect(try #require(edition()) != second)
  }

  @Test mutating func `keys are found by their bytes and invalid keys are not found`() throws {
    struct Counter: LookupVisitor {
      var contents: [ContentFacts] = []
      var holders: [Holder] = []
      mutating func visit(_ facts: ContentFacts, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer) {
        contents.append(facts)
      }
      mutating func visit(_ holder: Holder) { holders.append(holder) }
    }
    var generator = SeededGenerator(seed: 1)
    try index.open(1)
    index.add([try Sample.document("file/čeština", 0)], by: SessionID(1))
    for (text, found) in [("file/čeština", true), ("file/c\u{30C}es\u{30C}tina", false), ("", false), ("x", false)] {
      var counter = Counter()
      let outcome = index.visit(key: text, using: &generator, visitor: &counter)
      #expect(outcome == (found ? .found(more: 0) : .nothing))
      #expect(counter.contents.count == (found ? 1 : 0))
      #expect(counter.holders.count == (found ? 1 : 0))
    }
  }

  @Test mutating func `very popular document is added and removed without delay`() throws {
    // With work that grows with the number of holders for each of them, this would take minutes.
    let count: UInt64 = 10_000
    let documents = [try Sample.document("rfc/1"), try Sample.document("rfc/1", 1), try Sample.document("rfc/2")]
    for session in 1...count {
      try index.open(session, port: UInt16(truncatingIfNeeded: session))
      index.add(documents, by: SessionID(session))
    }
    #expect(try index.lookup("rfc/1").contents.map(\.total) == [10_000, 10_000])
    for session in 1...count { index.close(SessionID(session)) }
    index.clearAll()
    #expect(index.elementCount == 0)
  }

  @Test mutating func `closing a session again drops nothing`() throws {
    try index.open(1)
    index.add([try Sample.document("rfc/1")], by: SessionID(1))
    let (first, second, unknown) = (
      index.close(SessionID(1)), index.close(SessionID(1)), index.close(SessionID(2))
    )
    #expect(first == 1 && second == 0 && unknown == 0)
    index.clearAll()
    #expect(index.elementCount == 0)
  }

  @Test mutating func `closed session may be opened again and begins empty`() throws {
    try index.open(1)
    index.add([try Sample.document("rfc/1")], by: SessionID(1))
    index.close(SessionID(1))
    try index.open(1)
    #expect(index.records(of: SessionID(1)) == 0)
    #expect(try index.lookup("rfc/1").contents.isEmpty)
  }

  @Test mutating func `document twice in a batch is one record with the last title`() throws {
    try index.open(1)
    let added = index.add(
      [try Sample.document("rfc/1", title: "first"), try Sample.document("rfc/1", title: "second")],
      by: SessionID(1))
    #expect(added == 1 && index.records(of: SessionID(1)) == 1)
    #expect(try index.lookup("rfc/1").contents.first?.title.text == "second")
    #expect(index.keys(words: ["first"]).isEmpty)
  }

  @Test mutating func `document twice in a removal is removed once`() throws {
    try index.open(1)
    let document = try Sample.document("rfc/1")
    index.add([document], by: SessionID(1))
    let removed = index.remove([document.id, document.id], by: SessionID(1))
    #expect(removed == 1)
  }

  @Test mutating func `statistics count pairs, records, keys, peers and sessions`() throws {
    for session in 1...3 { try index.open(UInt64(session), peer: session == 3 ? 2 : session) }
    try index.open(4, port: nil)
    index.add([try Sample.document("rfc/1"), try Sample.document("rfc/1", 1)], by: SessionID(1))
    index.add([try Sample.document("rfc/1"), try Sample.document("rfc/2")], by: SessionID(2))
    #expect(index.statistics == IndexStatistics(documents: 3, records: 4, sessions: 4, peers: 2, keys: 2))
  }
}
