// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Part of a list, and where to go on.
package struct ListPage: Hashable, Sendable {
  /// In the order of keys, then of contents.
  package let rows: [DocumentListing]
  /// `nil` at the end of the list. Otherwise there may be more, even where the page is short or empty: a search for
  /// words gives up a page after a bounded amount of work.
  package let next: ListCursor?

  package init(rows: [DocumentListing], next: ListCursor?) {
    self.rows = rows
    self.next = next
  }
}

/// Part of the list of peers, and where to go on.
package struct PeerPage: Hashable, Sendable {
  /// In the order of peer ids, then of addresses.
  package let rows: [PeerListing]
  /// `nil` at the end of the list.
  package let next: PeerCursor?

  package init(rows: [PeerListing], next: PeerCursor?) {
    self.rows = rows
    self.next = next
  }
}
