// SPDX-License-Identifier: Apache-2.0

import DocumentModel

extension DocumentIndex {
  /// How many holders a row of a list shows at most.
  package static var listHolderLimit: Int { 3 }

  /// A page of at most `limit` documents in the order of keys, beginning after a cursor: all, those of a collection,
  /// those that have for each of `words` a word in title or name that begins with it (case and accents aside), or
  /// both.
  package func list(
    collection: String? = nil, words: [String] = [], limit: Int, after cursor: ListCursor? = nil,
    using generator: inout some RandomNumberGenerator
  ) -> ListPage {
    let query = ListQuery(collection: collection, words: words, limit: max(0, limit), after: cursor)
    let found = find(query)
    let rows = found.entries.map { row($0, using: &generator) }
    return ListPage(rows: rows, next: found.last.map { ListCursor(key: key(of: $0), content: entries[$0].content) })
  }

  private func row(_ entry: UInt32, using generator: inout some RandomNumberGenerator) -> DocumentListing {
    var holders = [Holder]()
    entries[entry].holders.sample(Self.listHolderLimit, using: &generator) { [sources] source, complete in
      holders.append(sources[source].holder(complete: complete))
    }
    let document = Document(
      key: key(of: entry), title: title(of: entry), content: entries[entry].content, modified: entries[entry].modified)
    return DocumentListing(document: document, total: entries[entry].holders.count, holders: holders)
  }

  /// The peers that can be reached, in the order of ids and addresses.
  package func peers(limit: Int, after cursor: PeerCursor? = nil) -> PeerPage {
    var position = sourceOrder.position { source in
      cursor.map { !($0.identity < sources[source].identity) } ?? false
    }
    var rows = [PeerListing]()
    var last: UInt32?
    while rows.count < limit, let slot = sourceOrder.next(&position) {
      let source = sources[slot]
      rows.append(
        PeerListing(
          peer: source.peer, name: source.name, host: source.host, port: source.port, documents: source.recordCount))
      last = slot
    }
    let hasMore = sourceOrder[position] != nil
    return PeerPage(rows: rows, next: hasMore ? last.map { PeerCursor(identity: sources[$0].identity) } : nil)
  }

  // MARK: Finding

  /// More entries than this are not gone through one by one and sorted: then so many of all documents have the word
  /// that going through the list finds a page soon.
  private static var maxCandidates: Int { 4096 }

  private struct Found {
    var entries: [UInt32] = []
    /// Where to go on, if there may be more.
    var last: UInt32?
  }

  private func find(_ query: ListQuery) -> Found {
    guard query.limit > 0 else { return Found() }
    guard !query.words.isEmpty else { return scan(query) }
    var fewest: [UInt32]?
    for word in query.words {
      guard let candidates = words.entries(prefix: word, limit: fewest?.count ?? Self.maxCandidates) else { continue }
      if candidates.isEmpty { return Found() }
      fewest = candidates
    }
    return fewest.map { select(query, from: $0) } ?? scan(query)
  }

  /// Goes through the list from the cursor on.
  private func scan(_ query: ListQuery) -> Found {
    var position = entryOrder.position { isBefore(query, $0.slot) }
    return take(query) { entryOrder.next(&position).map(\.slot).flatMap { isIn(query, $0) ? $0 : nil } }
  }

  /// Goes through those of the candidates that come after the cursor.
  private func select(_ query: ListQuery, from candidates: [UInt32]) -> Found {
    let left = candidates.filter { !isBefore(query, $0) && isIn(query, $0) }.sorted(by: precedes)
    var position = left.startIndex
    return take(query) {
      guard position < left.endIndex else { return nil }
      defer { position += 1 }
      return left[position]
    }
  }

  /// Takes those that match, until the page is full or has cost enough; `next` gives the entries in their order.
  private func take(_ query: ListQuery, next: () -> UInt32?) -> Found {
    var found = Found()
    var work = SearchWork(words: query.words.count)
    var entry = next()
    while let current = entry {
      found.last = current
      if query.words.isEmpty || isMatch(query, current, &work) { found.entries.append(current) }
      entry = next()
      guard found.entries.count < query.limit, !work.isEnough else {
        return entry == nil ? Found(entries: found.entries) : found
      }
    }
    return Found(entries: found.entries)
  }

  /// Whether an entry stands before the part of the list that is asked for.
  private func isBefore(_ query: ListQuery, _ entry: UInt32) -> Bool {
    let key = key(of: entry).text
    if let collection = query.keyPrefix, ByteOrder.compare(key, collection) < 0 { return true }
    guard let cursor = query.cursor else { return false }
    let order = ByteOrder.compare(key, cursor.key.text)
    return order == 0 ? !(cursor.content < entries[entry].content) : order < 0
  }

  private func isIn(_ query: ListQuery, _ entry: UInt32) -> Bool {
    guard let prefix = query.keyPrefix else { return true }
    return ByteOrder.hasPrefix(key(of: entry).text, prefix)
  }

  private func isMatch(_ query: ListQuery, _ entry: UInt32, _ work: inout SearchWork) -> Bool {
    let (title, key) = (title(of: entry), key(of: entry))
    work.add(title.text)
    work.add(key.text)
    return WordIndex.matches(query.words, title: title, key: key)
  }
}

/// What a search for words has cost, so that a page ends short rather than hold up everybody else: entries, and the bytes
/// that were folded and compared.
private struct SearchWork {
  private static let maxEntries = 8192
  /// Of plain text: a few milliseconds.
  private static let maxBytes = 1 << 20
  /// Text beyond ASCII takes so many times longer to be folded.
  private static let costBeyondASCII = 16

  private let words: Int
  private var texts = 0
  private var bytes = 0

  init(words: Int) {
    self.words = max(words, 1)
  }

  /// Two texts are one entry.
  var isEnough: Bool { texts / 2 * words >= Self.maxEntries || bytes >= Self.maxBytes }

  mutating func add(_ text: String) {
    let (count, isPlain) = ByteOrder.withBytes(of: text) { ($0.count, $0.allSatisfy { $0 < 0x80 }) }
    texts += 1
    // Each word is looked for in the folded text, which costs much less than folding it.
    bytes += count * (isPlain ? 1 : Self.costBeyondASCII) + count * words / 4
  }
}

/// What a page is to hold.
private struct ListQuery {
  /// What the keys of the collection begin with.
  let keyPrefix: String?
  /// Folded.
  let words: [[UInt8]]
  let limit: Int
  let cursor: ListCursor?

  init(collection: String?, words: [String], limit: Int, after cursor: ListCursor?) {
    keyPrefix = collection.map { $0 + "/" }
    self.words = Array(Set(words.flatMap(WordFolding.words(of:))))
    self.limit = limit
    self.cursor = cursor
  }
}
