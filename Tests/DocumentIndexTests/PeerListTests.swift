// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// The list of peers, and where lists continue.
@Suite struct PeerListTests {
  private var index = DocumentIndex()

  private mutating func open(_ session: UInt64, peer: Int, host: String, port: UInt16, name: String = "p") throws {
    index.open(SessionID(session), peer: Sample.peer(peer), name: try PeerName(name), host: host, port: port)
  }

  @Test mutating func `peers are in the order of id, host and port`() throws {
    try open(1, peer: 2, host: "192.0.2.9", port: 1)
    try open(2, peer: 1, host: "192.0.2.9", port: 30)
    try open(3, peer: 1, host: "192.0.2.10", port: 2)
    try open(4, peer: 1, host: "192.0.2.9", port: 4)
    let rows = index.peers(limit: 10).rows
    #expect(rows.map(\.host) == ["192.0.2.10", "192.0.2.9", "192.0.2.9", "192.0.2.9"])
    #expect(rows.map(\.port) == [2, 4, 30, 1])
  }

  @Test(arguments: [1, 3, 100, 2000])
  mutating func `pages give every peer once`(limit: Int) throws {
    for session in 1...1000 {
      try open(UInt64(session), peer: session % 400, host: "192.0.2.\(session % 7)", port: UInt16(session % 3 + 1))
    }
    var found = [PeerListing]()
    var cursor: HolderID?
    repeat {
      let page = index.peers(limit: limit, after: cursor)
      #expect(page.rows.count == limit || page.next == nil)
      found += page.rows
      cursor = try page.next.map { try HolderID(cursor: $0.cursor) }
    } while cursor != nil
    let ids = found.map { HolderID(peer: $0.peer, host: $0.host, port: $0.port) }
    #expect(ids == Set(ids).sorted())
    #expect(ids.count == index.statistics.peers)
  }

  @Test mutating func `records of all sessions of a source are counted together`() throws {
    try open(1, peer: 1, host: "192.0.2.1", port: 1, name: "old")
    try open(2, peer: 1, host: "192.0.2.1", port: 1, name: "new")
    index.add([try Sample.document("rfc/1")], by: SessionID(1))
    index.add([try Sample.document("rfc/1"), try Sample.document("rfc/2")], by: SessionID(2))
    #expect(index.peers(limit: 9).rows.map(\.documents) == [3])
    #expect(index.peers(limit: 9).rows.map(\.name.text) == ["old"])
    index.close(SessionID(1))
    #expect(index.peers(limit: 9).rows.map(\.documents) == [2])
    #expect(index.peers(limit: 9).rows.map(\.name.text) == ["new"])
  }

  @Test mutating func `cursor of a peer that left continues at the next one`() throws {
    for session in 1...4 { try open(UInt64(session), peer: session, host: "192.0.2.1", port: 1) }
    let cursor = try #require(index.peers(limit: 2).next)
    index.close(SessionID(2))
    #expect(index.peers(limit: 9, after: cursor).rows.map(\.peer) == [Sample.peer(3), Sample.peer(4)])
    for session in 3...4 { index.close(SessionID(UInt64(session))) }
    #expect(index.peers(limit: 9, after: cursor).rows.isEmpty)
  }

  @Test(arguments: ["192.0.2.1", "2001:db8::1", "", "a host that is none"])
  func `cursor of a peer survives the round trip as text`(host: String) throws {
    for port in [1, 40_000, 65_535] as [UInt16] {
      let id = HolderID(peer: Sample.peer(12_345), host: host, port: port)
      #expect(try HolderID(cursor: id.cursor) == id)
    }
  }

  @Test func `cursor with a port out of range is refused`() throws {
    let document = DocumentID(key: try DocumentKey("rfc/1"), content: try Sample.content(1, size: 65_536))
    #expect(throws: InvalidValue.self) { try HolderID(cursor: document.cursor) }
  }

  // MARK: Documents

  @Test mutating func `cursor beyond the collection gives nothing and one before it everything`() throws {
    try open(1, peer: 1, host: "192.0.2.1", port: 1)
    index.add(try ["data/x", "rfc/1", "rfc/2", "zoo/1"].map { try Sample.document($0) }, by: SessionID(1))
    let (before, after) = (try Sample.document("data/x").id, try Sample.document("zoo/1").id)
    #expect(index.keys(collection: "rfc", after: before) == ["rfc/1", "rfc/2"])
    #expect(index.keys(collection: "rfc", after: after) == [])
    #expect(index.keys(after: after) == [])
    #expect(index.keys(after: try Sample.document("rfc/1", 1).id) == ["rfc/2", "zoo/1"])
    #expect(index.keys(words: ["1"], after: before) == ["rfc/1", "zoo/1"])
  }

  @Test mutating func `removed documents are not found by words`() throws {
    try open(1, peer: 1, host: "192.0.2.1", port: 1)
    let documents = try (0..<300).map { try Sample.document("rfc/\($0)", $0, title: "word w\($0 % 10)") }
    index.add(documents, by: SessionID(1))
    index.remove(documents.filter { $0.title.text != "word w3" }.map(\.id), by: SessionID(1))
    #expect(index.keys(words: ["word"]).count == 30)
    #expect(index.keys(words: ["w3"]).count == 30)
    #expect(index.keys(words: ["w4"]).isEmpty)
    #expect(index.keys(words: ["w"]).count == 30)
  }
}
