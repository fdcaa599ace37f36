// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
import GRDB

/// Questions about many at once: one look into the database for all of them is several times quicker.
extension Catalogue {
  /// As `content(of:)`, for each.
  package func contents(of fingerprints: [FileFingerprint]) throws(StoreError) -> [Content?] {
    let found = try read { database in
      let statement = try database.cachedStatement(
        sql: """
          SELECT root, EXISTS (SELECT 1 FROM layer WHERE layer.root = hashed.root AND layer.size = hashed.size)
          FROM hashed WHERE device = ? AND inode = ? AND size = ? AND mtime = ? AND ctime = ?
          """)
      return try fingerprints.map { mark -> (content: Content, hasLeaves: Bool)? in
        let row = try Row.fetchOne(
          statement,
          arguments: [
            Int64(bitPattern: mark.device), Int64(bitPattern: mark.inode), mark.size, mark.modified, mark.changed,
          ])
        // Not `row[0] as Data?`, which ends the process where a damaged row holds something else.
        guard let row, let root = Data.fromDatabaseValue(row[0]),
          let content = CatalogueRows.content(root: root, size: mark.size)
        else { return nil }
        return (content, row[1])
      }
    }
    return found.map { found in
      guard let found else { return nil }
      switch found.content.geometry.blockCount {
      case ...1: return found.content
      case ...LeafLayer.maxLeavesInMemory: return found.hasLeaves ? found.content : nil
      default: return layers.has(found.content) ? found.content : nil
      }
    }
  }

  /// Of each document, whether it is shared now.
  package func areShared(_ documents: [Document]) throws(StoreError) -> [Bool] {
    try read { database in
      let statement = try database.cachedStatement(
        sql: "SELECT 1 FROM share WHERE key = ? AND root = ? AND size = ? AND state = 0")
      return try documents.map { document in
        let content = document.content
        return try Bool.fetchOne(
          statement, arguments: [document.key.text, CatalogueRows.blob(content.root), content.size]) ?? false
      }
    }
  }
}
