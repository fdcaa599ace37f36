// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import GRDB

/// The tables of the catalogue. A released migration is never changed.
enum CatalogueSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 shares, hashes, layers, settings, temporary files", migrate: createTables)
    migrator.registerMigration("2 permissions of shared files") { database in
      try database.execute(sql: "ALTER TABLE share ADD COLUMN permissions INTEGER NOT NULL DEFAULT \(0o644)")
    }
    migrator.registerMigration("3 mark of a catalogue in the header") { database in
      try database.execute(sql: "PRAGMA application_id = \(PrivateContent.applicationID)")
    }
    migrator.registerMigration("4 downloads") { try $0.execute(sql: DownloadRows.createTable) }
    migrator.registerMigration("5 priority and sources of downloads, downloads of prefixes") { database in
      try database.execute(sql: "ALTER TABLE download ADD COLUMN priority INTEGER NOT NULL DEFAULT 1")
      try database.execute(sql: DownloadSources.addColumn)
      try database.execute(sql: PrefixRows.createTable)
    }
    migrator.registerMigration("6 files that a network is not told of") { database in
      try database.execute(
        sql: """
          CREATE TABLE withheld (
            network BLOB NOT NULL, path TEXT NOT NULL, PRIMARY KEY (network, path)
          ) STRICT, WITHOUT ROWID
          """)
    }
    migrator.registerMigration(versionBefore, migrate: CatalogueHomes.migrate)
    migrator.registerMigration("8 shares of files", migrate: CatalogueFiles.migrate)
    return migrator
  }

  /// The last one with other rows of shares than now.
  static let versionBefore = "7 homes of shares and downloads"

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

        -- The hash of a file. One row for each file: an older state never returns.
        CREATE TABLE hashed (
          device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
          ctime INTEGER NOT NULL, root BLOB NOT NULL,
          PRIMARY KEY (device, inode)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX hashedByContent ON hashed (root, size);

        -- The leaves of contents of 2 to 1,024 blocks; larger ones have a file.
        CREATE TABLE layer (
          root BLOB NOT NULL, size INTEGER NOT NULL, leaves BLOB NOT NULL,
          PRIMARY KEY (root, size)
        ) STRICT;

        CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        -- Temporary files to remove after a crash.
        CREATE TABLE temporary (path TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
        """)
  }
}

/// Converts shares and digests to and from rows.
enum CatalogueRows {
  static let columns =
    "key, root, size, title, modified, path, origin, state, device, inode, mtime, ctime, fileSize, permissions, audience"

  /// Replaces the share of the same key and file.
  static let insertShare =
    "INSERT OR REPLACE INTO share (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

  static func arguments(_ share: Share, _ audience: Audience) -> StatementArguments {
    let mark = share.fingerprint
    return [
      share.key.text, blob(share.content.root), share.content.size, share.title.text, share.modified.seconds,
      share.path, share.origin.rawValue, share.state.rawValue, Int64(bitPattern: mark.device),
      Int64(bitPattern: mark.inode), mark.modified, mark.changed, mark.size,
      Int64(share.permissions), audience.blob,
    ]
  }

  static func arguments(_ document: DocumentID) -> StatementArguments {
    [document.key.text, blob(document.content.root), document.content.size]
  }

  /// - Throws: `DatabaseError` of `SQLITE_CORRUPT` if a column holds an invalid value.
  static func share(_ row: Row) throws -> Share {
    guard
      let key = (row[0] as String?).flatMap({ try? DocumentKey($0) }),
      let content = content(root: row[1], size: row[2]),
      let title = (row[3] as String?).flatMap({ try? Title($0) }),
      let modified = row[4] as Int64?, let path = row[5] as String?,
      let origin = (row[6] as Int64?).flatMap(Share.Origin.init(rawValue:)),
      let state = (row[7] as Int64?).flatMap(Share.State.init(rawValue:)),
      let device = row[8] as Int64?, let inode = row[9] as Int64?, let mtime = row[10] as Int64?,
      let ctime = row[11] as Int64?, let fileSize = row[12] as Int64?,
      let permissions = (row[13] as Int64?).flatMap(UInt32.init(exactly:)),
      let audience = Data.fromDatabaseValue(row[14]).flatMap(Audience.init)
    else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a share has invalid columns") }
    let fingerprint = FileFingerprint(
      device: UInt64(bitPattern: device), inode: UInt64(bitPattern: inode), size: fileSize, modified: mtime,
      changed: ctime)
    return Share(
      document: Document(
        key: key, title: title, content: content, modified: Timestamp(seconds: modified),
        executable: FileAccess(permissions: permissions).isExecutable),
      path: path, origin: origin, state: state, fingerprint: fingerprint, permissions: permissions,
      audience: audience)
  }

  static func content(root: Data?, size: Int64?) -> Content? {
    guard let root, let size, let digest = Digest(bytes: root) else { return nil }
    return Content(root: digest, size: size)
  }

  static func blob(_ digest: Digest) -> Data { Data(digest.bytes) }

  static func fetch(_ database: Database, where condition: String, _ arguments: StatementArguments) throws -> [Share] {
    var shares = [Share]()
    try forEach(database, where: condition, arguments) { shares.append($0) }
    return shares
  }

  /// All shares that have one of many values in a column.
  static func forEach(
    _ database: Database, where column: String, in values: [some DatabaseValueConvertible], _ body: (Share) -> Void
  ) throws {
    // Always as many, so that the statement is prepared once.
    let count = 64
    let places = Array(repeating: "?", count: count).joined(separator: ", ")
    for start in stride(from: 0, to: values.count, by: count) {
      let part = values[start..<min(start + count, values.count)]
      guard let last = part.last else { return }
      let arguments = StatementArguments(part + Array(repeating: last, count: count - part.count))
      try forEach(database, where: "\(column) IN (\(places))", arguments, body)
    }
  }

  static func forEach(
    _ database: Database, where condition: String, _ arguments: StatementArguments, _ body: (Share) -> Void
  ) throws {
    let statement = try database.cachedStatement(sql: "SELECT \(columns) FROM share WHERE \(condition)")
    let rows = try Row.fetchCursor(statement, arguments: arguments)
    while let row = try rows.next() { body(try share(row)) }
  }
}
