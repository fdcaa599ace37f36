// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
import GRDB
import Glibc

/// Downloads. All changes are durable on return. Those that stop or remove a download work on a full disk.
extension Catalogue {
  /// - Returns: the id of the new record. That of the argument is ignored.
  package func addDownload(_ record: DownloadRecord) throws(StoreError) -> Int64 {
    try write { database in
      try database.cachedStatement(sql: DownloadRows.insert)
        .execute(arguments: DownloadRows.arguments(record) + [record.temporary, record.sideFile])
      return database.lastInsertedRowID
    }
  }

  /// Replaces the record with this id, except the names of its files, which only `PieceFile` and the end of the download
  /// change: a caller with an older copy loses no file. No effect if the record was removed.
  package func updateDownload(_ record: DownloadRecord) throws(StoreError) {
    try updateDownloads([record])
  }

  /// The same for several records, in one transaction.
  package func updateDownloads(_ records: [DownloadRecord]) throws(StoreError) {
    try writeOnFullDisk { database in
      for record in records { try DownloadRows.update(database, record) }
    }
  }

  /// Replaces the sources of a download that has not ended, and nothing else: it is under way.
  package func updateSources(_ sources: [DownloadRecord.Source], of id: Int64) throws(StoreError) {
    try write {
      try $0.execute(
        sql: "UPDATE download SET sources = ? WHERE id = ? AND state < ?",
        arguments: [DownloadSources.text(of: sources), id, DownloadRecord.State.done.rawValue])
    }
  }

  /// `nil` if there is none with this id.
  package func download(_ id: Int64) throws(StoreError) -> DownloadRecord? {
    try read { try DownloadRows.fetch($0, where: "id = ?", [id]).first }
  }

  /// Without those that belong to a prefix. Ordered by id.
  package func downloads(in states: Set<DownloadRecord.State>) throws(StoreError) -> [DownloadRecord] {
    let list = states.map { "\($0.rawValue)" }.sorted().joined(separator: ", ")
    return try read {
      try DownloadRows.fetch($0, where: "state IN (\(list)) AND prefixDownload IS NULL ORDER BY id", [])
    }
  }

  /// Those that belong to a prefix.
  package func downloads(ofPrefix id: Int64) throws(StoreError) -> [DownloadRecord] {
    try read { try DownloadRows.fetch($0, where: "prefixDownload = ? ORDER BY id", [id]) }
  }

  /// Those that belong to a prefix whose download has ended: left by a process that died.
  package func downloadsWithoutPrefix() throws(StoreError) -> [DownloadRecord] {
    try read {
      try DownloadRows.fetch(
        $0,
        where: """
          prefixDownload IS NOT NULL
          AND prefixDownload NOT IN (SELECT id FROM prefixDownload WHERE state < ?) ORDER BY id
          """, [DownloadRecord.State.done.rawValue])
    }
  }

  /// All that are not done, failed or cancelled, then the latest of the others; each part ordered by id.
  /// - Parameter limit: maximum number of records.
  package func downloads(limit: Int) throws(StoreError) -> [DownloadRecord] {
    try read { database in
      let (final, count) = (DownloadRecord.State.done.rawValue, max(limit, 0))
      let open = try DownloadRows.fetch(database, where: "state < ? ORDER BY id LIMIT ?", [final, count])
      let others = try DownloadRows.fetch(
        database, where: "state >= ? ORDER BY id DESC LIMIT ?", [final, count - open.count])
      return open + others.reversed()
    }
  }

  /// The download of a content to a path that is not done, failed or cancelled.
  /// - Parameter prefix: the download of a prefix that it belongs to; several may have the same directory.
  package func download(of content: Content, path: String, prefix: Int64? = nil) throws(StoreError) -> DownloadRecord? {
    try read {
      try DownloadRows.fetch(
        $0, where: "root = ? AND size = ? AND path = ? AND state < ? AND prefixDownload IS ? ORDER BY id LIMIT 1",
        [CatalogueRows.blob(content.root), content.size, path, DownloadRecord.State.done.rawValue, prefix]
      ).first
    }
  }

