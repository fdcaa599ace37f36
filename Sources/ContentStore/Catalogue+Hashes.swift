// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
import GRDB

/// Hashes of files, looked up by fingerprint, and leaves of contents.
extension Catalogue {
  /// Stores the hashes of files. One transaction, durable on return.
  package func remember(_ files: [HashedFile]) throws(StoreError) {
    try add([], hashed: files)
  }

  /// The content of a file with this fingerprint; `nil` if it is unknown or its leaves are gone.
  package func content(of fingerprint: FileFingerprint) throws(StoreError) -> Content? {
    try contents(of: [fingerprint]).first ?? nil
  }

  /// Whether the leaves of a content are stored. They may be damaged.
  package func hasLeaves(of content: Content) throws(StoreError) -> Bool {
    switch content.geometry.blockCount {
    case ...1: return true
    case ...LeafLayer.maxLeavesInMemory:
      return try read { database in
        let statement = try database.cachedStatement(sql: "SELECT 1 FROM layer WHERE root = ? AND size = ?")
        return try Bool.fetchOne(statement, arguments: [CatalogueRows.blob(content.root), content.size]) ?? false
      }
    default: return layers.has(content)
    }
  }

  static func remember(_ database: Database, _ file: HashedFile) throws {
    let root = CatalogueRows.blob(file.content.root)
    if case .memory(let leaves) = file.layer.storage {
      try database.cachedStatement(sql: "INSERT OR REPLACE INTO layer (root, size, leaves) VALUES (?, ?, ?)")
        .execute(arguments: [root, file.content.size, Data(leaves)])
    }
    guard !file.isRacy else { return }
    try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO hashed (device, inode, size, mtime, ctime, root) VALUES (?, ?, ?, ?, ?, ?)"
    ).execute(
      arguments: [
        Int64(bitPattern: file.fingerprint.device), Int64(bitPattern: file.fingerprint.inode), file.fingerprint.size,
        file.fingerprint.modified, file.fingerprint.changed, root,
      ])
  }

  func loadTree(of content: Content) throws(StoreError) -> HashTree? {
    switch content.geometry.blockCount {
    case 0: return nil
    case 1: return HashTree(content: content, leaves: content.root.bytes)
    case ...LeafLayer.maxLeavesInMemory:
      let leaves = try read { database in
        let statement = try database.cachedStatement(sql: "SELECT leaves FROM layer WHERE root = ? AND size = ?")
        return try Data.fetchOne(statement, arguments: [CatalogueRows.blob(content.root), content.size])
      }
      guard let leaves else { return nil }
      if let tree = HashTree(content: content, leaves: [UInt8](leaves)) { return tree }
    default:
      guard let file = try layers.file(of: content) else { return nil }
      if let tree = try HashTree(content: content, file: file, recent: groups) { return tree }
    }
    try forgetLayer(of: content)
    return nil
  }
}

/// Lookups of many at once: several times faster than one by one.
extension Catalogue {
  /// As `content(of:)`, for each fingerprint.
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
        // `row[0] as Data?` would trap if a damaged row holds another type.
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
}
