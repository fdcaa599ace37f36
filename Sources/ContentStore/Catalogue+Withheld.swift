// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import GRDB

/// Files that were shared before this peer joined a closed network, and that are not announced to it. They are known by
/// their paths: a file that changes stays withheld.
extension Catalogue {
  static let createWithheld =
    "CREATE TABLE withheld (network BLOB NOT NULL, path TEXT NOT NULL, PRIMARY KEY (network, path)) STRICT, WITHOUT ROWID"

  /// Withholds everything that is shared now. Durable on return.
  /// - Parameter network: the id of its index.
  /// - Returns: the number of documents that are withheld then.
  package func withholdAll(from network: PeerID) throws(StoreError) -> Int {
    try write { database in
      try database.execute(
        sql: "INSERT OR IGNORE INTO withheld (network, path) SELECT DISTINCT ?, path FROM share",
        arguments: [CatalogueRows.blob(network.digest)])
      return try Int.fetchOne(
        database, sql: "SELECT count(*) FROM share JOIN withheld USING (path) WHERE network = ?",
        arguments: [CatalogueRows.blob(network.digest)]) ?? 0
    }
  }

  /// Announces everything to the network again. Durable on return.
  package func releaseAll(to network: PeerID) throws(StoreError) {
    try write { database in
      try database.execute(
        sql: "DELETE FROM withheld WHERE network = ?", arguments: [CatalogueRows.blob(network.digest)])
    }
  }

  /// The user shares these files now, so that every network is told of them. Durable on return.
  package func release(_ paths: [String]) throws(StoreError) {
    guard try read({ try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM withheld)") ?? false }) else { return }
    try write { database in
      for path in paths {
        try database.execute(sql: "DELETE FROM withheld WHERE path = ?", arguments: [path])
      }
    }
  }

  /// Those of the documents that the network is not told of.
  package func withheld(_ documents: [DocumentID], from network: PeerID) throws(StoreError) -> Set<DocumentID> {
    try read { database in
      guard
        try Bool.fetchOne(
          database, sql: "SELECT EXISTS (SELECT 1 FROM withheld WHERE network = ?)",
          arguments: [CatalogueRows.blob(network.digest)]) ?? false
      else { return [] }
      return try documents.reduce(into: []) { found, document in
        let isWithheld = try Bool.fetchOne(
          database,
          sql: """
            SELECT EXISTS (SELECT 1 FROM share JOIN withheld USING (path)
              WHERE network = ? AND key = ? AND root = ? AND size = ?)
            """,
          arguments: [
            CatalogueRows.blob(network.digest), document.key.text, CatalogueRows.blob(document.content.root),
            document.content.size,
          ])
        if isWithheld ?? false { found.insert(document) }
      }
    }
  }
}
