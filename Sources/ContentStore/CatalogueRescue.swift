// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Glibc

/// Copies every row that can be read from a damaged database into a new one.
///
/// A damaged page hides the rows on it and ends a scan. So the keys of rows are collected by scans of the table and of each
/// of its indexes, from both ends; then each row is read by its key. A share of which only the path is known is copied as
/// withdrawn: it is shared again when its file has been hashed and still has the same content.
package enum CatalogueRescue {
  package struct Outcome: Sendable, Equatable {
    /// Where the damaged database is.
    package let aside: String
    /// The number of shares that were copied; `nil` if an earlier process copied them.
    package let shares: Int?
  }

  private static let tables = [
    "setting", "temporary", "share", "hashed", "layer", "download", "prefixDownload",
  ]

  /// - Parameter path: of the new database, which must not exist.
  /// - Returns: the number of shares that were copied.
  /// - Throws: `DatabaseError` if the new database cannot be written.
  static func copy(from damaged: String, to path: String) throws -> Int {
    let new = try DatabaseQueue(path: path)
    try CatalogueSchema.migrator.migrate(new)
    defer { removeCopy(besides: path) }
    if let old = open(damaged) ?? openWithFirstPage(of: path, damaged, copy: copy(besides: path)) {
      try new.write { new in
        let isBefore = old.unsafeRead(CatalogueFiles.areBefore)
        for table in tables {
          let target = try Table(table, new, isBefore: isBefore)
          let found = old.unsafeRead { old in target.keys(in: old) }
          for (key, path) in found {
            let row = old.unsafeRead { old in target.row(key, in: old) } ?? path.map { target.share(key, at: $0) }
            if let row { try target.insert(row, into: new) }
          }
        }
        // Of a catalogue of the version before, they follow from its other rows.
        if !hasHomes(old) { try old.unsafeRead { old in try CatalogueHomes.fill(new, from: old) } }
      }
    }
    let count = try new.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM share") ?? 0 }
    try new.close()
    return count
  }

  private static func hasHomes(_ database: DatabaseQueue) -> Bool {
    database.unsafeRead { (try? $0.makeStatement(sql: "SELECT audience FROM share")) != nil }
  }

  /// - Returns: `nil` if its schema cannot be read.
  private static func open(_ path: String) -> DatabaseQueue? {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(5)
    // Otherwise SQLite reads nothing of a file that is shorter than its header says.
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA writable_schema = ON") }
    guard let database = try? DatabaseQueue(path: path, configuration: configuration),
      // Not `tableExists`: GRDB traps on a schema with NULL in the place of a name.
      database.unsafeRead({ (try? $0.makeStatement(sql: "SELECT key FROM share")) != nil })
    else { return nil }
    return database
  }

  // MARK: A lost first page

  private static func copy(besides path: String) -> String { "\(path).old" }

  static func removeCopy(besides path: String) {
    for suffix in ["", "-wal", "-shm", before, before + "-journal"] { unlink(copy(besides: path) + suffix) }
  }

  /// An empty database of the version before, beside the copy.
  private static let before = ".before"

  /// The first page has the schema, without which nothing can be read. The statements that make the schema give each table
  /// the same root page in every database, so the first page of a new one leads to the rows of the old one.
  /// - Parameter copy: the path of a copy of the damaged database, which gets the page.
  private static func openWithFirstPage(of new: String, _ damaged: String, copy: String) -> DatabaseQueue? {
    let old = open(damaged, withFirstPageOf: new, copy: copy)
    guard let old, old.unsafeRead(CatalogueFiles.areMisread) else { return old }
    try? old.close()
    guard let before = try? DatabaseQueue(path: copy + before),
      (try? CatalogueSchema.migrator.migrate(before, upTo: CatalogueSchema.versionBefore)) != nil
    else { return nil }
    try? before.close()
    return open(damaged, withFirstPageOf: copy + Self.before, copy: copy)
  }

  private static func open(_ damaged: String, withFirstPageOf new: String, copy: String) -> DatabaseQueue? {
    for suffix in ["", "-wal", "-shm"] { unlink(copy + suffix) }
    let files = FileManager.default
    do {
      try files.copyItem(atPath: damaged, toPath: copy)
      let hasJournal = files.fileExists(atPath: damaged + "-wal")
      if hasJournal { try files.copyItem(atPath: damaged + "-wal", toPath: copy + "-wal") }
      let source = try FileHandle(forReadingFrom: URL(filePath: new))
      defer { try? source.close() }
      guard var page = try source.read(upToCount: pageLength), page.count == pageLength else { return nil }
      // Section 1.3 of the file format. The versions tell whether there is a journal; a version-valid-for number that
      // differs from the change counter makes SQLite ignore the number of pages, which is that of the new database.
      page.replaceSubrange(18..<20, with: hasJournal ? [2, 2] : [1, 1])
      page.replaceSubrange(92..<96, with: [0xFF, 0xFF, 0xFF, 0xFF])
      let target = try FileHandle(forWritingTo: URL(filePath: copy))
      defer { try? target.close() }
      try target.write(contentsOf: page)
    } catch {
      return nil
    }
    return open(copy)
  }

  /// SQLite's default, which every catalogue has.
  private static let pageLength = 4096
}

