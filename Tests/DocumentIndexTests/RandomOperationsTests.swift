// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport
import Testing

/// Thousands of random steps, after each of which the index says what the plain reference says.
@Suite struct RandomOperationsTests {
  @Test(arguments: Array(1...UInt64(8)))
  func `index agrees with the reference`(seed: UInt64) throws {
    var walk = try RandomWalk(seed: seed)
    for step in 0..<300 {
      try walk.step()
      try walk.compareOneOfEach()
      if step % 50 == 0 { try walk.compareAll() }
    }
    try walk.closeAll()
    walk.index.clearAll()
    #expect(walk.index.elementCount == 0, "memory is given back")
    #expect(walk.index.bytes == DocumentIndex().bytes)
  }
}

/// An index and its reference going the same way.
private struct RandomWalk {
  var index = DocumentIndex()
  private var reference = ReferenceIndex()
  private var generator: SeededGenerator
  private var open: [SessionID] = []
  /// Whether closed sessions are cleared in slices between other steps, and not at once.
  private let isSliced: Bool
  private var lastSession: UInt64 = 0
  private var editions: [UInt64: EditionCollector.Row] = [:]
  private let keys: [DocumentKey]
  private let contents: [Content]
  private let titles: [Title]
  private let words = [
    "host", "HO", "s", "protocol", "transmission control", "9", "a-b", "zz", "txt", "rfc", "rfc/1", "file/a",
  ]

  init(seed: UInt64) throws {
    generator = SeededGenerator(seed: seed)
    isSliced = seed % 4 > 0
    keys = try ["rfc/1", "rfc/10", "rfc/2", "rfc/793", "rfc-x/9", "file/a.txt", "file/a/b.txt", "data/host"]
      .map { try DocumentKey($0) }
    contents = try (0..<6).map { try Sample.content($0, size: 1 + Int64($0) % 2) } + [.empty]
    titles = try ["", "Host Software", "Transmission Control Protocol", "host, a HOST", "Nothing-at all"]
      .map { try Title($0) }
  }

  mutating func step() throws {
    switch Int.random(in: 0..<24, using: &generator) {
    case 0...1: try openSession()
    case 2: closeSession()
    case 3...6: removeSome()
    case 7...10: index.clear(Int.random(in: 1...6, using: &generator))
    default: addSome()
    }
    if !isSliced { index.clearAll() }
    reference.settle()
  }

  mutating func closeAll() throws {
    while !open.isEmpty {
      closeSession()
      if !isSliced { index.clearAll() }
      reference.settle()
      try compareOneOfEach()
    }
  }

  private mutating func openSession() throws {
    lastSession += 1
    let id = SessionID(lastSession)
    let peer = Int.random(in: 0..<4, using: &generator)
    let name = try PeerName("name\(Int.random(in: 0..<3, using: &generator))")
    let host = "192.0.2.\(Int.random(in: 1...2, using: &generator))"
    let port = [UInt16?.none, 1, 1, 1, 2].randomElement(using: &generator) ?? nil
    let block = HostAddress(host).map { AddressBlock($0) }
    let isNew = index.open(id, peer: Sample.peer(peer), name: name, host: host, port: port, block: block)
    #expect(isNew)
    reference.open(.init(id: id, peer: Sample.peer(peer), name: name, host: host, port: port))
    open.append(id)
  }

  private mutating func closeSession() {
    guard let position = open.indices.randomElement(using: &generator) else { return }
    let id = open.remove(at: position)
    let (closed, expected) = (index.close(id), reference.close(id))
    #expect(closed == expected)
  }

  private mutating func addSome() {
    guard let id = open.randomElement(using: &generator) else { return }
    let documents = (0..<Int.random(in: 1...4, using: &generator)).compactMap { _ -> Document? in
      guard let key = keys.randomElement(using: &generator), let title = titles.randomElement(using: &generator),
        let content = contents.randomElement(using: &generator)
      else { return nil }
      let modified = Timestamp(seconds: Int64.random(in: 0..<1000, using: &generator))
      return Document(key: key, title: title, content: content, modified: modified)
    }
    let complete = Int.random(in: 0..<3, using: &generator) > 0
    let added = index.add(documents, by: id, complete: complete)
    let expected = reference.add(documents, by: id, complete: complete)
    #expect(added == expected)
  }

  private mutating func removeSome() {
    guard let id = open.randomElement(using: &generator) else { return }
    let documents = (0..<Int.random(in: 1...6, using: &generator)).compactMap { _ -> DocumentID? in
      guard let key = keys.randomElement(using: &generator), let content = contents.randomElement(using: &generator)
      else { return nil }
      return DocumentID(key: key, content: content)
    }
    let (removed, expected) = (index.remove(documents, by: id), reference.remove(documents, by: id))
    #expect(removed == expected)
  }

  // MARK: Comparing

