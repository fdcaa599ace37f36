// SPDX-License-Identifier: Apache-2.0

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

  package var id: DocumentID { document.id }
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
