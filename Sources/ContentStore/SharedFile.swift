// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The bytes of a share, open to be served.
package final class SharedFile: Sendable {
  package let content: Content
  package let file: OpenFile
  private let fingerprint: FileFingerprint

  /// Opens the file and makes sure that it is the one that was hashed.
  /// - Throws: `.changed` where it is another or was written since; `.vanished`, `.unreadable`, `.notAFile`.
  package init(_ share: Share) throws(StoreError) {
    (file, fingerprint) = try OpenFile.reading(share.path)
    guard fingerprint == share.fingerprint else { throw Self.changed(share.path) }
    content = share.content
  }

  /// Asks the open file again, before each part of it is sent: `.changed` where it was written since.
  package func checkUnchanged() throws(StoreError) {
    guard try file.fingerprint() == fingerprint else { throw Self.changed(file.path) }
  }

  private static func changed(_ path: String) -> StoreError {
    StoreError(.changed, path, "is no longer what was shared")
  }
}
