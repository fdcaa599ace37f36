// SPDX-License-Identifier: Apache-2.0

import struct Crypto.SHA256
import DocumentModel
import Foundation
import GRDB

/// Which network hears of which share.
extension Catalogue {
  /// The setting that holds the network of the last connection: nothing for an open one, the public key of its index in
  /// base64url for a closed one, any other text if this peer does not belong to it.
  package static let networkSetting = "network"

  /// Everything that is shared now may be announced in this network, too. Durable on return.
  package func releaseAll(to network: Home) throws(StoreError) {
    try write { database in try Self.change(database) { $0.union(Audience(network)) } }
  }

  /// The setting that says whether the index of the own supervisor was open when it was reached last.
  private static let ownOpenSetting = "own_index_open"
  private static let (yes, no) = ("yes", "no")

  /// Call it at each start, before the network of the last run is replaced: it begins to keep account in a catalogue that an
  /// earlier version has left. Durable on return.
  /// - Parameter isOwn: whether the index of the settings is that of the own supervisor.
  package func beginHomes(isOwn: Bool) throws(StoreError) {
    guard try setting(Self.ownOpenSetting) == nil else { return }
    try write { database in
      let wasOpen = try isOwn && Self.setting(database, Self.networkSetting) == nil
      try Self.set(database, Self.ownOpenSetting, to: wasOpen ? Self.yes : Self.no)
    }
  }

  /// The index at these places has said which network it has. What was shared for it before belongs there from now on; if it is
  /// the index of the own supervisor, which was open and is closed now, so does what is shared or began in open networks.
  ///
  /// In one transaction: a process that is killed leaves it undone or done. Durable on return.
  /// - Parameter network: open or closed, or that of an index which is awaited in the place of these.
  /// - Returns: whether open networks have become a closed one.
  package func settleHomes(at places: [IndexPlace], isOwn: Bool, in network: Home) throws(StoreError) -> Bool {
    try write { database in
      try Self.change(database) { audience in
        places.map { Home.awaited($0) }.reduce(audience) { $0.replacing($1, with: network) }
      }
      guard isOwn else { return false }
      let isClosing = try network != .open && Self.setting(database, Self.ownOpenSetting) == Self.yes
      if isClosing {
        try Self.change(database) { $0.contains(.open) ? $0.union(Audience(network)) : $0 }
        for table in ["download", "prefixDownload"] {
          try database.execute(
            sql: "UPDATE \(table) SET home = ? WHERE home = ?", arguments: [network.blob, Home.open.blob])
        }
      }
      try Self.set(database, Self.ownOpenSetting, to: network == .open ? Self.yes : Self.no)
      return isClosing
    }
  }

  /// Replaces the audiences of shares. There are few different ones.
  private static func change(_ database: Database, _ new: (Audience) -> Audience) throws {
    for blob in try Data.fetchAll(database, sql: "SELECT DISTINCT audience FROM share") {
      guard let audience = Audience(blob: blob), new(audience) != audience else { continue }
      try database.execute(
        sql: "UPDATE share SET audience = ? WHERE audience = ?", arguments: [new(audience).blob, blob])
    }
  }

  /// The number of shared documents of which the network does not hear, by any of their files.
  package func withheldCount(from network: Home) throws(StoreError) -> Int {
    try read { database in
      let audiences = try Data.fetchAll(database, sql: "SELECT DISTINCT audience FROM share WHERE state = 0")
      // There are few different ones.
      let heard = audiences.filter { Audience(blob: $0)?.contains(network) ?? false }
      let places = heard.map { _ in "?" }.joined(separator: ", ")
      return try Int.fetchOne(
        database,
        sql: """
          SELECT count(*) FROM (
            SELECT key FROM share WHERE state = 0 GROUP BY key, root, size HAVING NOT max(audience IN (\(places))))
          """, arguments: StatementArguments(heard)) ?? 0
    }
  }
}

/// Homes come into a catalogue.
enum CatalogueHomes {
  private static let columns = [("share", "audience"), ("download", "home"), ("prefixDownload", "home")]

  static func migrate(_ database: Database) throws {
    // Empty, for none, where the row of an older catalogue is all that a rescue finds.
    for (table, column) in columns {
      try database.execute(sql: "ALTER TABLE \(table) ADD COLUMN \(column) BLOB NOT NULL DEFAULT X''")
    }
    try fill(database, from: database)
    try database.execute(sql: "DROP TABLE withheld")
  }

  /// What was recorded before belongs to the network of the last connection, except files that were withheld from it.
  /// - Parameter old: has the withheld files; may be damaged.
  static func fill(_ database: Database, from old: Database) throws {
    let home = try current(database)
    for (table, column) in columns {
      try database.execute(sql: "UPDATE \(table) SET \(column) = ?", arguments: [home.blob])
    }
    guard case .closed(let network) = home else { return }
    var paths = Set<String>()
    // A damaged page ends a scan: what lies behind it is found from the other end.
    for order in ["ASC", "DESC"] {
      let sql = "SELECT path FROM withheld WHERE network = ? ORDER BY path \(order)"
      let rows = try? String.fetchCursor(old, sql: sql, arguments: [CatalogueRows.blob(network.digest)])
      while let path = try? rows?.next() { paths.insert(path) }
    }
    for path in paths {
      try database.execute(sql: "UPDATE share SET audience = ? WHERE path = ?", arguments: [Home.open.blob, path])
    }
  }

  /// The network of the last connection.
  static func current(_ database: Database) throws -> Home {
    guard let text = try Catalogue.setting(database, Catalogue.networkSetting) else { return .open }
    guard let key = Base64URL.decode(text.utf8), let digest = Digest(bytes: SHA256.hash(data: key)) else {
      return .nowhere
    }
    return .closed(PeerID(digest: digest))
  }
}
