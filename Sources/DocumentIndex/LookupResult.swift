// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What stands under a key, or is known of a content.
package struct LookupResult: Hashable, Sendable {
  /// Most-held first, also where only one peer's are asked for; empty where nothing was found.
  package let contents: [ContentEntry]
  /// How many contents are left out.
  package let more: Int

  package init(contents: [ContentEntry], more: Int) {
    self.contents = contents
    self.more = more
  }
}

/// A content and those who offer it.
package struct ContentEntry: Hashable, Sendable {
  package let summary: ContentSummary
  /// Complete ones first; a random choice where there are more than asked for.
  package let holders: [Holder]

  package init(summary: ContentSummary, holders: [Holder]) {
    self.summary = summary
    self.holders = holders
  }

  package var key: DocumentKey { summary.key }
  package var content: Content { summary.content }
  package var title: Title { summary.title }
  package var modified: Timestamp { summary.modified }
  package var total: Int { summary.total }
}

/// What is said of a content before its holders.
package struct ContentSummary: Hashable, Sendable {
  /// The key asked for; where a content was asked for, the one under which it has stood longest.
  package let key: DocumentKey
  package let content: Content
  /// Of the oldest live record.
  package let title: Title
  /// Of the oldest live record.
  package let modified: Timestamp
  /// How many different (peer, host, port) hold it; where one peer was asked for, how many of them are that peer.
  package let total: Int

  package init(key: DocumentKey, content: Content, title: Title, modified: Timestamp, total: Int) {
    self.key = key
    self.content = content
    self.title = title
    self.modified = modified
    self.total = total
  }
}

/// Takes the answer to a look-up piece by piece: each content, then its holders. For those who write replies at once and
/// need no arrays.
package protocol LookupVisitor {
  mutating func visit(_ content: ContentSummary)
  mutating func visit(_ holder: Holder)
}