  /// Removes a record. Files that it still names are removed at the next start.
  /// - Returns: whether there was one.
  @discardableResult
  package func removeDownload(_ id: Int64) throws(StoreError) -> Bool {
    try writeOnFullDisk { try DownloadRows.remove($0, where: "id = ?", [id]) > 0 }
  }

  /// Removes the records of downloads that became done, failed or cancelled before a time.
  /// - Returns: their number.
  @discardableResult
  package func forgetFinishedDownloads(before time: Timestamp) throws(StoreError) -> Int {
    try writeOnFullDisk {
      try DownloadRows.remove(
        $0, where: "state >= ? AND coalesce(finished, created) < ?", [DownloadRecord.State.done.rawValue, time.seconds])
    }
  }

  /// Records the files of a download. Create them after this call, not before.
  func recordFiles(of record: DownloadRecord) throws(StoreError) {
    try write {
      try $0.execute(
        sql: "UPDATE download SET temporary = ?, sideFile = ? WHERE id = ?",
        arguments: [record.temporary, record.sideFile, record.id])
      guard $0.changesCount > 0 else {
        throw StoreError(.cancelled, record.path, "its download was removed")
      }
    }
  }

  /// Forgets the files of a download after they were removed.
  func forgetFiles(ofDownload id: Int64) throws(StoreError) {
    try writeOnFullDisk { try DownloadRows.forgetFiles($0, id) }
  }

  /// Removes the side files that no record names: left by a process that died. Best effort.
  func removeUnusedSideFiles() {
    let kept = try? read { try String.fetchSet($0, sql: "SELECT sideFile FROM download WHERE sideFile IS NOT NULL") }
    if let kept { try? layers.removeSideFiles(except: kept) }
  }
}

/// Converts downloads to and from rows.
enum DownloadRows {
  static let createTable = """
    -- AUTOINCREMENT: an id that a user has seen never means another download.
    CREATE TABLE download (
      id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, root BLOB NOT NULL, size INTEGER NOT NULL,
      title TEXT NOT NULL, modified INTEGER NOT NULL, executable INTEGER NOT NULL, path TEXT NOT NULL,
      shared INTEGER NOT NULL, preserves INTEGER NOT NULL, replaces INTEGER NOT NULL, detached INTEGER NOT NULL,
      chosen INTEGER NOT NULL, mask INTEGER, source BLOB, state INTEGER NOT NULL, error TEXT,
      received INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER, temporary TEXT, sideFile TEXT
    ) STRICT;
    CREATE INDEX downloadByContent ON download (root, size);
    """

  private static let values = [
    "key", "root", "size", "title", "modified", "executable", "path", "shared", "preserves", "replaces", "detached",
    "chosen", "mask", "source", "state", "error", "received", "created", "finished", "priority", "sources",
    "prefixDownload", "home",
  ]
  private static let columns = values.joined(separator: ", ") + ", temporary, sideFile"
  static let insert = """
    INSERT INTO download (\(columns)) VALUES (\(values.map { _ in "?, " }.joined())?, ?)
    """
  private static let updateStatement = """
    UPDATE download SET \(values.map { "\($0) = ?" }.joined(separator: ", ")) WHERE id = ?
    """

  static func update(_ database: Database, _ record: DownloadRecord) throws {
    try database.cachedStatement(sql: updateStatement).execute(arguments: arguments(record) + [record.id])
  }

  static func forgetFiles(_ database: Database, _ id: Int64) throws {
    try database.execute(sql: "UPDATE download SET temporary = NULL, sideFile = NULL WHERE id = ?", arguments: [id])
  }

