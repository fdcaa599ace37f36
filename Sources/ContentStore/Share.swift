package import DocumentModel

/// A document of this peer, and where its bytes are.
package struct Share: Hashable, Sendable {
  /// How it came here: what its user added is announced anew when it changes, what was fetched is not.
  package enum Origin: Int64, Hashable, Sendable {
    case added = 0
    case downloaded = 1
  }

  package enum State: Int64, Hashable, Sendable {
    /// Announced and served.
    case shared = 0
    /// Kept in the list, but neither announced nor served: the file is gone or no longer the same.
    case withdrawn = 1
  }

  package let document: Document
  /// Absolute.
  package let path: String
  package let origin: Origin
  package let state: State
  /// Of the file when it had this content.
  package let fingerprint: FileFingerprint

  package var key: DocumentKey { document.key }
  package var title: Title { document.title }
  package var content: Content { document.content }
  package var modified: Timestamp { document.modified }

  package init(
    document: Document, path: String, origin: Origin, state: State = .shared, fingerprint: FileFingerprint
  ) {
    self.document = document
    self.path = path
    self.origin = origin
    self.state = state
    self.fingerprint = fingerprint
  }
}

/// Where a page of the catalogue ended: the place of its last row in the order of key and content.
package struct CataloguePosition: Hashable, Sendable {
  package let key: DocumentKey
  package let content: Content

  package init(key: DocumentKey, content: Content) {
    self.key = key
    self.content = content
  }

  package init(after share: Share) {
    self.init(key: share.key, content: share.content)
  }
}

/// What a catalogue holds in all.
package struct CatalogueTotals: Hashable, Sendable {
  /// Documents that are shared, not counting withdrawn ones.
  package let documents: Int64
  /// The sum of their sizes: a content under two keys counts twice.
  package let bytes: Int64

  package init(documents: Int64, bytes: Int64) {
    self.documents = documents
    self.bytes = bytes
  }
}
