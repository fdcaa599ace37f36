// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

extension DocumentIndex {
  /// Maximum number of holders in a row of a list.
  package static var listHolderLimit: Int { 3 }

  /// Goes on with a page: call it until the search is complete. Between calls the index may change.
  package func advance(
    _ search: inout ListSearch, using generator: inout some RandomNumberGenerator, visitor: inout some ListVisitor
  ) {
    let query = search.query
    guard !search.isFull, let keyPrefix = query.keyPrefix, !query.words.isUnmatchable else {
      return search.finish(isAtEnd: true, &visitor)
    }
    var walk = walk(search, keyPrefix)
    search.walk = nil
    var work = SearchWork(words: query.words.words.count)
    // The last one: where to go on is made of it in the end.
    var passed = noSlot
    while let entry = walk.current {
      guard isSettled || search.showsDeparted || isShown(entry) else {
        // Of sessions that have closed only.
        passed = entry
        walk.advance(in: self)
        work.add(1)
        if work.isSlice { break }
        continue
      }
      let level = query.level(of: keyBytes(of: entry))
      if search.level != nil, level != search.level?.prefix {
        passed = noSlot
        search.endLevel(&visitor)
      }
      if search.isFull || visitor.isFull {
        note(passed, &search)
        return search.finish(isAtEnd: false, &visitor)
      }
      if work.isSlice { break }
      if let level, query.words.words.isEmpty {
        search.count(walk.skip(level, in: self), below: level)
        search.position = .level(level)
        passed = noSlot
        work.add(1)
        continue
      }
      passed = entry
      walk.advance(in: self)
      guard isMatch(query.words, entry, &work) else { continue }
      if let level {
        search.count(1, below: level)
      } else {
        search.rows += 1
        visitRow(entry, isSettled || search.showsDeparted, using: &generator, visitor: &visitor)
      }
    }
    note(passed, &search)
    guard walk.current != nil else { return search.finish(isAtEnd: true, &visitor) }
    search.work += work.units
    // The number of documents of a level must be whole; other pages may end early.
    if !query.isLevel, search.work >= SearchWork.page { return search.finish(isAtEnd: false, &visitor) }
    search.walk = walk
  }

  private func note(_ passed: UInt32, _ search: inout ListSearch) {
    guard passed != noSlot else { return }
    search.position = .document(DocumentID(key: key(of: passed), content: entries[passed].content))
  }

  /// - Parameter isSettled: whether everything counts that the tables have.
  private func visitRow(
    _ entry: UInt32, _ isSettled: Bool, using generator: inout some RandomNumberGenerator,
    visitor: inout some ListVisitor
  ) {
    guard isSettled else {
      return visit(entry, liveHolders(of: entry), Self.listHolderLimit, using: &generator, visitor: &visitor)
    }
    visitSettled(entry, Self.listHolderLimit, using: &generator, visitor: &visitor)
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
  private static var maxCandidates: Int { 2048 }
  /// More collections than this that have a word in common do not narrow a search.
  private static var maxCollections: Int { 64 }

  /// The entries that may match: those of the rarest word, or all within the key prefix.
  private func walk(_ search: ListSearch, _ keyPrefix: String) -> EntryWalk {
    let position = search.position
    if var walk = search.walk {
      walk.resume(after: position, in: self)
      return walk
    }
    var fewest: (chosen: [UInt32], areas: [String], count: Int)?
    for word in search.query.words.words {
      guard let areas = areas(of: word.prefix, within: keyPrefix) else { continue }
      let count = areas.reduce(0) { $0 + self.count(in: $1) }
      let limit = min(Self.maxCandidates, (fewest?.count ?? .max) - count)
      guard limit >= 0, let chosen = words.elements(prefix: word.prefix, limit: limit) else { continue }
      fewest = (chosen, areas, count + chosen.count)
    }
    guard let fewest else { return EntryWalk(chosen: [], areas: [keyPrefix], after: position, in: self) }
    let chosen = fewest.chosen.filter {
      isListed($0) && ByteOrder.hasPrefix(keyBytes(of: $0), keyPrefix) && !isPassed($0, position)
    }
    return EntryWalk(chosen: chosen.sorted { precedes($0, $1) }, areas: fewest.areas, after: position, in: self)
  }

  /// The beginnings of all keys whose collection has a word with this prefix, in order; `nil` if there are too many.
  private func areas(of word: [UInt8], within keyPrefix: String) -> [String]? {
    guard let slots = collectionWords.elements(prefix: word, limit: Self.maxCollections) else { return nil }
    let areas = slots.compactMap { slot -> String? in
      let area = collections.string(slot) + "/"
      return ByteOrder.hasPrefix(area, keyPrefix) ? area : ByteOrder.hasPrefix(keyPrefix, area) ? keyPrefix : nil
    }
    return areas.sorted { ByteOrder.compare($0, $1) < 0 }
  }

  private func count(in area: String) -> Int {
    entryOrder.distance(from: start(of: area, after: nil), to: start(of: area, after: .level(area)))
  }

  /// The position of the first entry that does not come before an area and is not passed.
  fileprivate func start(of area: String, after position: ListPosition?) -> SortedBlocks<PrefixedSlot>.Position {
    entryOrder.position { ordered in
      ByteOrder.compare(keyBytes(of: ordered.slot), area) < 0 || isPassed(ordered.slot, position)
    }
  }

  /// Whether an entry is not behind a position.
  func isPassed(_ entry: UInt32, _ position: ListPosition?) -> Bool {
    let key = keyBytes(of: entry)
    switch position {
    case nil: return false
    case .level(let prefix): return ByteOrder.compare(key, prefix) < 0 || ByteOrder.hasPrefix(key, prefix)
    case .document(let id):
      let order = ByteOrder.compare(key, id.key.text)
      return order == 0 ? !(id.content < entries[entry].content) : order < 0
    }
  }

  private func isMatch(_ words: WordQuery, _ entry: UInt32, _ work: inout SearchWork) -> Bool {
    guard !words.words.isEmpty else {
      // For the row.
      work.add(2)
      return true
    }
    let key = keyBytes(of: entry)
    let title = isSettled ? titleBytes(of: entry) : titles.text(records[oldestLiveRecord(of: entry)].title)
    work.add(title)
    work.add(key)
    return words.matches(title: title, key: key)
  }
}

/// The entries in which a search looks, in the order of lists: some chosen ones, and all in certain areas.
struct EntryWalk: Sendable {
  /// An entry as it was when the search began.
  private struct Candidate {
    let slot: UInt32
    let stamp: UInt32
  }