  /// Files that the records still name become temporary files, which the next start removes; their side files have no
  /// record then.
  static func remove(
    _ database: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> Int {
    try database.execute(
      sql: """
        INSERT OR IGNORE INTO temporary (path)
        SELECT temporary FROM download WHERE temporary IS NOT NULL AND \(condition)
        """, arguments: arguments)
    try database.execute(sql: "DELETE FROM download WHERE \(condition)", arguments: arguments)
    return database.changesCount
  }

  /// Without the names of the files.
  static func arguments(_ record: DownloadRecord) -> StatementArguments {
    let document = record.document
    let values: [(any DatabaseValueConvertible)?] = [
      document.key.text, CatalogueRows.blob(document.content.root), document.content.size, document.title.text,
      document.modified.seconds, document.executable, record.path, record.isShared, record.preserves,
      record.replacesFile, record.isDetached, record.isContentChosen, record.mask.map { Int64($0) },
      record.from.map { CatalogueRows.blob($0.digest) }, record.state.rawValue, record.error, record.received,
      record.created.seconds, record.finished?.seconds, record.priority.rawValue,
      DownloadSources.text(of: record.sources), record.prefix, record.home.blob,
    ]
    return StatementArguments(values)
  }

  static func fetch(
    _ database: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [DownloadRecord] {
    let statement = try database.cachedStatement(sql: "SELECT id, \(columns) FROM download WHERE \(condition)")
    var records = [DownloadRecord]()
    let rows = try Row.fetchCursor(statement, arguments: arguments)
    while let row = try rows.next() { records.append(try record(row)) }
    return records
  }

  /// - Throws: `DatabaseError` of `SQLITE_CORRUPT` if a column holds an invalid value.
  private static func record(_ row: Row) throws -> DownloadRecord {
    // `row[0] as Data?` would trap if a damaged row holds another type.
    func value<Value: DatabaseValueConvertible>(_ index: Int) -> Value? { Value.fromDatabaseValue(row[index]) }
    func flag(_ index: Int) -> Bool { value(index) == Int64(1) }
    func optional<Value: DatabaseValueConvertible>(_ index: Int, _ type: Value.Type) -> Value?? {
      let stored: DatabaseValue = row[index]
      return stored.isNull ? .some(nil) : Value.fromDatabaseValue(stored).map(Optional.some)
    }
    guard let id: Int64 = value(0), let key = (value(1) as String?).flatMap({ try? DocumentKey($0) }),
      let content = CatalogueRows.content(root: value(2), size: value(3)),
      let title = (value(4) as String?).flatMap({ try? Title($0) }), let modified: Int64 = value(5),
      let path: String = value(7), let mask = optional(13, Int64.self), let source = optional(14, Data.self),
      let state = (value(15) as Int64?).flatMap(DownloadRecord.State.init(rawValue:)),
      let error = optional(16, String.self), let received: Int64 = value(17), let created: Int64 = value(18),
      let finished = optional(19, Int64.self),
      let priority = (value(20) as Int64?).flatMap(DownloadPriority.init(rawValue:)),
      let sources = optional(21, String.self), let prefix = optional(22, Int64.self),
      let home = (value(23) as Data?).flatMap(Home.init(bytes:)),
      let temporary = optional(24, String.self), let sideFile = optional(25, String.self)
    else { throw invalid }
    let document = Document(
      key: key, title: title, content: content, modified: Timestamp(seconds: modified), executable: flag(6))
    var record = DownloadRecord(document: document, path: path, created: Timestamp(seconds: created))
    record.id = id
    (record.isShared, record.preserves, record.replacesFile) = (flag(8), flag(9), flag(10))
    (record.isDetached, record.isContentChosen) = (flag(11), flag(12))
    (record.state, record.error, record.received, record.priority) = (state, error, received, priority)
    record.finished = finished.map { Timestamp(seconds: $0) }
    record.sources = DownloadSources.read(sources)
    (record.prefix, record.home) = (prefix, home)
    (record.temporary, record.sideFile) = (temporary, sideFile)
    if let mask {
      guard let mask = UInt32(exactly: mask) else { throw invalid }
      record.mask = mask
    }
    if let source {
      guard let digest = Digest(bytes: source) else { throw invalid }
      record.from = PeerID(digest: digest)
    }
    return record
  }

  private static let invalid = DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a download has invalid columns")
}
