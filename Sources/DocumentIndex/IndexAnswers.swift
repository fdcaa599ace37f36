// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What an answer says of a content under a key, beside its texts and its holders.
package struct ContentFacts: Hashable, Sendable {
  package let content: Content
  /// Of the oldest live record, as its title.
  package let modified: Timestamp
  /// Of the oldest live record.
  package let executable: Bool
  /// Number of different (peer, host, port) that hold it; in a look-up of one peer, of those that are this peer.
  package let total: Int
  /// The same number means the same key, title and facts, but for `total`; `nil` tells nothing.
  package let edition: UInt64?

  package init(
    content: Content, modified: Timestamp, executable: Bool = false, total: Int, edition: UInt64? = nil
  ) {
    self.content = content
    self.modified = modified
    self.executable = executable
    self.total = total
    self.edition = edition
  }
}

/// What the owner of an index has made of a holder for its answers, once for all of them.
package struct HolderLabel: Sendable {
  let bytes: [UInt8]
  /// Whether it is right for askers of this machine only.
  let isLocal: Bool

  package init(_ bytes: [UInt8], isLocal: Bool) {
    self.bytes = bytes
    self.isLocal = isLocal
  }
}

/// Receives an answer piece by piece: each content, then its holders. No arrays are made, and no text is copied.
package protocol LookupVisitor {
  /// The texts are in UTF-8, and valid during the call.
  /// - Parameter key: the requested one; for a look-up by content, the key under which it has been longest.
  mutating func visit(_ facts: ContentFacts, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer)
  mutating func visit(_ holder: Holder)
  /// Visits a holder by its label; an empty one says nothing.
  /// - Returns: false, and nothing is done, if it wants the holder itself.
  mutating func visit(label: UnsafeRawBufferPointer, isLocal: Bool, complete: Bool) -> Bool
}

extension LookupVisitor {
  package mutating func visit(label: UnsafeRawBufferPointer, isLocal: Bool, complete: Bool) -> Bool { false }
}

/// Receives the rows of a list, in the order of keys, then of contents.
package protocol ListVisitor: LookupVisitor {
  mutating func visit(_ level: LevelListing)
  /// Whether the page ends here, however few rows it has.
  var isFull: Bool { get }
}

/// Collects the rows of a list.
package struct ListRows: ListVisitor {
  package private(set) var rows: [ListRow] = []

  package init() {}

  package var isFull: Bool { false }

  package mutating func visit(_ level: LevelListing) { rows.append(.level(level)) }

  package mutating func visit(_ facts: ContentFacts, key: UnsafeRawBufferPointer, title: UnsafeRawBufferPointer) {
    let document = Document(
      key: DocumentKey(known: String(decoding: key, as: UTF8.self)),
      title: Title(known: String(decoding: title, as: UTF8.self)), content: facts.content, modified: facts.modified,
      executable: facts.executable)
    rows.append(.document(DocumentListing(document: document, total: facts.total, holders: [])))
  }

  package mutating func visit(_ holder: Holder) {
    guard case .document(let row) = rows.popLast() else { return }
    rows.append(
      .document(DocumentListing(document: row.document, total: row.total, holders: row.holders + [holder])))
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