  private(set) var current: UInt32?
  /// Sorted.
  private var chosen: ArraySlice<Candidate>
  /// Beginnings of keys in byte order, none of which begins another.
  private var areas: ArraySlice<String>
  /// The next entry of the areas, the position behind it, and that behind the area.
  private var scanned: UInt32?
  private var position: SortedBlocks<PrefixedSlot>.Position
  private var end: SortedBlocks<PrefixedSlot>.Position
  private var origin: ListPosition?

  /// - Parameters:
  ///   - chosen: sorted, none of them passed.
  ///   - origin: entries up to here are passed.
  init(chosen: [UInt32], areas: [String], after origin: ListPosition?, in index: DocumentIndex) {
    self.chosen = chosen.map { Candidate(slot: $0, stamp: index.words.stamp(of: $0)) }[...]
    self.areas = areas[...]
    self.origin = origin
    position = index.entryOrder.start
    end = position
    resume(after: origin, in: index)
  }

  /// Goes on after the index may have changed.
  mutating func resume(after origin: ListPosition?, in index: DocumentIndex) {
    self.origin = origin
    beginArea(index)
    scan(index)
    settle(index)
  }

  private mutating func beginArea(_ index: DocumentIndex) {
    guard let area = areas.first else { return }
    position = index.start(of: area, after: origin)
    end = index.start(of: area, after: .level(area))
  }

  mutating func advance(in index: DocumentIndex) {
    if current == chosen.first?.slot { chosen.removeFirst() }
    if current == scanned { scan(index) }
    settle(index)
  }

  /// Passes the current entry and all others of the area whose keys begin so. For walks without chosen entries.
  /// - Returns: their number.
  mutating func skip(_ prefix: String, in index: DocumentIndex) -> Int {
    guard let area = areas.first, scanned != nil else { return 0 }
    let behind = index.start(of: area, after: .level(prefix))
    let count = 1 + index.entryOrder.distance(from: position, to: behind)
    position = behind
    scan(index)
    settle(index)
    return count
  }

  private mutating func scan(_ index: DocumentIndex) {
    scanned = nil
    while !areas.isEmpty {
      if let slot = index.entryOrder.next(&position, before: end)?.slot { return scanned = slot }
      areas.removeFirst()
      beginArea(index)
    }
  }

  private mutating func settle(_ index: DocumentIndex) {
    while let first = chosen.first, index.words.stamp(of: first.slot) != first.stamp || !index.isListed(first.slot) {
      chosen.removeFirst()
    }
    guard let first = chosen.first?.slot, let scanned else { return current = chosen.first?.slot ?? scanned }
    current = index.precedes(scanned, first) ? scanned : first
  }
}

/// The cost of a search: entries, and bytes folded and compared. A slice takes a fraction of a millisecond, and a page ends
/// short rather than take many slices.
private struct SearchWork {
  /// Units of a whole page, except where it must be whole.
  static let page = 8192
  private static let slice = 512
  /// Folding and comparing so many bytes of ASCII text is a unit, as looking at an entry is.
  private static let bytesPerUnit = 128
  /// Text beyond ASCII takes this many times longer to fold.
  private static let costBeyondASCII = 16

  private let words: Int
  private var entries = 0
  private var texts = 0
  private var bytes = 0

  init(words: Int) {
    self.words = max(words, 1)
  }

  /// Two texts are one entry.
  var units: Int { entries + texts / 2 * words + bytes / Self.bytesPerUnit }
  var isSlice: Bool { units >= Self.slice }

  mutating func add(_ entries: Int) {
    self.entries += entries
  }

  mutating func add(_ text: UnsafeRawBufferPointer) {
    let (count, isPlain) = (text.count, text.allSatisfy { $0 < 0x80 })
    texts += 1
    // Searching the folded text for a word costs much less than folding it.
    bytes += count * (isPlain ? 1 : Self.costBeyondASCII) + count * words / 4
  }
}
