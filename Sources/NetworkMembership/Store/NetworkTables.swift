// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// The tables of the database of a network.
enum NetworkTables {
  static let damage =
    "is damaged (a row makes no sense): restore your copy, or move it away and invite the members again"

  /// What leads from each version of the tables to the next one, beginning with none. PRAGMA user_version is the number of
  /// steps that were taken.
  private static let steps: [[StaticString]] = [
    tables,
    ["ALTER TABLE log ADD COLUMN part INTEGER NOT NULL DEFAULT 0"],
    [
      // Of a member with several tickets the last one counts.
      "ALTER TABLE members ADD COLUMN by BLOB",
      "UPDATE members SET by = (SELECT by FROM invitations WHERE hash = substr(members.ticket, -32))",
      // A ticket lasts no longer than the role of the one who made it.
      "DELETE FROM invitations WHERE by NOT IN (SELECT peer FROM members WHERE role = 'admin')",
    ],
    [
      // A claim rests on the longest one that is no younger, if that admits its owner: else an admin made it.
      "ALTER TABLE claims ADD COLUMN above TEXT",
      """
      UPDATE claims SET above = (
        SELECT prefix FROM claims AS upper
        WHERE length(prefix) < length(claims.prefix) AND substr(claims.prefix, 1, length(prefix)) = prefix
          AND since <= claims.since
        ORDER BY length(prefix) DESC LIMIT 1)
      """,
      """
      UPDATE claims SET above = NULL WHERE NOT EXISTS (
        SELECT 1 FROM claims AS upper
        WHERE upper.prefix = claims.above AND (upper.owner = claims.owner OR instr(upper.allowed, claims.owner) > 0))
      """,
    ],
    ["CREATE TABLE network (id BLOB PRIMARY KEY) WITHOUT ROWID"],
  ]

  /// The version since which the database names its index.
  private static let naming = 5

  private static let tables: [StaticString] = [
    "CREATE TABLE members (peer BLOB PRIMARY KEY, role TEXT, since INTEGER, name TEXT, ticket BLOB) WITHOUT ROWID",
    """
    CREATE TABLE invitations (hash BLOB PRIMARY KEY, role TEXT, uses INTEGER, left INTEGER, made INTEGER,
      expires INTEGER, by BLOB, barred BLOB) WITHOUT ROWID
    """,
    "CREATE TABLE bans (peer BLOB PRIMARY KEY, since INTEGER, reason TEXT) WITHOUT ROWID",
    "CREATE TABLE claims (prefix TEXT PRIMARY KEY, owner BLOB, allowed BLOB, since INTEGER) WITHOUT ROWID",
    "CREATE TABLE log (number INTEGER PRIMARY KEY AUTOINCREMENT, line BLOB)",
  ]

  /// Makes what is missing, and checks that the database is that of this index.
  static func prepare(
    _ database: Database, of index: PeerID, _ mark: NetworkMark
  ) throws(NetworkStoreError) {
    var version: Int64 = 0
    try database.query("PRAGMA user_version") { row throws(NetworkStoreError) in version = row.first?.integer ?? 0 }
    guard (0...Int64(steps.count)).contains(version) else {
      throw NetworkStoreError(database.path, "was written by a later version of p2p-index: install that version")
    }
    if version == 0 { try mark.checkBeginning() }
    if version < steps.count {
      try database.transaction { database throws(NetworkStoreError) in
        for step in steps.dropFirst(Int(version)).joined() { try database.execute(step) }
        if version < naming { try database.execute("INSERT INTO network VALUES (?)", [.bytes(index)]) }
        // "p2pn": peers recognise a copy by it, and do not share it.
        try database.execute("PRAGMA application_id = 0x7032706e")
        try database.setVersion(steps.count)
      }
      // Into the file itself, for its copies.
      try database.query("PRAGMA wal_checkpoint(PASSIVE)") { _ in }
    }
    try check(database, isOf: index, mark)
    try mark.make()
  }

  private static func check(
    _ database: Database, isOf index: PeerID, _ mark: NetworkMark
  ) throws(NetworkStoreError) {
    var owner: PeerID?
    try database.query("SELECT id FROM network") { row throws(NetworkStoreError) in owner = row.first?.peer }
    guard let owner else { throw NetworkStoreError(database.path, damage) }
    guard owner == index else {
      throw NetworkStoreError(
        database.path,
        "belongs to the index \(owner), but the key here is that of \(index): restore the key of that index, or the "
          + "database of this one. \(mark.advice)")
    }
  }
}
