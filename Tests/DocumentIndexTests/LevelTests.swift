// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// Lists that merge keys up to the next `/`.
@Suite struct LevelTests {
  private var index = DocumentIndex()

  private mutating func add(_ keys: [String], title: String = "", content: Int = 0) throws {
    if index.statistics.sessions == 0 { try index.open(1) }
    index.add(try keys.map { try Sample.document($0, content, title: title) }, by: SessionID(1))
  }

  private static let keys = [
    "data/cats/1", "data/cats/small/1", "data/cats/small/2", "data/cats", "data/cats-x", "data/dogs/1", "file/a",
    "rfc/1",
  ]

  @Test(arguments: [1, 2, 3, 100]) mutating func `one level is shown at a time`(page: Int) throws {
    try add(Self.keys)
    #expect(try index.levels(prefix: "", page: page) == ["data/: 6", "file/: 1", "rfc/: 1"])
    #expect(
      try index.levels(prefix: "data/", page: page) == ["data/cats", "data/cats-x", "data/cats/: 3", "data/dogs/: 1"])
    #expect(try index.levels(prefix: "data/cats/", page: page) == ["data/cats/1", "data/cats/small/: 2"])
    #expect(try index.levels(prefix: "data/c", page: page) == ["data/cats", "data/cats-x", "data/cats/: 3"])
    #expect(try index.levels(prefix: "da", page: page) == ["data/: 6"])
    #expect(try index.levels(prefix: "data/cats/1", page: page) == ["data/cats/1"])
    #expect(try index.levels(prefix: "data/none/", page: page).isEmpty)
  }

  @Test mutating func `words and collection count before merging`() throws {
    try add(["data/a/1", "data/a/2", "data/b/1", "file/a/1"], title: "cat")
    try add(["data/a/3", "data/c/1", "file/b/1"], title: "dog")
    #expect(try index.levels(prefix: "", words: "cat") == ["data/: 3", "file/: 1"])
    #expect(try index.levels(prefix: "data/", words: "cat") == ["data/a/: 2", "data/b/: 1"])
    #expect(try index.levels(collection: "file", prefix: "") == ["file/: 2"])
    #expect(try index.levels(collection: "file", prefix: "", words: "dog") == ["file/: 1"])
    #expect(try index.levels(prefix: "", words: "data 1") == ["data/: 3"])
    #expect(try index.levels(prefix: "", words: "🙂").isEmpty)
  }

  @Test mutating func `contents of one key are counted one by one`() throws {
    for content in 0..<3 { try add(["data/a/x", "data/b"], content: content) }
    #expect(try index.levels(prefix: "data/") == ["data/a/: 3", "data/b", "data/b", "data/b"])
  }

  @Test mutating func `page that ends with a level goes on behind it although documents are added`() throws {
    try add(["data/a/1", "data/b/1"])
    let query = ListQuery(prefix: "data/", isLevel: true)
    let first = index.list(query, limit: 1)
    #expect(first.rows == [.level(LevelListing(prefix: "data/a/", documents: 1))])
    #expect(first.next == .level("data/a/"))
    try add(["data/a/2", "data/a/z/3"])
    let second = index.list(query, limit: 1, after: first.next)
    #expect(second.rows == [.level(LevelListing(prefix: "data/b/", documents: 1))])
    #expect(second.next == nil)
  }

  @Test mutating func `frequent words are counted in slices of time`() throws {
    try index.open(1)
    let count = 30_000
    index.add(
      try (0..<count).map { try Sample.document("data/\($0 % 3)/\($0)", title: $0 % 2 == 0 ? "even" : "odd") },
      by: SessionID(1))
    let query = ListQuery(prefix: "data/", isLevel: true, words: "even")
    var generator = SeededGenerator(seed: 1)
    let (page, slices) = index.list(query, limit: 10, after: nil, using: &generator)
    #expect(page.rows == (0..<3).map { .level(LevelListing(prefix: "data/\($0)/", documents: count / 6)) })
    #expect(slices > 2)
    #expect(page.next == nil)
    #expect(index.list(ListQuery(prefix: "", isLevel: true), limit: 10, after: nil, using: &generator).slices == 1)
  }

  /// Lists by level agree with the keys themselves, whatever the page.
  @Test(arguments: 0..<20 as Range<UInt64>) mutating func `levels agree with the keys`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let parts = ["a", "b", "a-", "ab", "é"]
    var keys = Set<String>()
    for _ in 0..<random.pick([0, 5, 60, 400]) {
      keys.insert(Self.key(parts, &random))
    }
    let titles = ["cat", "dog cat", ""]
    var documents = [Document]()
    for key in keys.sorted() { documents.append(try Sample.document(key, title: random.pick(titles))) }
    try index.open(1)
    index.add(documents, by: SessionID(1))
    for prefix in ["", "c", "c/", "c/a", "c/a/", "c/é/", "d/ab/"] {
      for words in ["", "cat", "a", "c cat"] {
        let query = WordQuery(words)
        let expected = Self.levels(
          documents.filter { $0.key.text.hasPrefix(prefix) && query.matches(title: $0.title, key: $0.key) }
            .map(\.key.text), prefix)
        #expect(
          try index.levels(prefix: prefix, words: words, page: random.pick([1, 2, 50])) == expected,
          "\(prefix) \(words)")
      }
    }
  }

  private static func key(_ parts: [String], _ random: inout SeededGenerator) -> String {
    ([random.pick(["c", "d"])] + (0...random.pick([0, 1, 2])).map { _ in random.pick(parts) }).joined(separator: "/")
  }

  private static func levels(_ keys: [String], _ prefix: String) -> [String] {
    var rows = [(text: String, count: Int?)]()
    for key in keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      guard let slash = key.dropFirst(prefix.count).firstIndex(of: "/") else {
        rows.append((key, nil))
        continue
      }
      let level = String(key[...slash])
      if rows.last?.text == level { rows[rows.count - 1].count? += 1 } else { rows.append((level, 1)) }
    }
    return rows.map { row in row.count.map { "\(row.text): \($0)" } ?? row.text }
  }
}
