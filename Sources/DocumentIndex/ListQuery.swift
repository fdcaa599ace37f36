// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Words that must all match a document: each begins a word of its title or key. What begins a key, or is one, matches it
/// as well: its words begin those of the key.
package struct WordQuery: Sendable {
  struct Word: Hashable {
    let prefix: [UInt8]
    /// Whether it must be a whole word: the `c` of `c++` finds no cats.
    let isWhole: Bool
    /// As in `WordBeginnings`.
    let hash: UInt64

    init(prefix: [UInt8], isWhole: Bool) {
      self.prefix = prefix
      self.isWhole = isWhole
      var hash = GrowingHash()
      for byte in prefix { hash.append(byte) }
      if isWhole { hash.append(0) }
      self.hash = hash.whole
    }

    func matches(_ word: UnsafeRawBufferPointer) -> Bool {
      (!isWhole || word.count == prefix.count) && prefix.withUnsafeBytes { ByteOrder.hasPrefix(word, $0) }
    }
  }

  /// Folded, each once.
  let words: [Word]
  /// Whether the text has only characters that are no part of a word: it matches no document.
  let isUnmatchable: Bool

  /// - Parameter text: white space alone matches everything.
  package init(_ text: String) {
    words = Self.words(of: TextRules.normalized(text))
    isUnmatchable = words.isEmpty && !text.allSatisfy(\.isWhitespace)
  }

  /// A word is whole if a sign follows that belongs to names such as C++ and F#.
  private static func words(of text: String) -> [Word] {
    var words = Set<Word>()
    var rest = Substring(text)
    while !rest.isEmpty {
      let part = rest.unicodeScalars.prefix { $0 != "+" && $0 != "#" }
      rest = rest[part.endIndex...]
      let isFollowed = !rest.isEmpty && part.last.map { !WordFolding.words(of: String($0)).isEmpty } == true
      let folded = WordFolding.words(of: String(part))
      for (position, word) in folded.enumerated() {
        words.insert(Word(prefix: word, isWhole: isFollowed && position == folded.count - 1))
      }
      rest = Substring(rest.unicodeScalars.dropFirst())
    }
    return Array(words)
  }

  package func matches(title: Title, key: DocumentKey) -> Bool {
    ByteOrder.withBytes(of: title.text) { title in
      ByteOrder.withBytes(of: key.text) { matches(title: title, key: $0) }
    }
  }

  func matches(title: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> Bool {
    guard !isUnmatchable else { return false }
    guard !words.isEmpty else { return true }
    var missing = words
    WordFolding.forEachWord(in: Self.folded(title: title, key: key, hasCollection: true)) { word in
      missing.removeAll { $0.matches(word) }
      return !missing.isEmpty
    }
    return missing.isEmpty
  }

  /// The folded words of title and key.
  /// - Parameter hasCollection: whether those of the collection are among them. An index finds collections apart from
  ///   documents, which would repeat the same few words a million times.
  static func folded(title: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, hasCollection: Bool) -> [UInt8] {
    var folded = [UInt8]()
    folded.reserveCapacity(title.count + key.count + 2)
    fold(title: title, key: key, hasCollection: hasCollection, into: &folded)
    return folded
  }

  /// Appends them.
  static func fold(
    title: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, hasCollection: Bool, into folded: inout [UInt8]
  ) {
    WordFolding.fold(title, into: &folded)
    let name = hasCollection ? 0 : key.firstIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    WordFolding.fold(UnsafeRawBufferPointer(rebasing: key[name...]), into: &folded)
  }
}

/// The beginnings of all words of a document: thousands of queries may be compared with one document.
struct WordBeginnings {
  /// Their hashes, and of each whole word that of the word with a NUL behind it. With 64 bits and a secret seed, two texts
  /// have the same one about as often as memory fails.
  private var hashes: Set<UInt64> = []

  init(title: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) {
    WordFolding.forEachWord(in: WordQuery.folded(title: title, key: key, hasCollection: true)) { word in
      var hash = GrowingHash()
      for byte in word {
        hash.append(byte)
        hashes.insert(hash.whole)
      }
      hash.append(0)
      hashes.insert(hash.whole)
      return true
    }
  }

  func match(_ query: WordQuery) -> Bool {
    !query.isUnmatchable && query.words.allSatisfy { hashes.contains($0.hash) }
  }
}

/// The documents that a list shows, and how: the rule of `list`, also for documents that are not in an index.
package struct ListQuery: Sendable {
  /// The beginning of all keys; `nil` if no key can have it.
  package let keyPrefix: String?
  let words: WordQuery
  /// Bytes of a key before the segment that is merged; `nil` for a row per document.
  private let levelStart: Int?

  /// - Parameters:
  ///   - prefix: the beginning of keys; it may end inside a segment.
  ///   - isLevel: whether keys that have a `/` behind the prefix are merged up to that `/`.
  ///   - words: each must begin a word of the title or key.
  package init(collection: String? = nil, prefix: String = "", isLevel: Bool = false, words: String = "") {
    let area = collection.map { $0 + "/" } ?? ""
    keyPrefix = ByteOrder.hasPrefix(area, prefix) ? area : ByteOrder.hasPrefix(prefix, area) ? prefix : nil
    levelStart = isLevel ? prefix.utf8.count : nil
    self.words = WordQuery(words)
  }

  package func includes(title: Title, key: DocumentKey) -> Bool {
    isIn(key) && words.matches(title: title, key: key)
  }

  /// The row that merges a key with others: its beginning up to the first `/` behind the prefix; `nil` if its document has
  /// a row of its own.
  package func level(of key: DocumentKey) -> String? {
    ByteOrder.withBytes(of: key.text) { level(of: $0) }
  }

  func level(of key: UnsafeRawBufferPointer) -> String? {
    guard let levelStart, let end = key.dropFirst(levelStart).firstIndex(of: UInt8(ascii: "/")) else { return nil }
    return String(decoding: key[...end], as: UTF8.self)
  }

  /// An index searches for no more words at once.
  package static var maxWords: Int { 32 }
  package var wordCount: Int { words.words.count }

  var isLevel: Bool { levelStart != nil }

  func isIn(_ key: DocumentKey) -> Bool {
    keyPrefix.map { ByteOrder.hasPrefix(key.text, $0) } ?? false
  }
}

/// A page of a list in the making. Each `DocumentIndex.advance` does a bounded amount of work for it.
///
/// Without `next` the list ends with the page. Otherwise there may be more, even if the page is short or empty: a search for
/// words ends a page after a bounded amount of work.
package struct ListSearch: Sendable {
  let query: ListQuery
  /// Maximum number of rows.
  package let limit: Int
  /// Where the search goes on.
  var position: ListPosition?
  /// Where it looks, between two slices.
  var walk: EntryWalk?
  /// Done so far.
  var work = 0
  /// Whether it finds what closed sessions have left, too.
  var showsDeparted = false
  /// The row whose documents are being counted.
  private(set) var level: LevelListing?

  /// - Parameters:
  ///   - limit: maximum number of rows.
  ///   - position: the `next` of the page before.
  package init(_ query: ListQuery, limit: Int, after position: ListPosition? = nil) {
    self.query = query
    self.limit = limit
    self.position = position
  }

  /// Whether all rows of the page are visited.
  package private(set) var isComplete = false
  /// Where the next page begins, if the search is complete.
  package private(set) var next: ListPosition?
  /// Those visited.
  var rows = 0

  var isFull: Bool { rows >= limit }

  /// Counts documents of a level. Others must have ended by `endLevel`.
  mutating func count(_ documents: Int, below prefix: String) {
    level = LevelListing(prefix: prefix, documents: (level?.documents ?? 0) + documents)
  }

  mutating func endLevel(_ visitor: inout some ListVisitor) {
    guard let ended = level.take() else { return }
    visitor.visit(ended)
    rows += 1
    // Not behind its last document: another may come after that one, and would be shown as a second row.
    position = .level(ended.prefix)
  }

  /// - Parameter isAtEnd: whether nothing can follow.
  mutating func finish(isAtEnd: Bool, _ visitor: inout some ListVisitor) {
    endLevel(&visitor)
    isComplete = true
    next = isAtEnd ? nil : position
  }
}
