// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Part of a list, and where to go on.
package struct ListPage: Hashable, Sendable {
  /// In the order of keys, then of contents.
  package let rows: [ListRow]
  /// `nil` at the end of the list. Otherwise there may be more, even where the page is short or empty: a search for
  /// words gives up a page after a bounded amount of work.
  package let next: ListCursor?

  package init(rows: [ListRow], next: ListCursor?) {
    self.rows = rows
    self.next = next
  }
}

/// A document of a list.
package struct ListRow: Hashable, Sendable {
  package let key: DocumentKey
  /// Of the oldest live record.
  package let title: Title
  package let content: Content
  /// Of the oldest live record.
  package let modified: Timestamp
  /// How many different (peer, host, port) hold it.
  package let total: Int
  /// A few of them, complete ones first.
  package let holders: [Holder]

  package init(
    key: DocumentKey, title: Title, content: Content, modified: Timestamp, total: Int, holders: [Holder]
  ) {
    self.key = key
    self.title = title
    self.content = content
    self.modified = modified
    self.total = total
    self.holders = holders
  }
}

/// Part of the list of peers, and where to go on.
package struct PeerPage: Hashable, Sendable {
  /// In the order of peer ids, then of addresses.
  package let rows: [PeerRow]
  /// `nil` at the end of the list.
  package let next: PeerCursor?

  package init(rows: [PeerRow], next: PeerCursor?) {
    self.rows = rows
    self.next = next
  }
}

/// A peer at an address, whether or not it shares anything.
package struct PeerRow: Hashable, Sendable {
  package let peer: PeerID
  package let name: PeerName
  package let host: String
  package let port: UInt16
  /// Of all its sessions together.
  package let records: Int

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, records: Int) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.records = records
  }
}
