// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

extension DocumentIndex {
  /// Maximum number of holders in a row of a list.
  package static var listHolderLimit: Int { 3 }

  /// A page of at most `limit` documents in key order, beginning after a cursor.
  ///
  /// - Parameter words: each must begin a word of the title or name; case and accents do not matter.
  package func list(
    collection: String? = nil, words: [String] = [], limit: Int, after cursor: DocumentID? = nil,
    using generator: inout some RandomNumberGenerator
  ) -> ListPage {
    let query = ListQuery(collection: collection, words: words, limit: max(0, limit), after: cursor)
    let found = find(query)
    let rows = found.entries.map { row($0, using: &generator) }
    return ListPage(rows: rows, next: found.last.map { DocumentID(key: key(of: $0), content: entries[$0].content) })
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
  package func peers(limit: Int, after cursor: HolderID? = nil) -> PeerPage {
    var position = sourceOrder.position { source in
      cursor.map { !($0 < sources[source].id) } ?? false
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
    return PeerPage(rows: rows, next: hasMore ? last.map { sources[$0].id } : nil)
  }

  // MARK: Finding

  /// More entries than this are not checked one by one and sorted: a word that frequent fills a page soon when the list
  /// is scanned.
  private static var maxCandidates: Int { 4096 }

  private struct Found {
    var entries: [UInt32] = []
    /// The entry after which to continue, if there may be more.
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

  /// Scans the list from the cursor on.
  private func scan(_ query: ListQuery) -> Found {
    var position = entryOrder.position { isBefore(query, $0.slot) }
    return take(query) { entryOrder.next(&position).map(\.slot).flatMap { isIn(query, $0) ? $0 : nil } }
  }

  /// Checks the candidates after the cursor.
  private func select(_ query: ListQuery, from candidates: [UInt32]) -> Found {
    let left = candidates.filter { !isBefore(query, $0) && isIn(query, $0) }.sorted(by: precedes)
    var position = left.startIndex
    return take(query) {
      guard position < left.endIndex else { return nil }
      defer { position += 1 }
      return left[position]
    }
  }

  /// Collects matching entries until the page is full or has cost enough; `next` gives the entries in order.
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

  /// Whether an entry is before the requested part of the list.
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

/// The cost of a search for words: entries, and bytes folded and compared. A page ends short rather than delay everybody
/// else.
private struct SearchWork {
  private static let maxEntries = 8192
  /// A few milliseconds of ASCII text.
  private static let maxBytes = 1 << 20
  /// Text beyond ASCII takes this many times longer to fold.
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
    // Searching the folded text for a word costs much less than folding it.
    bytes += count * (isPlain ? 1 : Self.costBeyondASCII) + count * words / 4
  }
}

/// The documents that a page is to show.
private struct ListQuery {
  /// The beginning of all keys of the collection.
  let keyPrefix: String?
  /// Folded.
  let words: [[UInt8]]
  let limit: Int
  let cursor: DocumentID?

  init(collection: String?, words: [String], limit: Int, after cursor: DocumentID?) {
    keyPrefix = collection.map { $0 + "/" }
    self.words = Array(Set(words.flatMap(WordFolding.words(of:))))
    self.limit = limit
    self.cursor = cursor
  }
}