/// One table of the new database, and how its rows are read from the old one.
private struct Table {
  private let name: String
  private let columns: [String]
  /// The columns of the primary key.
  private let keyColumns: [String]
  /// Its indexes in the new database: those of a damaged schema cannot be listed safely.
  private let indexes: [IndexInfo]
  private let isShare: Bool
  private let isDownload: Bool
  /// That of a share of which only the path is known.
  private let home: Home

  /// - Parameter isBefore: whether the old database is of the version before, whose shares have another key.
  init(_ name: String, _ database: Database, isBefore: Bool) throws {
    self.name = name
    let information = try database.columns(in: name)
    columns = information.map(\.name)
    let key = information.filter { $0.primaryKeyIndex > 0 }.sorted { $0.primaryKeyIndex < $1.primaryKeyIndex }
      .map(\.name)
    isShare = name == "share"
    keyColumns = isShare && isBefore ? key.filter { $0 != "path" } : key
    indexes = try database.indexes(on: name)
    isDownload = name == "download"
    home = try CatalogueHomes.current(database)
  }

  // MARK: Reading what is left

  /// - Returns: the keys of all rows that are mentioned anywhere; of shares with the path, if it is known.
  func keys(in old: Database) -> [[DatabaseValue]: DatabaseValue?] {
    var keys: [[DatabaseValue]: DatabaseValue?] = [:]
    let trees = [("NOT INDEXED", keyColumns)] + indexes.map { ("INDEXED BY \"\($0.name)\"", $0.columns) }
    for (tree, order) in trees {
      for direction in ["ASC", "DESC"] {
        let terms = order.map { "\($0) \(direction)" }.joined(separator: ", ")
        // Only columns that the tree itself holds: others would have to be read from another one.
        let path = isShare && (keyColumns + order).contains("path") ? ["path"] : []
        let selected = (keyColumns + path).joined(separator: ", ")
        let sql = "SELECT \(selected) FROM \(name) \(tree) ORDER BY \(terms)"
        // An error ends this scan only.
        guard let rows = try? Row.fetchCursor(old, sql: sql) else { continue }
        while let row = try? rows.next() {
          let values = Array(row.databaseValues)
          let key = Array(values.prefix(keyColumns.count))
          if !path.isEmpty { keys[key] = values.last } else if keys[key] == nil { keys[key] = .some(nil) }
        }
      }
    }
    return keys
  }

  /// The values of a row by column; `nil` if it cannot be read.
  func row(_ key: [DatabaseValue], in old: Database) -> [String: DatabaseValue]? {
    let row = try? Row.fetchOne(
      old, sql: "SELECT * FROM \(name) WHERE \(hasKey)", arguments: StatementArguments(key))
    guard let row else { return nil }
    return Dictionary(zip(row.columnNames, row.databaseValues)) { first, _ in first }
  }

  private var hasKey: String { keyColumns.map { "\($0) IS ?" }.joined(separator: " AND ") }

  /// A share of which only key, content and path are known.
  func share(_ key: [DatabaseValue], at path: DatabaseValue) -> [String: DatabaseValue] {
    var row = Dictionary(zip(keyColumns, key)) { first, _ in first }
    row["path"] = path
    row["title"] = "".databaseValue
    // Its origin is unknown: as a downloaded file it is not published with another content.
    row["origin"] = Share.Origin.downloaded.rawValue.databaseValue
    row["state"] = Share.State.withdrawn.rawValue.databaseValue
    row["audience"] = Audience(home).blob.databaseValue
    for column in ["modified", "device", "inode", "mtime", "ctime", "fileSize"] { row[column] = 0.databaseValue }
    return row
  }

  // MARK: Writing

  /// Leaves out a row with invalid values. Columns that the old database lacks get their defaults.
  func insert(_ row: [String: DatabaseValue], into new: Database) throws {
    let known = columns.filter { row[$0] != nil }
    let marks = known.map { _ in "?" }.joined(separator: ", ")
    do {
      try new.cachedStatement(
        sql: "INSERT OR REPLACE INTO \(name) (\(known.joined(separator: ", "))) VALUES (\(marks))"
      ).execute(arguments: StatementArguments(known.compactMap { row[$0] }))
      if isShare { _ = try CatalogueRows.fetch(new, where: hasKey, key(of: row)) }
      if isDownload { _ = try DownloadRows.fetch(new, where: "id = ?", key(of: row)) }
    } catch let error as DatabaseError where [.SQLITE_CONSTRAINT, .SQLITE_MISMATCH].contains(error.resultCode) {
      // STRICT tables refuse values of the wrong type.
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT && isShare {
      try new.execute(sql: "DELETE FROM share WHERE \(hasKey)", arguments: key(of: row))
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT && isDownload {
      _ = try DownloadRows.remove(new, where: "id = ?", key(of: row))
    }
  }

  private func key(of row: [String: DatabaseValue]) -> StatementArguments {
    StatementArguments(keyColumns.compactMap { row[$0] })
  }
}
