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
  package let query: ListQuery

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

  /// - Parameter words: those of title and key.
  func includes(_ words: WordBeginnings, key: DocumentKey) -> Bool {
    (self.key == nil || self.key == key) && ByteOrder.hasPrefix(key.text, prefix) && query.isIn(key)
      && words.match(query.words)
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
struct WatchTable: ~Copyable {
  /// What one condition of a watch demands of a document; those that match are then checked as a whole.
  private enum Trigger {
    /// As in `Beginnings`, of the key.
    case key([UInt8])
    /// As in `Beginnings`, of a folded word.
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
  private var keys = Beginnings()
  private var words = Beginnings()
  private var unconditional: Set<WatchID> = []
  private(set) var bytes = 0

  var count: Int { watches.count }
  var watchesDocuments: Bool { !(keys.isEmpty && words.isEmpty && unconditional.isEmpty) }

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
      switch Self.trigger(of: filter) {
      case .key(let beginning): keys.insert(id, beginning)
      case .word(let beginning): words.insert(id, beginning)
      case .any: unconditional.insert(id)
      }
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
      switch Self.trigger(of: filter) {
      case .key(let beginning): keys.remove(id, beginning)
      case .word(let beginning): words.remove(id, beginning)
      case .any: unconditional.remove(id)
      }
    }
  }

  func watches(of content: Content) -> Set<WatchID> {
    ofContents.isEmpty ? [] : ofContents[content] ?? []
  }

  /// The watches that one condition of theirs lets a document pass, under one of these titles.
  func candidates(
    _ key: UnsafeRawBufferPointer, _ title: UnsafeRawBufferPointer, previousTitle: UnsafeRawBufferPointer?
  ) -> Set<WatchID> {
    var found = unconditional
    keys.collect(from: key, into: &found)
    guard !words.isEmpty else { return found }
    collect(fromWordsOf: key, into: &found)
    collect(fromWordsOf: title, into: &found)
    if let previousTitle { collect(fromWordsOf: previousTitle, into: &found) }
    return found
  }

  private func collect(fromWordsOf text: UnsafeRawBufferPointer, into found: inout Set<WatchID>) {
    guard WordFolding.mayHaveWord(in: text, where: { words.canBegin(with: $0) }) else { return }
    var folded = [UInt8]()
    WordFolding.fold(text, into: &folded)
    WordFolding.forEachWord(in: folded) { word in
      words.collect(from: word, into: &found)
      return true
    }
  }

  private static func trigger(of filter: WatchFilter) -> Trigger {
    if let key = filter.key { return .key(key.text.utf8 + [0]) }
    if let prefix = filter.query.keyPrefix, !prefix.isEmpty { return .key(Array(prefix.utf8)) }
    return filter.query.words.words.map(\.prefix).max { $0.count < $1.count }.map { .word($0) } ?? .any
  }

  /// With its places in the tables; of a content with the holders that may be shown.
  static func bytes(of subject: WatchSubject) -> Int {
    switch subject {
    case .content: 4096
    case .documents(let filter):
      1024 + 4 * (filter.query.keyPrefix?.utf8.count ?? 0)
        + filter.query.words.words.reduce(0) { $0 + 64 + 2 * $1.prefix.count }
    }
  }
}
