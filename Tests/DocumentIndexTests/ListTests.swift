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
    var generator = SeededGenerator(seed: 1)
    var found = [Content]()
    var cursor: DocumentID?
    repeat {
      let page = index.list(limit: 1, after: cursor, using: &generator)
      found += page.rows.map(\.document.content)
      cursor = page.next
    } while cursor != nil
    #expect(found == [try Sample.content(1), try Sample.content(2), try Sample.content(3)])
  }

  @Test mutating func `rows show few holders and their total`() throws {
    for session in 1...5 {
      try index.open(UInt64(session))
      index.add([try Sample.document("rfc/1")], by: SessionID(UInt64(session)))
    }
    var generator = SeededGenerator(seed: 1)
    let row = try #require(index.list(limit: 1, using: &generator).rows.first)
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
    #expect(index.keys(words: ["data"]).isEmpty, "the collection is no part of the name")
    #expect(index.keys(collection: "rfc", words: ["notes"]).isEmpty)
    #expect(index.keys(words: ["--"]).count == 3, "no word to match")
  }

  @Test mutating func `words follow the title`() throws {
    try index.open(1)
    try index.open(2)
    index.add([try Sample.document("rfc/1", title: "alpha beta")], by: SessionID(1))
    index.add([try Sample.document("rfc/1", title: "beta gamma")], by: SessionID(2))
    #expect(index.keys(words: ["alpha"]) == ["rfc/1"])
    #expect(index.keys(words: ["gamma"]).isEmpty)
    index.close(SessionID(1))
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
    var generator = SeededGenerator(seed: 1)
    var found = [String]()
    var pages = 0
    var cursor: DocumentID?
    repeat {
      let page = index.list(words: ["even", "odd"], limit: 100, after: cursor, using: &generator)
      found += page.rows.map(\.document.key.text)
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
    var generator = SeededGenerator(seed: 1)
    var found = [String]()
    var pages = 0
    var cursor: DocumentID?
    repeat {
      let page = index.list(words: ["even", "odd"], limit: 100, after: cursor, using: &generator)
      found += page.rows.map(\.document.key.text)
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
    var cursor: DocumentID?
    repeat {
      let page = index.list(collection: "rfc", limit: limit, after: cursor, using: &generator)
      for row in page.rows { seen[row.document.key, default: 0] += 1 }
      // What the cursor names may itself go, and others come on either side of it.
      let passing = try (0..<20).map { _ in
        try Sample.document("rfc/\(Int.random(in: 0..<700, using: &generator) * 2 + 1)")
      }
      index.add(passing, by: SessionID(2))
      index.remove(
        page.rows.filter { $0.total == 1 }.map(\.document.id), by: SessionID(2))
      cursor = try page.next.map { try DocumentID(cursor: $0.cursor) }
    } while cursor != nil
    #expect(stable.allSatisfy { seen[$0.key] == 1 })
  }

  @Test mutating func `limit of zero gives no rows`() throws {
    try add(["rfc/1"])
    #expect(index.keys(limit: 0).isEmpty)
    #expect(index.keys(limit: -1).isEmpty)
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
    var generator = SeededGenerator(seed: 1)
    let row = try #require(index.list(limit: 9, using: &generator).rows.first)
    #expect(row.document.title.text == "old" && row.document.modified.seconds == 1 && row.total == 2)
    #expect(row.document.content == (try Sample.content(0)))
    index.close(SessionID(1))
    let later = try #require(index.list(limit: 9, using: &generator).rows.first)
    #expect(later.document.title.text == "new" && later.document.modified.seconds == 2 && later.total == 1)
  }

  @Test mutating func `partial records are listed with their holders`() throws {
    try index.open(1)
    index.add([try Sample.document("rfc/1")], by: SessionID(1), complete: false)
    var generator = SeededGenerator(seed: 1)
    let row = try #require(index.list(limit: 9, using: &generator).rows.first)
    #expect(row.holders.map(\.complete) == [false])
  }
}
