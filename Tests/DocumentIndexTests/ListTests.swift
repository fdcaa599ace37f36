// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

@Suite struct ListTests {
  private var index = DocumentIndex()

  private mutating func add(_ keys: [String], title: String = "") throws {
    if index.statistics.sessions == 0 { try index.open(1) }
    index.add(try keys.map { try Sample.document($0, title: title) }, by: SessionID(1))
  }

  @Test mutating func `keys are listed in byte order`() throws {
    try add(["rfc/793", "rfc/10", "file/b", "rfc/2", "file/a/b", "file/a", "file/a-b", "file/é", "rfc-x/1"])
    #expect(
      index.keys()
        == ["file/a", "file/a-b", "file/a/b", "file/b", "file/é", "rfc-x/1", "rfc/10", "rfc/2", "rfc/793"])
    #expect(index.keys(collection: "rfc") == ["rfc/10", "rfc/2", "rfc/793"])
    #expect(index.keys(collection: "rf").isEmpty)
  }

  @Test mutating func `contents of a key are listed in order`() throws {
    try index.open(1)
    index.add(try [3, 1, 2].map { try Sample.document("rfc/1", $0) }, by: SessionID(1))
    var found = [Content]()
    var cursor: ListPosition?
    repeat {
      let page = index.list(ListQuery(), limit: 1, after: cursor)
      found += page.rows.documents.map(\.document.content)
      cursor = page.next
    } while cursor != nil
    #expect(found == [try Sample.content(1), try Sample.content(2), try Sample.content(3)])
  }

  @Test mutating func `rows show few holders and their total`() throws {
    for session in 1...5 {
      try index.open(UInt64(session))
      index.add([try Sample.document("rfc/1")], by: SessionID(UInt64(session)))
    }
    let row = try #require(index.list(ListQuery()).rows.documents.first)
    #expect(row.holders.count == 3)
    #expect(row.total == 5)
  }

  @Test mutating func `words match as prefixes in title and name`() throws {
    try add(["rfc/793"], title: "Transmission Control Protocol")
    try add(["file/TCP-notes.txt"], title: "Poznámky o řízení přenosu")
    try add(["data/cats/0001.jpg"])
    #expect(index.keys(words: ["control", "proto"]) == ["rfc/793"])
    #expect(index.keys(words: ["CONTROL"]) == ["rfc/793"])
    #expect(index.keys(words: ["ontrol"]).isEmpty)
    #expect(index.keys(words: ["control", "cats"]).isEmpty)
    #expect(index.keys(words: ["poznamky", "ŘÍZENI"]) == ["file/TCP-notes.txt"])
    #expect(index.keys(words: ["přenos"]) == ["file/TCP-notes.txt"])
    #expect(index.keys(words: ["tcp notes"]) == ["file/TCP-notes.txt"])
    #expect(index.keys(words: ["000"]) == ["data/cats/0001.jpg"])
    #expect(index.keys(words: ["data"]) == ["data/cats/0001.jpg"])
    #expect(index.keys(collection: "rfc", words: ["notes"]).isEmpty)
  }

  @Test mutating func `keys and their beginnings match as words`() throws {
    try add(["file/set/1.txt", "file/set/2.txt", "file/settings.ini", "file/other", "rfc/793", "rfc/7930", "data/set"])
    try add(["file/note"], title: "RFC editor")
    #expect(index.keys(words: ["file/set"]) == ["file/set/1.txt", "file/set/2.txt", "file/settings.ini"])
    #expect(index.keys(words: ["file/set/1.txt"]) == ["file/set/1.txt"])
    #expect(index.keys(words: ["file/"]).count == 5)
    #expect(index.keys(words: ["rfc"]) == ["file/note", "rfc/793", "rfc/7930"])
    #expect(index.keys(words: ["rfc/793"]) == ["rfc/793", "rfc/7930"])
    #expect(index.keys(words: ["rf", "edit"]) == ["file/note"])
    #expect(index.keys(collection: "data", words: ["file"]).isEmpty)
    #expect(index.keys(prefix: "rfc/7930", words: ["rfc"]) == ["rfc/7930"])
    index.remove([try Sample.document("data/set").id], by: SessionID(1))
    #expect(index.keys(words: ["data"]).isEmpty)
  }

  @Test mutating func `word of a large collection and of a few titles finds both`() throws {
    try index.open(1)
    index.add(try (0..<5000).map { try Sample.document("photo/\($0)") }, by: SessionID(1))
    index.add(try (0..<5000).map { try Sample.document("other/\($0)") }, by: SessionID(1))
    index.add(
      [try Sample.document("file/a", title: "A photo"), try Sample.document("zoo/z", title: "photos")],
      by: SessionID(1))
    var found = [String]()
    var position: ListPosition?
    repeat {
      let page = index.list(ListQuery(words: "photo"), after: position)
      found += page.rows.documents.map(\.document.key.text)
      position = page.next
    } while position != nil
    #expect(found.count == 5002 && found.first == "file/a" && found.last == "zoo/z")
    #expect(index.keys(words: ["photo 4999"]) == ["photo/4999"])
  }

  @Test mutating func `prefix may end inside a segment`() throws {
    try add(["data/cats/1", "data/cats/10", "data/dogs/1", "data-x/1", "file/é", "file/é1"])
    #expect(index.keys(prefix: "") == ["data-x/1", "data/cats/1", "data/cats/10", "data/dogs/1", "file/é", "file/é1"])
    #expect(index.keys(prefix: "data/cats/1") == ["data/cats/1", "data/cats/10"])
    #expect(index.keys(prefix: "data") == ["data-x/1", "data/cats/1", "data/cats/10", "data/dogs/1"])
    #expect(index.keys(collection: "data", prefix: "da").count == 3)
    #expect(index.keys(collection: "data", prefix: "data/d") == ["data/dogs/1"])
    #expect(index.keys(collection: "data", prefix: "file/").isEmpty)
    #expect(index.keys(prefix: "file/é") == ["file/é", "file/é1"])
    #expect(index.keys(prefix: "zoo").isEmpty)
  }

  @Test mutating func `words follow the title`() throws {
    try index.open(1)
    try index.open(2)
    index.add([try Sample.document("rfc/1", title: "alpha beta")], by: SessionID(1))
    index.add([try Sample.document("rfc/1", title: "beta gamma")], by: SessionID(2))
    #expect(index.keys(words: ["alpha"]) == ["rfc/1"])
    #expect(index.keys(words: ["gamma"]).isEmpty)
    index.close(SessionID(1))
    index.clearAll()
    #expect(index.keys(words: ["alpha"]).isEmpty)
    #expect(index.keys(words: ["gamma"]) == ["rfc/1"])
  }

  @Test mutating func `page of a frequent word is bounded work and pages find everything`() throws {
    // More than are gone through one by one: rare pairs of frequent words are then sought along the list.
    let count = 40_000
    try index.open(1)
    for number in 0..<count {
      let title = number % 2 == 0 ? (number % 10_000 == 0 ? "even odd" : "even") : "odd"
      index.add([try Sample.document("rfc/\(number)", title: title)], by: SessionID(1))
    }
    var found = [String]()
    var pages = 0
    var cursor: ListPosition?
    repeat {
      let page = index.list(ListQuery(words: "even odd"), limit: 100, after: cursor)
      found += page.rows.documents.map(\.document.key.text)
      cursor = page.next
      pages += 1
    } while cursor != nil
    #expect(found == ["rfc/0", "rfc/10000", "rfc/20000", "rfc/30000"])
    #expect(pages > 1)
    #expect(index.keys(words: ["even"], limit: 3) == ["rfc/0", "rfc/10", "rfc/100"])
  }

  @Test mutating func `page of long titles is bounded work`() throws {
    let count = 600
    try index.open(1)
    for number in 0..<count {
      let title = (number % 2 == 0 ? "even " : "odd ") + String(repeating: "é", count: 250)
      index.add([try Sample.document("rfc/\(number)", title: title)], by: SessionID(1))
    }
    index.add([try Sample.document("rfc/\(count)", title: "even odd")], by: SessionID(1))
    var found = [String]()
    var pages = 0
    var cursor: ListPosition?
    repeat {
      let page = index.list(ListQuery(words: "even odd"), limit: 100, after: cursor)
      found += page.rows.documents.map(\.document.key.text)
      cursor = page.next
      pages += 1
    } while cursor != nil
    #expect(found == ["rfc/\(count)"])
    // One title costs 8 KiB of the mebibyte that a page has.
    #expect((2...5).contains(pages))
  }

  @Test(arguments: [1, 7, 100])
  mutating func `paging gives every stable row once while the list changes`(limit: Int) throws {
    var generator = SeededGenerator(seed: UInt64(limit))
    try index.open(1)
    try index.open(2)
    let stable = try (0..<700).map { try Sample.document("rfc/\($0 * 2)") }
    index.add(stable, by: SessionID(1))
    var seen = [DocumentKey: Int]()
    var cursor: ListPosition?
    repeat {
      let page = index.list(ListQuery(collection: "rfc"), limit: limit, after: cursor)
      for row in page.rows.documents { seen[row.document.key, default: 0] += 1 }
      // What the cursor names may itself go, and others come on either side of it.
      let passing = try (0..<20).map { _ in
        try Sample.document("rfc/\(Int.random(in: 0..<700, using: &generator) * 2 + 1)")
      }
      index.add(passing, by: SessionID(2))
      index.remove(
        page.rows.documents.filter { $0.total == 1 }.map(\.document.id), by: SessionID(2))
      cursor = try page.next.map { try ListPosition(cursor: $0.cursor) }
    } while cursor != nil
    #expect(stable.allSatisfy { seen[$0.key] == 1 })
  }

  @Test mutating func `limit of zero gives no rows`() throws {
    try add(["rfc/1"])
    #expect(index.keys(limit: 0).isEmpty)
    #expect(index.keys(limit: -1).isEmpty)
    #expect(try index.levels(prefix: "", page: 0).isEmpty)
    #expect(index.peers(limit: -1).rows.isEmpty)
  }

  @Test mutating func `peers are listed with their records`() throws {
    for session in 1...5 { try index.open(UInt64(session), port: session == 3 ? nil : 4000) }
    index.add([try Sample.document("rfc/1"), try Sample.document("rfc/2")], by: SessionID(2))
    let first = index.peers(limit: 2)
    #expect(first.rows.map(\.peer) == [Sample.peer(1), Sample.peer(2)])
    #expect(first.rows.map(\.documents) == [0, 2])
    let cursor = try HolderID(cursor: try #require(first.next).cursor)
    let second = index.peers(limit: 2, after: cursor)
    #expect(second.rows.map(\.peer) == [Sample.peer(4), Sample.peer(5)])
    #expect(second.next == nil)
  }

  @Test mutating func `rows carry what the oldest record says`() throws {
    for session in 1...2 { try index.open(UInt64(session)) }
    index.add([try Sample.document("rfc/1", title: "old", modified: 1)], by: SessionID(1))
    index.add([try Sample.document("rfc/1", title: "new", modified: 2)], by: SessionID(2))
    let row = try #require(index.list(ListQuery()).rows.documents.first)
    #expect(row.document.title.text == "old" && row.document.modified.seconds == 1 && row.total == 2)
    #expect(row.document.content == (try Sample.content(0)))
    index.close(SessionID(1))
    let later = try #require(index.list(ListQuery()).rows.documents.first)
    #expect(later.document.title.text == "new" && later.document.modified.seconds == 2 && later.total == 1)
  }

  @Test mutating func `document is listed while somebody has the whole of it`() throws {
    try index.open(1)
    try index.open(2)
    let document = try Sample.document("rfc/1")
    index.add([document.partial], by: SessionID(1))
    for query in [ListQuery(), ListQuery(isLevel: true), ListQuery(words: "rfc")] {
      #expect(index.list(query).rows.isEmpty)
    }
    index.add([document], by: SessionID(2))
    let row = try #require(index.list(ListQuery()).rows.documents.first)
    #expect(row.total == 2 && Set(row.holders.map(\.complete)) == [false, true])
    #expect(!index.list(ListQuery(words: "rfc")).rows.isEmpty)
    index.close(SessionID(2))
    #expect(index.list(ListQuery()).rows.isEmpty)
    // A download that ends.
    index.add([document], by: SessionID(1))
    #expect(index.list(ListQuery()).rows.documents.first?.holders.map(\.complete) == [true])
  }
}
