// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// One watch; the owner of the index assigns each number once.
package struct WatchID: Hashable, Sendable {
  package let raw: UInt64

  package init(_ raw: UInt64) {
    self.raw = raw
  }
}

/// What a watch is about.
package enum WatchSubject: Sendable {
  /// The holders of a content, under any key.
  case content(Content)
  case documents(WatchFilter)
}

/// Conditions that a document must meet, all of them.
package struct WatchFilter: Sendable {
  let key: DocumentKey?
  let prefix: String
  /// Finds the documents that may pass.
  let query: ListQuery

  /// - Parameters:
  ///   - key: the only key; `nil` for any.
  ///   - prefix: the beginning of keys; it may end inside a segment.
  ///   - words: each must begin a word of the title or key.
  package init(key: DocumentKey? = nil, collection: String? = nil, prefix: String = "", words: String = "") {
    self.key = key
    self.prefix = prefix
    query = ListQuery(collection: collection, prefix: key?.text ?? prefix, words: words)
  }

  package func includes(title: Title, key: DocumentKey) -> Bool {
    (self.key == nil || self.key == key) && ByteOrder.hasPrefix(key.text, prefix)
      && query.includes(title: title, key: key)
  }
}

/// What those who watch are told.
package enum IndexEvent: Hashable, Sendable {
  package enum HolderChange: Sendable { case joined, completed, left }
  package enum DocumentChange: Sendable { case appeared, updated, gone }

  case holder(HolderChange, Holder)
  case document(DocumentChange, Document, total: Int)
  /// All of the state has been told; changes follow.
  case current
  /// More changes than may be told now: ask `reconcile` in a while.
  case crowded
}

/// Who watches what: finds the watches that a change may concern without looking at the others.
struct WatchTable {
  /// What one condition of a watch demands of a document; those that match are then checked as a whole.
  private enum Trigger: Hashable {
    case key(DocumentKey)
    /// The beginning of a key.
    case prefix([UInt8])
    /// The beginning of a word.
    case word([UInt8])
    case any
  }

  struct Watch {
    let subject: WatchSubject
    /// Holders told at a time.
    let holderLimit: Int
    /// While the state is being told.
    var search: ListSearch?
    /// Of a content: whether the state is told.
    var isTold = false
    /// Holders that were told.
    var shown: [HolderID: Holder] = [:]
    /// Whether `reconcile` has something to tell.
    var isCrowded = false
  }

  private var watches: [WatchID: Watch] = [:]
  private var ofContents: [Content: Set<WatchID>] = [:]
  private var triggered: [Trigger: Set<WatchID>] = [:]
  /// Number of watches for each length of a beginning.
  private var prefixLengths: [Int: Int] = [:]
  private var wordLengths: [Int: Int] = [:]
  private(set) var bytes = 0

  var count: Int { watches.count }
  var watchesDocuments: Bool { !triggered.isEmpty }

  subscript(id: WatchID) -> Watch? {
    get { watches[id] }
    set { if watches[id] != nil, let newValue { watches[id] = newValue } }
  }

  mutating func insert(_ id: WatchID, _ watch: Watch) {
    watches[id] = watch
    bytes += Self.bytes(of: watch.subject)
    switch watch.subject {
    case .content(let content): ofContents[content, default: []].insert(id)
    case .documents(let filter):
      let trigger = Self.trigger(of: filter)
      triggered[trigger, default: []].insert(id)
      count(trigger, 1)
    }
  }

  mutating func remove(_ id: WatchID) {
    guard let watch = watches.removeValue(forKey: id) else { return }
    bytes -= Self.bytes(of: watch.subject)
    switch watch.subject {
    case .content(let content):
      ofContents[content]?.remove(id)
      if ofContents[content]?.isEmpty == true { ofContents[content] = nil }
    case .documents(let filter):
      let trigger = Self.trigger(of: filter)
      triggered[trigger]?.remove(id)
      if triggered[trigger]?.isEmpty == true { triggered[trigger] = nil }
      count(trigger, -1)
    }
  }

  func watches(of content: Content) -> Set<WatchID> {
    ofContents.isEmpty ? [] : ofContents[content] ?? []
  }

  /// The watches that one condition of theirs lets a document pass, under one of these titles.
  func candidates(_ key: DocumentKey, _ titles: [Title]) -> Set<WatchID> {
    var found = triggered[.any] ?? []
    found.formUnion(triggered[.key(key)] ?? [])
    if !prefixLengths.isEmpty {
      let bytes = Array(key.text.utf8)
      for length in prefixLengths.keys where length <= bytes.count {
        found.formUnion(triggered[.prefix(Array(bytes[..<length]))] ?? [])
      }
    }
    guard !wordLengths.isEmpty else { return found }
    for title in titles {
      WordFolding.forEachWord(in: WordQuery.folded(title: title, key: key, hasCollection: true)) { word in
        for length in wordLengths.keys where length <= word.count {
          found.formUnion(triggered[.word(Array(word[..<length]))] ?? [])
        }
        return true
      }
    }
    return found
  }

  private static func trigger(of filter: WatchFilter) -> Trigger {
    if let key = filter.key { return .key(key) }
    if let prefix = filter.query.keyPrefix, !prefix.isEmpty { return .prefix(Array(prefix.utf8)) }
    return filter.query.words.words.map(\.prefix).max { $0.count < $1.count }.map { .word($0) } ?? .any
  }

  private mutating func count(_ trigger: Trigger, _ difference: Int) {
    switch trigger {
    case .prefix(let bytes): Self.count(&prefixLengths, bytes.count, difference)
    case .word(let bytes): Self.count(&wordLengths, bytes.count, difference)
    case .key, .any: break
    }
  }

  private static func count(_ lengths: inout [Int: Int], _ length: Int, _ difference: Int) {
    let sum = lengths[length, default: 0] + difference
    lengths[length] = sum == 0 ? nil : sum
  }

  /// With its places in the tables; of a content with the holders that may be shown.
  private static func bytes(of subject: WatchSubject) -> Int {
    switch subject {
    case .content: 4096
    case .documents(let filter): 1024 + 4 * (filter.query.keyPrefix?.utf8.count ?? 0)
    }
  }
}
