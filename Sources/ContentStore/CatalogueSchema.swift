// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The tables of the catalogue and how they came to be. A migration that was released is never changed.
enum CatalogueSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 shares, hashes, layers, settings, temporary files", migrate: createTables)
    return migrator
  }

  private static func createTables(_ database: Database) throws {
    try database.execute(
      sql: """
        -- A document of this peer. A key may have several contents; a content may stand under several keys.
        CREATE TABLE share (
          key TEXT NOT NULL, root BLOB NOT NULL, size INTEGER NOT NULL, title TEXT NOT NULL, modified INTEGER NOT NULL,
          path TEXT NOT NULL, origin INTEGER NOT NULL, state INTEGER NOT NULL, device INTEGER NOT NULL,
          inode INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, fileSize INTEGER NOT NULL,
          PRIMARY KEY (key, root, size)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX shareByContent ON share (root, size);
        CREATE INDEX shareByPath ON share (path);

        -- What a file hashed to. One row for each file: an older state of it never comes back.
        CREATE TABLE hashed (
          device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
          ctime INTEGER NOT NULL, root BLOB NOT NULL,
          PRIMARY KEY (device, inode)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX hashedByContent ON hashed (root, size);

        -- The leaves of contents that are too small for a file of their own and have more than one.
        CREATE TABLE layer (
          root BLOB NOT NULL, size INTEGER NOT NULL, leaves BLOB NOT NULL,
          PRIMARY KEY (root, size)
        ) STRICT;

        CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        -- Files in the making that nobody may find after a crash.
        CREATE TABLE temporary (path TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
        """)
  }
}
