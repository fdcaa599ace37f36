// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import TestSupport

/// The whole answer to a look-up.
struct LookupResult {
  /// Most-held first.
  let contents: [ContentEntry]
  /// The number of contents left out.
  let more: Int
}

/// A content in an answer, before its holders.
struct ContentSummary: Hashable {
  let key: DocumentKey
  let content: Content
  let title: Title
  let modified: Timestamp
  var executable = false
  let total: Int
}

/// A content and its holders.
struct ContentEntry {
  let summary: ContentSummary
  let holders: [Holder]

  var key: DocumentKey { summary.key }
  var content: Content { summary.content }
  var title: Title { summary.title }
  var modified: Timestamp { summary.modified }
  var total: Int { summary.total }
}

/// Collects what a look-up visits.
struct LookupCollector: LookupVisitor {
  private(set) var contents: [ContentEntry] = []

  mutating func visit(_ facts: ContentFacts, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer) {
    let summary = ContentSummary(
      key: DocumentKey(known: String(decoding: key, as: UTF8.self)), content: facts.content,
      title: Title(known: String(decoding: title, as: UTF8.self)), modified: facts.modified,
      executable: facts.executable, total: facts.total)
    contents.append(ContentEntry(summary: summary, holders: []))
  }

  mutating func visit(_ holder: Holder) {
    guard let last = contents.popLast() else { return }
    contents.append(ContentEntry(summary: last.summary, holders: last.holders + [holder]))
  }
}

/// Collects what comes with an edition.
struct EditionCollector: LookupVisitor {
  struct Row: Equatable {
    let key: String
    let content: Content
    let title: String
    let modified: Timestamp
    let executable: Bool
  }

  private(set) var contents = 0
  private(set) var rows: [UInt64: Row] = [:]

  mutating func visit(_ facts: ContentFacts, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer) {
    contents += 1
    guard let edition = facts.edition else { return }
    rows[edition] = Row(
      key: String(decoding: key, as: UTF8.self), content: facts.content,
      title: String(decoding: title, as: UTF8.self), modified: facts.modified, executable: facts.executable)
  }

  mutating func visit(_ holder: Holder) {}
}

extension DocumentIndex {
  func visit(
    key: String, holderLimit: Int = defaultHolderLimit, contentLimit: Int = defaultContentLimit,
    using generator: inout SeededGenerator, visitor: inout some LookupVisitor
  ) -> LookupOutcome {
    Array(key.utf8).withUnsafeBytes {
      visit(
        key: $0, holderLimit: holderLimit, contentLimit: contentLimit, using: &generator, visitor: &visitor)
    }
  }

  /// As an index answers: with a search where only certain contents or peers are wanted, or where there are too many.
  func lookup(
    key: DocumentKey, roots: DigestPrefix? = nil, size: Int64? = nil, peers: DigestPrefix? = nil,
    holderLimit: Int = defaultHolderLimit, contentLimit: Int = defaultContentLimit,
    using generator: inout SeededGenerator
  ) -> LookupResult {
    var collector = LookupCollector()
    var outcome = LookupOutcome.tooMany
    if roots == nil, size == nil, peers == nil {
      outcome = visit(
        key: key.text, holderLimit: holderLimit, contentLimit: contentLimit, using: &generator,
        visitor: &collector)
    }
    if outcome == .tooMany {
      var search = LookupSearch(key: key, roots: roots, size: size, peers: peers, contentLimit: contentLimit)
      while !search.isComplete { advance(&search, Int.random(in: 1...4, using: &generator)) }
      outcome = visit(search, holderLimit: holderLimit, using: &generator, visitor: &collector)
    }
    guard case .found(let more) = outcome else { return LookupResult(contents: [], more: 0) }
    return LookupResult(contents: collector.contents, more: more)
  }

  func lookup(
    content: Content, peers: DigestPrefix? = nil, holderLimit: Int = defaultHolderLimit,
    using generator: inout SeededGenerator
  ) -> LookupResult {
    var collector = LookupCollector()
    _ = visit(content: content, peers: peers, holderLimit: holderLimit, using: &generator, visitor: &collector)
    return LookupResult(contents: collector.contents, more: 0)
  }

  /// Clears away what closed sessions have left.
  func clearAll() {
    while needsClearing { clear(100) }
  }
}
