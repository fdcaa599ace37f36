// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc

/// Named values that a peer stores beside its shares.
extension Catalogue {
  package func setting(_ name: String) throws(StoreError) -> String? {
    try read { try Self.setting($0, name) }
  }

  static func setting(_ database: Database, _ name: String) throws -> String? {
    try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
  }

  /// Those of these names that are set.
  package func settings(_ names: [String]) throws(StoreError) -> [String: String?] {
    try read { database in
      try names.reduce(into: [:]) { values, name in
        values[name] = .some(try Self.setting(database, name))
      }
    }
  }

  /// Sets several values at once. Durable on return. `nil` removes a value.
  package func set(_ values: [String: String?]) throws(StoreError) {
    try write { database in
      for (name, value) in values { try Self.set(database, name, to: value) }
    }
  }

  /// Durable on return. `nil` removes the value.
  package func set(_ name: String, to value: String?) throws(StoreError) {
    try write { try Self.set($0, name, to: value) }
  }

  static func set(_ database: Database, _ name: String, to value: String?) throws {
    if let value {
      try database.execute(
        sql: "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", arguments: [name, value])
    } else {
      try database.execute(sql: "DELETE FROM setting WHERE name = ?", arguments: [name])
    }
  }
}

/// Temporary files: recorded before they are created, so that the next start finds the leftovers of a crash and removes
/// nothing else.
extension Catalogue {
  /// Durable on return. Create the file after this call, not before.
  package func recordTemporary(_ path: String) throws(StoreError) {
    try write { try $0.execute(sql: "INSERT OR REPLACE INTO temporary (path) VALUES (?)", arguments: [path]) }
  }

  /// Call it after the file was removed or renamed to its final name.
  package func forgetTemporary(_ path: String) throws(StoreError) {
    try write { try Self.forget($0, temporary: path) }
  }

  package func leftovers() throws(StoreError) -> [String] {
    try read { try String.fetchAll($0, sql: "SELECT path FROM temporary ORDER BY path") }
  }

  /// Files that are written now, or by a download that has not ended: what they have may belong to another network.
  package func unfinishedFiles() throws(StoreError) -> Set<String> {
    try read { database in
      try String.fetchSet(
        database,
        sql: "SELECT path FROM temporary UNION SELECT temporary FROM download WHERE temporary IS NOT NULL")
    }
  }

  /// Removes the recorded files and no others. Call it at start, before new files are recorded. A record whose file
  /// cannot be removed, for example on a disk that is not mounted, is kept for the next start.
  /// - Returns: the paths that were removed.
  @discardableResult
  package func removeLeftovers() throws(StoreError) -> [String] {
    var removed = [String]()
    for path in try leftovers() {
      var status = stat()
      if lstat(path, &status) == 0 {
        // This process creates regular files of its own user only.
        if status.st_mode & S_IFMT == S_IFREG && status.st_uid == geteuid() {
          guard unlink(path) == 0 else { continue }
          removed.append(path)
        }
      } else if errno != ENOENT && errno != ENOTDIR {
        continue
      }
      try forgetTemporary(path)
    }
    return removed
  }

  static func forget(_ database: Database, temporary path: String) throws {
    try database.cachedStatement(sql: "DELETE FROM temporary WHERE path = ?").execute(arguments: [path])
  }
}
