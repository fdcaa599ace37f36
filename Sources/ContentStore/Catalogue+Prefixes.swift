// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
import GRDB

/// Downloads of prefixes. All changes are durable on return and work on a full disk, except the first.
extension Catalogue {
  /// Adds or replaces a record.
  package func record(_ prefix: PrefixRecord) throws(StoreError) {
    try write { try PrefixRows.put($0, prefix) }
  }

  /// No effect if the record was removed.
  package func update(_ prefix: PrefixRecord) throws(StoreError) {
    try writeOnFullDisk { database in
      guard try PrefixRows.fetch(database, where: "id = ?", [prefix.id]).first != nil else { return }
      try PrefixRows.put(database, prefix)
    }
  }

  /// Ordered by id.
  package func unfinishedPrefixes() throws(StoreError) -> [PrefixRecord] {
    try read { try PrefixRows.fetch($0, where: "state < ? ORDER BY id", [DownloadRecord.State.done.rawValue]) }
  }

  /// The latest that ended since a time, oldest first.
  package func endedPrefixes(since time: Timestamp, limit: Int) throws(StoreError) -> [PrefixRecord] {
    try read {
      try PrefixRows.fetch(
        $0, where: "state >= ? AND coalesce(finished, created) >= ? ORDER BY id DESC LIMIT ?",
        [DownloadRecord.State.done.rawValue, time.seconds, max(limit, 0)]
      ).reversed()
    }
  }

  package func forgetFinishedPrefixes(before time: Timestamp) throws(StoreError) {
    try writeOnFullDisk {
      try $0.execute(
        sql: "DELETE FROM prefixDownload WHERE state >= ? AND coalesce(finished, created) < ?",
        arguments: [DownloadRecord.State.done.rawValue, time.seconds])
    }
  }
}

/// Converts downloads of prefixes to and from rows.
enum PrefixRows {
  static let createTable = """
    CREATE TABLE prefixDownload (
      id INTEGER PRIMARY KEY, prefix TEXT NOT NULL, path TEXT NOT NULL, shared INTEGER NOT NULL,
      preserves INTEGER NOT NULL, replaces INTEGER NOT NULL, detached INTEGER NOT NULL, newest INTEGER NOT NULL,
      hidden INTEGER NOT NULL, mask INTEGER, source BLOB, state INTEGER NOT NULL, error TEXT, received INTEGER NOT NULL,
      created INTEGER NOT NULL, finished INTEGER, documents INTEGER NOT NULL, have INTEGER NOT NULL
    ) STRICT;
    -- Of one that is half done and belongs to a prefix.
    ALTER TABLE download ADD COLUMN prefixDownload INTEGER;
    """

  private static let columns = """
    id, prefix, path, shared, preserves, replaces, detached, newest, hidden, mask, source, state, error, received, \
    created, finished, documents, have, home
    """

  static func put(_ database: Database, _ record: PrefixRecord) throws {
    let values: [(any DatabaseValueConvertible)?] = [
      record.id, record.prefix, record.path, record.isShared, record.preserves, record.replacesFiles,
      record.isDetached, record.takesNewest, record.includesHidden, record.mask.map { Int64($0) },
      record.from.map { CatalogueRows.blob($0.digest) }, record.state.rawValue, record.error, record.received,
      record.created.seconds, record.finished?.seconds, record.documents, record.have,
      record.home.blob,
    ]
    try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO prefixDownload (\(columns)) VALUES (?\(String(repeating: ", ?", count: 18)))"
    ).execute(arguments: StatementArguments(values))
  }

  static func fetch(
    _ database: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [PrefixRecord] {
    let statement = try database.cachedStatement(sql: "SELECT \(columns) FROM prefixDownload WHERE \(condition)")
    var records = [PrefixRecord]()
    let rows = try Row.fetchCursor(statement, arguments: arguments)
    while let row = try rows.next() { records.append(try record(row)) }
    return records
  }

  /// - Throws: `DatabaseError` of `SQLITE_CORRUPT` if a column holds an invalid value.
  private static func record(_ row: Row) throws -> PrefixRecord {
    // `row[0] as Data?` would trap if a damaged row holds another type.
    func value<Value: DatabaseValueConvertible>(_ index: Int) -> Value? { Value.fromDatabaseValue(row[index]) }
    func flag(_ index: Int) -> Bool { value(index) == Int64(1) }
    guard let id: Int64 = value(0), let prefix: String = value(1), let path: String = value(2),
      let state = (value(11) as Int64?).flatMap(DownloadRecord.State.init(rawValue:)), let received: Int64 = value(13),
      let created: Int64 = value(14), let documents: Int64 = value(16), let have: Int64 = value(17),
      let home = (value(18) as Data?).flatMap(Home.init(bytes:))
    else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a download has invalid columns") }
    var record = PrefixRecord(id: id, prefix: prefix, path: path, created: Timestamp(seconds: created))
    (record.isShared, record.preserves, record.replacesFiles) = (flag(3), flag(4), flag(5))
    (record.isDetached, record.takesNewest, record.includesHidden) = (flag(6), flag(7), flag(8))
    record.mask = (value(9) as Int64?).flatMap(UInt32.init(exactly:))
    record.from = (value(10) as Data?).flatMap { Digest(bytes: $0) }.map { PeerID(digest: $0) }
    (record.state, record.error, record.received) = (state, value(12), received)
    record.finished = (value(15) as Int64?).map { Timestamp(seconds: $0) }
    (record.documents, record.have, record.home) = (documents, have, home)
    return record
  }
}
