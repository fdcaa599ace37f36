// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A file under a key. Several files may have one document, each with networks of its own.
package struct Share: Hashable, Sendable {
  /// A changed file is announced again if the user added it, but not if it was downloaded.
  package enum Origin: Int64, Hashable, Sendable {
    case added = 0
    case downloaded = 1
  }

  package enum State: Int64, Hashable, Sendable {
    /// Announced and served.
    case shared = 0
    /// Listed, but neither announced nor served: the file is gone or has changed.
    case withdrawn = 1
  }

  package let document: Document
  /// Absolute path. It had no symbolic links when the file was added, and is never opened through one.
  package let path: String
  package let origin: Origin
  package let state: State
  /// Fingerprint of the file when it had this content.
  package let fingerprint: FileFingerprint
  /// Permission bits of chmod(2) that the file had then.
  package let permissions: UInt32
  /// The networks that may hear of it, and of what the file becomes.
  package let audience: Audience

  /// Whether a network hears of it now.
  package func isShared(in network: Home) -> Bool { state == .shared && audience.contains(network) }

  package var id: DocumentID { document.id }
  package var key: DocumentKey { document.key }
  package var title: Title { document.title }
  package var content: Content { document.content }
  package var modified: Timestamp { document.modified }

  package init(
    document: Document, path: String, origin: Origin, state: State = .shared, fingerprint: FileFingerprint,
    permissions: UInt32 = 0o644, audience: Audience = Audience(.open)
  ) {
    self.document = document
    self.path = path
    self.origin = origin
    self.state = state
    self.fingerprint = fingerprint
    self.permissions = permissions
    self.audience = audience
  }

  /// The same file with another description, or other networks.
  package func with(document: Document? = nil, audience: Audience? = nil) -> Share {
    Share(
      document: document ?? self.document, path: path, origin: origin, state: state, fingerprint: fingerprint,
      permissions: permissions, audience: audience ?? self.audience)
  }
}

/// Totals of a catalogue.
package struct CatalogueTotals: Hashable, Sendable {
  /// Number of shared documents, without withdrawn ones; one that several files have counts once.
  package let documents: Int64
  /// Sum of their sizes; a content under two keys counts twice.
  package let bytes: Int64

  package init(documents: Int64, bytes: Int64) {
    self.documents = documents
    self.bytes = bytes
  }
}

/// The open file of a share, to serve it.
package final class SharedFile: Sendable {
  package let key: DocumentKey
  package let content: Content
  package let file: OpenFile
  /// The networks in which it may be served.
  package let audience: Audience
  private let fingerprint: FileFingerprint

  /// Opens the file and checks that it is the one that was hashed.
  /// - Throws: `.changed` if it was written or replaced since; `.vanished`, `.unreadable`, `.notAFile`.
  package init(_ share: Share) throws(StoreError) {
    let (file, status) = try OpenFile.reading(share.path)
    self.file = file
    fingerprint = FileFingerprint(status)
    guard fingerprint == share.fingerprint else { throw Self.changed(share.path) }
    (key, content, audience) = (share.key, share.content, share.audience)
  }

  /// Call it before each part is sent.
  /// - Throws: `.changed` if the file was written since it was opened.
  package func checkUnchanged() throws(StoreError) {
    guard try file.fingerprint() == fingerprint else { throw Self.changed(file.path) }
  }

  private static func changed(_ path: String) -> StoreError {
    StoreError(.changed, path, "is no longer what was shared")
  }
}
