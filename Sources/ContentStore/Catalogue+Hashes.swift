// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
import GRDB

/// What is known of files and contents: hashes found by fingerprint, and leaves.
extension Catalogue {
  /// Keeps what was learnt of files. One transaction, durable on return.
  package func remember(_ files: [HashedFile]) throws(StoreError) {
    try add([], hashed: files)
  }

  /// What a file with this fingerprint hashed to, where that is known and its leaves are still there.
  package func content(of fingerprint: FileFingerprint) throws(StoreError) -> Content? {
    try contents(of: [fingerprint]).first ?? nil
  }

  /// Whether the leaves of a content are kept; says nothing of whether they are damaged.
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
      if let tree = try HashTree(content: content, file: file) { return tree }
    }
    try forgetLayer(of: content)
    return nil
  }
}
