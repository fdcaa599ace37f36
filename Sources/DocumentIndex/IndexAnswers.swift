// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A content in a look-up, before its holders.
package struct ContentSummary: Hashable, Sendable {
  /// The requested key; for a look-up by content, the key under which it has been longest.
  package let key: DocumentKey
  package let content: Content
  /// Of the oldest live record.
  package let title: Title
  /// Of the oldest live record.
  package let modified: Timestamp
  /// Of the oldest live record.
  package let executable: Bool
  /// Number of different (peer, host, port) that hold it; in a look-up of one peer, of those that are this peer.
  package let total: Int

  package init(
    key: DocumentKey, content: Content, title: Title, modified: Timestamp, executable: Bool = false, total: Int
  ) {
    self.key = key
    self.content = content
    self.title = title
    self.modified = modified
    self.executable = executable
    self.total = total
  }
}

/// Receives the answer to a look-up piece by piece: each content, then its holders. No arrays are made.
package protocol LookupVisitor {
  mutating func visit(_ content: ContentSummary)
  mutating func visit(_ holder: Holder)
}

/// Part of a list, and where it continues.
package struct ListPage: Hashable, Sendable {
  /// In the order of keys, then of contents.
  package let rows: [ListRow]
  /// `nil` at the end of the list. Otherwise there may be more, even if the page is short or empty: a search for words ends
  /// a page after a bounded amount of work.
  package let next: ListPosition?

  package init(rows: [ListRow], next: ListPosition?) {
    self.rows = rows
    self.next = next
  }
}

/// Part of the list of peers, and where it continues.
package struct PeerPage: Hashable, Sendable {
  /// In the order of peer ids, then of addresses.
  package let rows: [PeerListing]
  /// `nil` at the end of the list.
  package let next: HolderID?

  package init(rows: [PeerListing], next: HolderID?) {
    self.rows = rows
    self.next = next
  }
}
