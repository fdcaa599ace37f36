// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// Many contents under one key, most-held first, and many holders of one content.
@Suite struct RankingTests {
  private var index = DocumentIndex()

  @Test mutating func `limits of zero give counts only`() throws {
    try index.open(1)
    index.add(try (0..<3).map { try Sample.document("file/a", $0) }, by: SessionID(1))
    let none = try index.lookup("file/a", contentLimit: 0)
    #expect(none.contents.isEmpty && none.more == 3)
    let bare = try index.lookup("file/a", holderLimit: 0)
    #expect(bare.contents.map(\.holders.count) == [0, 0, 0])
    #expect(bare.contents.map(\.total) == [1, 1, 1])
  }

  @Test mutating func `equally held contents are in their own order`() throws {
    try index.open(1)
    index.add(try [5, 2, 9, 1].map { try Sample.document("file/a", $0) }, by: SessionID(1))
    let expected = try [1, 2, 5, 9].map { try Sample.content($0) }
    #expect(try index.lookup("file/a").contents.map(\.content) == expected)
  }

  @Test mutating func `last content of a key needs no ranking`() throws {
    try index.open(1)
    let documents = try (0..<2).map { try Sample.document("file/a", $0) }
    for _ in 0..<3 {
      index.add(documents, by: SessionID(1))
      index.remove([documents[0].id], by: SessionID(1))
      #expect(try index.lookup("file/a").contents.map(\.content) == [documents[1].content])
      index.remove([documents[1].id], by: SessionID(1))
      #expect(try index.lookup("file/a").contents.isEmpty)
    }
  }

  @Test mutating func `look-up of one peer counts the contents left out`() throws {
    for session in 1...2 { try index.open(UInt64(session)) }
    index.add(try (0..<9).map { try Sample.document("file/a", $0) }, by: SessionID(1))
    index.add(try (4..<9).map { try Sample.document("file/a", $0) }, by: SessionID(2))
    let found = try index.lookup("file/a", peer: Sample.peer(2), contentLimit: 2)
    #expect(found.contents.count == 2 && found.more == 3)
    #expect(found.contents.allSatisfy { $0.holders.map(\.peer) == [Sample.peer(2)] })
  }

  /// More contents than fit one block, with holders that come and go.
  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  mutating func `contents are ranked by their holders`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var held = [Int: Set<UInt64>]()
    for session in 1...6 as ClosedRange<UInt64> { try index.open(session) }
    for step in 0..<3000 {
      let (number, session) = (Int.random(in: 0..<700, using: &random), UInt64.random(in: 1...6, using: &random))
      let document = try Sample.document("file/a", number)
      if step < 2000 || random.once(in: 2) {
        index.add([document], by: SessionID(session))
        held[number, default: []].insert(session)
      } else {
        index.remove([document.id], by: SessionID(session))
        held[number]?.remove(session)
      }
    }
    var expected = [(content: Content, total: Int)]()
    for (number, sessions) in held where !sessions.isEmpty {
      expected.append((try Sample.content(number), sessions.count))
    }
    expected.sort { $0.total == $1.total ? $0.content < $1.content : $0.total > $1.total }
    let found = try index.lookup("file/a", contentLimit: 1000)
    #expect(found.contents.map(\.content) == expected.map { $0.content })
    #expect(found.contents.map(\.total) == expected.map { $0.total })
    for session in 1...6 as ClosedRange<UInt64> { index.close(SessionID(session)) }
    index.clearAll()
    #expect(index.elementCount == 0)
  }

  /// More holders than are searched one by one: they join, complete and leave in random order.
  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  mutating func `holders are those with a record`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var claims = [Int: Bool]()
    let document = try Sample.document("file/a")
    for session in 1...200 { try index.open(UInt64(session)) }
    for step in 0..<2000 {
      let session = Int.random(in: 1...200, using: &random)
      let adds = step < 1000 ? !random.once(in: 4) : random.once(in: 4)
      if adds {
        let complete = random.once(in: 2)
        index.add([document], by: SessionID(UInt64(session)), complete: complete)
        claims[session] = complete
      } else {
        index.remove([document.id], by: SessionID(UInt64(session)))
        claims[session] = nil
      }
      guard step % 20 == 0 else { continue }
      let found = try index.lookup("file/a", holderLimit: 1000).contents.first?.holders ?? []
      #expect(Set(found.map(\.peer)) == Set(claims.keys.map { Sample.peer($0) }))
      #expect(found.count == claims.count)
      #expect(found.prefix { $0.complete }.count == claims.values.filter { $0 }.count)
      #expect(found.filter(\.complete).count == claims.values.filter { $0 }.count)
    }
  }

  @Test mutating func `partial holders have the same chance too`() throws {
    var generator = SeededGenerator(seed: 9)
    for session in 1...30 {
      try index.open(UInt64(session))
      index.add([try Sample.document("file/a")], by: SessionID(UInt64(session)), complete: session <= 2)
    }
    var seen = [PeerID: Int]()
    for _ in 0..<2800 {
      let holders = index.lookup(key: try DocumentKey("file/a"), holderLimit: 9, using: &generator).contents[0].holders
      #expect(holders.count == 9 && holders.prefix(2).allSatisfy(\.complete))
      for holder in holders.dropFirst(2) { seen[holder.peer, default: 0] += 1 }
    }
    // 700 expected of each of 28; the standard deviation is 23.
    #expect(seen.count == 28)
    #expect(seen.values.allSatisfy { (580...820).contains($0) })
  }
}
