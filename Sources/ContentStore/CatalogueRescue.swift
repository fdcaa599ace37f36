// SPDX-License-Identifier: Apache-2.0

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

  private static let tables = ["setting", "temporary", "share", "hashed", "layer", "download"]

  /// - Parameter path: of the new database, which must not exist.
  /// - Returns: the number of shares that were copied.
  /// - Throws: `DatabaseError` if the new database cannot be written.
  static func copy(from damaged: String, to path: String) throws -> Int {
    let new = try DatabaseQueue(path: path)
    try CatalogueSchema.migrator.migrate(new)
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(5)
    // Without a valid first page nothing can be read.
    if let old = try? DatabaseQueue(path: damaged, configuration: configuration) {
      try new.write { new in
        for table in tables {
          let target = try Table(table, new)
          let found = old.unsafeRead { old in target.keys(in: old) }
          for (key, path) in found {
            let row = old.unsafeRead { old in target.row(key, in: old) } ?? path.map { target.share(key, at: $0) }
            if let row { try target.insert(row, into: new) }
          }
        }
      }
    }
    let count = try new.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM share") ?? 0 }
    try new.close()
    return count
  }
}

/// One table of the new database, and how its rows are read from the old one.
private struct Table {
  private let name: String
  private let columns: [String]
  /// The columns of the primary key.
  private let keyColumns: [String]
  private let isShare: Bool
  private let isDownload: Bool

  init(_ name: String, _ database: Database) throws {
    self.name = name
    let information = try database.columns(in: name)
    columns = information.map(\.name)
    keyColumns = information.filter { $0.primaryKeyIndex > 0 }.sorted { $0.primaryKeyIndex < $1.primaryKeyIndex }
      .map(\.name)
    isShare = name == "share"
    isDownload = name == "download"
  }

  // MARK: Reading what is left

  /// - Returns: the keys of all rows that are mentioned anywhere; of shares with the path, if it is known.
  func keys(in old: Database) -> [[DatabaseValue]: DatabaseValue?] {
    var keys: [[DatabaseValue]: DatabaseValue?] = [:]
    let indexes = (try? old.indexes(on: name)) ?? []
    let trees = [("NOT INDEXED", keyColumns)] + indexes.map { ("INDEXED BY \"\($0.name)\"", $0.columns) }
    for (tree, order) in trees {
      for direction in ["ASC", "DESC"] {
        let terms = order.map { "\($0) \(direction)" }.joined(separator: ", ")
        // Only columns that the tree itself holds: others would have to be read from another one.
        let path = isShare && order.contains("path") ? ["path"] : []
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
    let condition = keyColumns.map { "\($0) IS ?" }.joined(separator: " AND ")
    let row = try? Row.fetchOne(
      old, sql: "SELECT * FROM \(name) WHERE \(condition)", arguments: StatementArguments(key))
    guard let row else { return nil }
    return Dictionary(zip(row.columnNames, row.databaseValues)) { first, _ in first }
  }

  /// A share of which only key, content and path are known.
  func share(_ key: [DatabaseValue], at path: DatabaseValue) -> [String: DatabaseValue] {
    var row = Dictionary(zip(keyColumns, key)) { first, _ in first }
    row["path"] = path
    row["title"] = "".databaseValue
    // Its origin is unknown: as a downloaded file it is not published with another content.
    row["origin"] = Share.Origin.downloaded.rawValue.databaseValue
    row["state"] = Share.State.withdrawn.rawValue.databaseValue
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
      if isShare { _ = try CatalogueRows.fetch(new, where: "key = ? AND root = ? AND size = ?", key(of: row)) }
      if isDownload { _ = try DownloadRows.fetch(new, where: "id = ?", key(of: row)) }
    } catch let error as DatabaseError where [.SQLITE_CONSTRAINT, .SQLITE_MISMATCH].contains(error.resultCode) {
      // STRICT tables refuse values of the wrong type.
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT && isShare {
      try new.execute(sql: "DELETE FROM share WHERE key = ? AND root = ? AND size = ?", arguments: key(of: row))
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT && isDownload {
      _ = try DownloadRows.remove(new, where: "id = ?", key(of: row))
    }
  }

  private func key(of row: [String: DatabaseValue]) -> StatementArguments {
    StatementArguments(keyColumns.compactMap { row[$0] })
  }
}
