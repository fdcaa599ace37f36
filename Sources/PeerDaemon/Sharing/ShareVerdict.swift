// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import POSIXSupport

/// What to do with a share after a look at its file.
package enum ShareVerdict: Equatable {
  /// Nothing changed, or it cannot be told now.
  case keep
  /// The file is back, unchanged: share it again.
  case restore
  /// The file is gone, or was replaced by one that must not be published.
  case withdraw
  /// The file was changed or touched: hash it to decide.
  case examine

  package init(_ share: Share, found: FileObservation) {
    let isShared = share.state == .shared
    switch found {
    case .unknown: self = .keep
    case .missing: self = isShared ? .withdraw : .keep
    case .file(share.fingerprint, _): self = isShared ? .keep : .restore
    case .file(let fingerprint, let access):
      let mayBePublished = share.origin == .added && Self.mayFollow(share, fingerprint, access)
      // Editing a downloaded copy must not publish it, but the same content may be served again.
      if mayBePublished || fingerprint.size == share.content.size {
        self = .examine
      } else {
        self = isShared ? .withdraw : .keep
      }
    }
  }

  /// The share to keep after the changed file was hashed; `nil` if it must not be shared.
  /// - Parameters:
  ///   - access: of the hashed file.
  ///   - title: read from the file; `nil` keeps the old title.
  package static func renewed(
    _ share: Share, content: Content, fingerprint: FileFingerprint, access: FileAccess, title: Title?
  ) -> Share? {
    let isSame = content == share.content
    guard isSame || (share.origin == .added && mayFollow(share, fingerprint, access)) else { return nil }
    let document = Document(
      key: share.key, title: title ?? share.title, content: content,
      modified: isSame ? share.modified : Timestamp(seconds: fingerprint.modifiedSeconds),
      executable: access.isExecutable)
    return Share(
      document: document, path: share.path, origin: share.origin, fingerprint: fingerprint,
      permissions: access.permissions, audience: share.audience)
  }

  /// Whether a file may be published in the place of the shared one: that file itself, after it was edited, or another one
  /// that the user can be taken to have put there.
  private static func mayFollow(_ share: Share, _ fingerprint: FileFingerprint, _ access: FileAccess) -> Bool {
    FileIdentity(fingerprint) == FileIdentity(share.fingerprint) || access.mayReplace(share.permissions)
  }
}