  mutating func compareOneOfEach() throws {
    compareNumbers()
    let peer = Sample.peer(Int.random(in: 0..<4, using: &generator)).digest
    // A whole id, or the beginning that all have in common.
    let peers = [nil, nil, DigestPrefix(peer), DigestPrefix(hex: "00000000")].randomElement(using: &generator) ?? nil
    if let key = keys.randomElement(using: &generator) {
      compareLookup(key, peers)
      compareEditions(key)
    }
    if let content = contents.randomElement(using: &generator) { compareLookup(content, peers) }
    let collection = ["rfc", "file", nil, nil].randomElement(using: &generator) ?? nil
    let asked = (0..<Int.random(in: 0...2, using: &generator)).compactMap { _ in words.randomElement(using: &generator)
    }
    compareList(collection, asked, limit: Int.random(in: 1...10, using: &generator))
    comparePeers(limit: Int.random(in: 1...5, using: &generator))
  }

  mutating func compareAll() throws {
    for peers in [nil] + (0..<4).map({ DigestPrefix(Sample.peer($0).digest) }) {
      for key in keys { compareLookup(key, peers) }
      for content in contents { compareLookup(content, peers) }
    }
    for word in words { compareList(nil, [word], limit: 1) }
    for collection in ["rfc", "rfc-x", "file", "data", "none"] { compareList(collection, [], limit: 2) }
    comparePeers(limit: 1)
  }

  /// An edition never comes back with something else.
  private mutating func compareEditions(_ key: DocumentKey) {
    var collector = EditionCollector()
    _ = index.visit(key: key.text, using: &generator, visitor: &collector)
    #expect(collector.rows.count == (index.isSettled ? collector.contents : 0))
    for (edition, row) in collector.rows {
      #expect(editions[edition, default: row] == row)
      editions[edition] = row
    }
  }

  /// What closed sessions had may still be counted as documents and keys.
  private func compareNumbers() {
    let (found, expected) = (index.statistics, reference.statistics)
    guard !index.isSettled else { return #expect(found == expected) }
    #expect(found.records == expected.records)
    #expect((found.sessions, found.peers) == (expected.sessions, expected.peers))
    #expect(found.documents >= expected.documents && found.keys >= expected.keys)
  }

  private mutating func compareLookup(_ key: DocumentKey, _ peers: DigestPrefix?) {
    let (limit, contentLimit) = (Int.random(in: 1...6, using: &generator), Int.random(in: 1...8, using: &generator))
    let content = contents.randomElement(using: &generator)
    let roots = Int.random(in: 0..<4, using: &generator) == 0 ? content.map { DigestPrefix($0.root) } : nil
    let size = Int.random(in: 0..<4, using: &generator) == 0 ? content?.size : nil
    let found = index.lookup(
      key: key, roots: roots, size: size, peers: peers, holderLimit: limit, contentLimit: contentLimit,
      using: &generator)
    let expected = reference.lookup(key: key, peers: peers) { content in
      (roots?.contains(content.root) ?? true) && (size == nil || size == content.size)
    }
    #expect(found.more == max(0, expected.count - contentLimit))
    compare(found.contents, Array(expected.prefix(contentLimit)), holderLimit: limit)
  }

  private mutating func compareLookup(_ content: Content, _ peers: DigestPrefix?) {
    let limit = Int.random(in: 1...6, using: &generator)
    let found = index.lookup(content: content, peers: peers, holderLimit: limit, using: &generator)
    let expected = reference.lookup(content: content, peers: peers)
    // A key may have kept its place through records of closed sessions.
    let meant = isSliced ? expected.first { $0.key == found.contents.first?.key } : expected.first
    compare(found.contents, (meant ?? expected.first).map { [$0] } ?? [], holderLimit: limit)
  }

  private mutating func compareList(_ collection: String?, _ words: [String], limit: Int) {
    var rows = [DocumentListing]()
    var cursor: ListPosition?
    let query = ListQuery(collection: collection, words: words.joined(separator: " "))
    repeat {
      let page = index.list(query, limit: limit, after: cursor, using: &generator).page
      #expect(page.rows.count == limit || page.next == nil)
      rows += page.rows.documents
      cursor = page.next
    } while cursor != nil
    let found = rows.map { row in
      ContentEntry(
        summary: ContentSummary(
          key: row.document.key, content: row.document.content, title: row.document.title,
          modified: row.document.modified, total: row.total),
        holders: row.holders)
    }
    var expected = reference.list(collection: collection, words: words)
    if !index.isSettled, !words.isEmpty {
      // The words of an entry may still be those of a closed session's title.
      expected = expected.filter { row in found.contains { $0.key == row.key && $0.content == row.content } }
    }
    compare(found, expected, holderLimit: DocumentIndex.listHolderLimit)
  }

  private func comparePeers(limit: Int) {
    var rows = [PeerListing]()
    var cursor: HolderID?
    repeat {
      let page = index.peers(limit: limit, after: cursor)
      rows += page.rows
      cursor = page.next
    } while cursor != nil
    #expect(rows == reference.peers())
  }

  private func compare(_ found: [ContentEntry], _ expected: [ContentEntry], holderLimit: Int) {
    #expect(found.map(\.summary) == expected.map(\.summary))
    for (found, expected) in zip(found, expected) {
      let all = Set(expected.holders)
      #expect(found.holders.count == min(holderLimit, all.count))
      #expect(Set(found.holders).count == found.holders.count)
      #expect(Set(found.holders).isSubset(of: all))
      let complete = found.holders.prefix { $0.complete }.count
      #expect(complete == min(holderLimit, all.filter(\.complete).count))
    }
  }
}
