// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import NIOPosix

/// What the catalogue shares, for the index. A file that is no longer what it was is left out and looked into.
struct CatalogueAnnouncements: AnnouncementSource {
  static let pageLength = 1000

  let catalogue: Catalogue
  let pool: NIOThreadPool
  let changed: ChangedFiles

  func page(after cursor: AnnouncementCursor?) async -> (documents: [Document], next: AnnouncementCursor?)? {
    let position = cursor.map { CataloguePosition(key: $0.key, content: $0.content) }
    return try? await pool.store { () throws(StoreError) in try page(after: position) }
  }

  private func page(
    after position: CataloguePosition?
  ) throws(StoreError) -> (documents: [Document], next: AnnouncementCursor?) {
    let shares = try catalogue.page(after: position, limit: Self.pageLength)
    var documents = [Document]()
    for share in shares where share.state == .shared {
      if ShareVerdict(share, found: FileFingerprint.ofFile(share.path)) == .keep {
        documents.append(share.document)
      } else {
        changed.notice(share.path)
      }
    }
    let next = shares.count < Self.pageLength ? nil : shares.last
    return (documents, next.map { AnnouncementCursor(key: $0.key, content: $0.content) })
  }
}

extension FileFingerprint {
  /// `nil` where there is no regular file.
  static func ofFile(_ path: String) -> FileFingerprint? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return FileFingerprint(status)
  }
}
