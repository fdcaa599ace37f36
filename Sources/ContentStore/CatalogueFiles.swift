// SPDX-License-Identifier: Apache-2.0

import GRDB

/// A share becomes one of a file: before, a key had each content once, with one of its files.
enum CatalogueFiles {
  private static let createTable = """
    CREATE TABLE share (
      key TEXT NOT NULL, root BLOB NOT NULL, size INTEGER NOT NULL, title TEXT NOT NULL, modified INTEGER NOT NULL,
      path TEXT NOT NULL, origin INTEGER NOT NULL, state INTEGER NOT NULL, device INTEGER NOT NULL,
      inode INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, fileSize INTEGER NOT NULL,
      permissions INTEGER NOT NULL DEFAULT \(0o644), audience BLOB NOT NULL DEFAULT X'',
      PRIMARY KEY (key, root, size, path)
    ) STRICT, WITHOUT ROWID
    """
  /// A file has one content.
  private static let createIndex = "CREATE UNIQUE INDEX shareByPath ON share (path, key)"

  /// Keeps the root pages, by which a rescue finds the rows of a catalogue that has lost its schema; a new table would get
  /// others. Section 7 of the manual of ALTER TABLE describes such a change; here the table is empty meanwhile.
  static func migrate(_ database: Database) throws {
    try database.execute(
      sql: """
        CREATE TABLE moved AS SELECT * FROM share;
        DELETE FROM share;
        PRAGMA writable_schema = ON;
        """)
    for (name, sql) in [("share", createTable), ("shareByPath", createIndex)] {
      try database.execute(sql: "UPDATE sqlite_schema SET sql = ? WHERE name = ?", arguments: [sql, name])
    }
    // Makes all connections read the schema again, this one too.
    let version = try Int64.fetchOne(database, sql: "PRAGMA schema_version") ?? 0
    try database.execute(
      sql: "PRAGMA schema_version = \((version &+ 1) & 0x7FFF_FFFF); PRAGMA writable_schema = RESET")
    database.clearSchemaCache()
    try database.execute(
      sql: """
        INSERT OR REPLACE INTO share (\(CatalogueRows.columns)) SELECT \(CatalogueRows.columns) FROM moved;
        DROP TABLE moved;
        """)
  }

  /// Whether the rows are those of the version before. Only its statements are read, never a row.
  static func areBefore(_ database: Database) -> Bool {
    let key = try? Bool.fetchOne(database, sql: "SELECT pk > 0 FROM pragma_table_info('share') WHERE name = 'path'")
    return key == false
  }

  /// Whether the schema of now makes no sense of the rows, because they are of the version before: its title is a number then.
  static func areMisread(_ database: Database) -> Bool {
    ["ASC", "DESC"].contains { order in
      let sql = "SELECT typeof(title) FROM share NOT INDEXED ORDER BY key \(order) LIMIT 1"
      return (try? String.fetchOne(database, sql: sql)) == "integer"
    }
  }
}
