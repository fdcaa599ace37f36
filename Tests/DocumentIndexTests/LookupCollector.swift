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

  mutating func visit(_ content: ContentSummary) {
    contents.append(ContentEntry(summary: content, holders: []))
  }

  mutating func visit(_ holder: Holder) {
    guard let last = contents.popLast() else { return }
    contents.append(ContentEntry(summary: last.summary, holders: last.holders + [holder]))
  }
}

extension DocumentIndex {
  func lookup(
    key: DocumentKey, peer: PeerID? = nil, holderLimit: Int = defaultHolderLimit,
    contentLimit: Int = defaultContentLimit, using generator: inout SeededGenerator
  ) -> LookupResult {
    var collector = LookupCollector()
    let more = visit(
      key: key.text.utf8Span.span, peer: peer, holderLimit: holderLimit, contentLimit: contentLimit,
      using: &generator, visitor: &collector)
    return LookupResult(contents: collector.contents, more: more ?? 0)
  }

  func lookup(
    content: Content, peer: PeerID? = nil, holderLimit: Int = defaultHolderLimit,
    using generator: inout SeededGenerator
  ) -> LookupResult {
    var collector = LookupCollector()
    _ = visit(content: content, peer: peer, holderLimit: holderLimit, using: &generator, visitor: &collector)
    return LookupResult(contents: collector.contents, more: 0)
  }
}
