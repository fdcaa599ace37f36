// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// One content under several keys, and one holder with several claims.
@Suite struct SharedContentTests {
  private var index = DocumentIndex()
  private var random = SeededGenerator(seed: 1)

  private mutating func byContent(_ number: Int = 0, peer: PeerID? = nil) throws -> ContentEntry? {
    index.lookup(content: try Sample.content(number), peers: peer.map { DigestPrefix($0.digest) }, using: &random)
      .contents.first
  }

  private mutating func add(_ session: UInt64, _ keys: String..., complete: Bool = true) throws {
    index.add(try keys.map { try Sample.document($0) }, by: SessionID(session), complete: complete)
  }

  private mutating func remove(_ session: UInt64, _ keys: String...) throws {
    let content = try Sample.content(0)
    index.remove(try keys.map { DocumentID(key: try DocumentKey($0), content: content) }, by: SessionID(session))
  }

  @Test mutating func `holder under several keys leaves with its last record`() throws {
    try index.open(1)
    try add(1, "file/a", "file/b", "file/c")
    for key in ["file/b", "file/a"] {
      try remove(1, key)
      let total = try byContent()?.total
      #expect(total == 1)
    }
    try remove(1, "file/c")
    let left = try byContent()
    #expect(left == nil)
    #expect(index.statistics.records == 0)
  }

  @Test mutating func `content is named after the key under which it has been longest`() throws {
    for session in 1...2 { try index.open(UInt64(session)) }
    try add(1, "file/z")
    try add(2, "file/a")
    let first = try byContent()?.key.text
    #expect(first == "file/z")
    try remove(1, "file/z")
    let second = try byContent()?.key.text
    #expect(second == "file/a")
    try add(1, "file/z")
    let third = try byContent()?.key.text
    #expect(third == "file/a", "what comes back is the youngest")
  }

  @Test mutating func `complete under one key is complete for the content`() throws {
    try index.open(1)
    try add(1, "file/a", complete: false)
    try add(1, "file/b", complete: true)
    let content = try byContent()?.holders.map(\.complete)
    #expect(content == [true])
    #expect(try index.lookup("file/a").contents.first?.holders.map(\.complete) == [false])
    try remove(1, "file/b")
    let after = try byContent()?.holders.map(\.complete)
    #expect(after == [false])
  }

  @Test mutating func `two sessions of one source make one holder with the better claim`() throws {
    try index.open(1, peer: 7)
    try index.open(2, peer: 7)
    try add(1, "file/a", complete: false)
    try add(2, "file/a", complete: true)
    let entry = try #require(try index.lookup("file/a").contents.first)
    #expect(entry.total == 1)
    #expect(entry.holders.map(\.complete) == [true])
    index.close(SessionID(2))
    #expect(try index.lookup("file/a").contents.first?.holders.map(\.complete) == [false])
    try add(1, "file/a", complete: true)
    #expect(try index.lookup("file/a").contents.first?.holders.map(\.complete) == [true])
    try add(1, "file/a", complete: false)
    #expect(try index.lookup("file/a").contents.first?.holders.map(\.complete) == [false])
  }

  @Test mutating func `same root with another size is another content`() throws {
    try index.open(1)
    let (small, large) = (try Sample.content(3, size: 1), try Sample.content(3, size: 2))
    for content in [small, large] {
      let document = Document(
        key: try DocumentKey("file/a"), title: .empty, content: content, modified: Timestamp(seconds: 0))
      index.add([document], by: SessionID(1))
    }
    #expect(try index.lookup("file/a").contents.count == 2)
    index.remove([DocumentID(key: try DocumentKey("file/a"), content: small)], by: SessionID(1))
    #expect(try index.lookup("file/a").contents.map(\.content) == [large])
  }

  @Test mutating func `look-up by content can name one peer`() throws {
    for session in 1...3 {
      try index.open(UInt64(session))
      try add(UInt64(session), "file/\(session)")
    }
    let two = try byContent(peer: Sample.peer(2))
    #expect(two?.holders.map(\.peer) == [Sample.peer(2)])
    #expect(two?.total == 1)
    let none = try byContent(peer: Sample.peer(9))
    #expect(none == nil)
  }

  @Test mutating func `one peer at several addresses is several holders`() throws {
    for (session, port) in zip(1...3, [4000, 4001, 4001] as [UInt16]) {
      try index.open(UInt64(session), peer: 5, port: port)
      try add(UInt64(session), "file/a")
    }
    let entry = try #require(try index.lookup("file/a", peer: Sample.peer(5)).contents.first)
    #expect(entry.total == 2)
    #expect(Set(entry.holders.map(\.port)) == [4000, 4001])
  }

  /// A content moves between many keys while holders come and go; the numbers stay those of a plain count.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  mutating func `totals are those of a plain count`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var held = Set<[Int]>()
    for session in 0..<30 { try index.open(UInt64(session + 1)) }
    for _ in 0..<600 {
      let (session, key) = (Int.random(in: 0..<30, using: &random), Int.random(in: 0..<5, using: &random))
      if random.once(in: 2) {
        try add(UInt64(session + 1), "file/\(key)")
        held.insert([session, key])
      } else {
        try remove(UInt64(session + 1), "file/\(key)")
        held.remove([session, key])
      }
      let total = try byContent()?.total ?? 0
      #expect(total == Set(held.map { $0[0] }).count)
      let ofKey = try index.lookup("file/\(key)").contents.first?.total ?? 0
      #expect(ofKey == held.filter { $0[1] == key }.count)
    }
    for session in 0..<30 { index.close(SessionID(UInt64(session + 1))) }
    index.clearAll()
    #expect(index.elementCount == 0)
  }
}
