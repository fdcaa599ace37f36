// SPDX-License-Identifier: Apache-2.0

/// A document as a peer shares it.
package struct Document: Hashable, Sendable {
  package let key: DocumentKey
  package let title: Title
  package let content: Content
  package let modified: Timestamp
  /// Whether the file may be run as a program.
  package let executable: Bool
  /// Whether the peer has the whole content; false while it is being downloaded.
  package let complete: Bool

  package init(
    key: DocumentKey, title: Title, content: Content, modified: Timestamp, executable: Bool = false,
    complete: Bool = true
  ) {
    self.key = key
    self.title = title
    self.content = content
    self.modified = modified
    self.executable = executable
    self.complete = complete
  }

  /// The same of a peer that does not have the whole content yet.
  package var partial: Document {
    Document(
      key: key, title: title, content: content, modified: modified, executable: executable, complete: false)
  }

  package var id: DocumentID { DocumentID(key: key, content: content) }
}

/// What tells documents apart: a content under a key. It is also where a page of a list ends.
package struct DocumentID: Hashable, Sendable {
  package let key: DocumentKey
  package let content: Content

  package init(key: DocumentKey, content: Content) {
    self.key = key
    self.content = content
  }
}

// MARK: What an index reports

/// A peer that offers a content, at one address.
package struct Holder: Hashable, Sendable {
  /// A claim unless `proven`.
  package let peer: PeerID
  package let name: PeerName
  /// An IPv4 or IPv6 address as text, IPv6 without brackets.
  package let host: String
  package let port: UInt16
  /// Whether it has the whole content.
  package let complete: Bool
  /// Whether it has proven to the index, by TLS, that it has the key of its id. It is then reached by TLS only.
  package var proven: Bool

  package init(
    peer: PeerID, name: PeerName, host: String, port: UInt16, complete: Bool, proven: Bool = false
  ) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.complete = complete
    self.proven = proven
  }

  package var id: HolderID { HolderID(peer: peer, host: host, port: port) }
}

/// One content under a key, with its holders.
package struct ContentListing: Hashable, Sendable {
  package let content: Content
  /// Of the oldest live record.
  package let title: Title
  /// Of the oldest live record.
  package let modified: Timestamp
  /// Of the oldest live record.
  package let executable: Bool
  /// The number of holders, those not listed included.
  package let total: Int
  /// Complete ones first.
  package let holders: [Holder]

  package init(
    content: Content, title: Title, modified: Timestamp, executable: Bool = false, total: Int, holders: [Holder]
  ) {
    self.content = content
    self.title = title
    self.modified = modified
    self.executable = executable
    self.total = total
    self.holders = holders
  }
}

/// One document of a list, with a few of its holders.
package struct DocumentListing: Hashable, Sendable {
  /// Title and time are those of the oldest live record.
  package let document: Document
  /// The number of holders, those not listed included.
  package let total: Int
  /// Complete ones first.
  package let holders: [Holder]

  package init(document: Document, total: Int, holders: [Holder]) {
    self.document = document
    self.total = total
    self.holders = holders
  }
}

/// The documents of a list whose keys begin alike, as one row.
package struct LevelListing: Hashable, Sendable {
  /// Ends in `/`.
  package let prefix: String
  /// The number of pairs of key and content.
  package let documents: Int

  package init(prefix: String, documents: Int) {
    self.prefix = prefix
    self.documents = documents
  }
}

/// One row of a list.
package enum ListRow: Hashable, Sendable {
  case document(DocumentListing)
  case level(LevelListing)

  /// The number of documents that it stands for.
  package var documents: Int {
    switch self {
    case .document: 1
    case .level(let level): level.documents
    }
  }
}

/// A peer that is connected to the index, at one address.
package struct PeerListing: Hashable, Sendable {
  package let peer: PeerID
  package let name: PeerName
  package let host: String
  package let port: UInt16
  /// The number of records of all its sessions.
  package let documents: Int

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, documents: Int) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.documents = documents
  }
}
