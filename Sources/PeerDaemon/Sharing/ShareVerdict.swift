// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel

/// What becomes of a share when its file is looked at.
package enum ShareVerdict: Equatable {
  /// Nothing: it is as it was.
  case keep
  /// The file is there again, unchanged: it is shared again.
  case restore
  /// The file is gone, or is another that must not be published.
  case withdraw
  /// The file was changed, or only touched: withdrawn at once, then its bytes decide.
  case examine

  /// - Parameter found: of the file now; `nil` where there is none.
  package init(_ share: Share, found: FileFingerprint?) {
    let isShared = share.state == .shared
    guard let found else {
      self = isShared ? .withdraw : .keep
      return
    }
    if found == share.fingerprint {
      self = isShared ? .keep : .restore
    } else if share.origin == .added || found.size == share.content.size {
      self = .examine
    } else {
      // Editing the copy of a download must not publish it.
      self = isShared ? .withdraw : .keep
    }
  }

  /// The share that a file stands for once its bytes are known; `nil` where it is to stay withdrawn.
  /// - Parameter title: what the file says of itself now; `nil` keeps the old title.
  package static func renewed(
    _ share: Share, content: Content, fingerprint: FileFingerprint, title: Title?
  ) -> Share? {
    guard content == share.content || share.origin == .added else { return nil }
    let modified = content == share.content ? share.modified : Timestamp(seconds: fingerprint.modifiedSeconds)
    let document = Document(key: share.key, title: title ?? share.title, content: content, modified: modified)
    return Share(document: document, path: share.path, origin: share.origin, fingerprint: fingerprint)
  }
}
