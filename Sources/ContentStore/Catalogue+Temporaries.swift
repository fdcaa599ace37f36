// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc

/// Files in the making: recorded before they are created, so that what a crash leaves behind is found again, and
/// nothing else is ever taken for it.
extension Catalogue {
  /// Durable on return: create the file only then.
  package func recordTemporary(_ path: String) throws(StoreError) {
    try write { try $0.execute(sql: "INSERT OR REPLACE INTO temporary (path) VALUES (?)", arguments: [path]) }
  }

  /// After the file was removed, or got its final name.
  package func forgetTemporary(_ path: String) throws(StoreError) {
    try write { try Self.forget($0, temporary: path) }
  }

  package func leftovers() throws(StoreError) -> [String] {
    try read { try String.fetchAll($0, sql: "SELECT path FROM temporary ORDER BY path") }
  }

  /// Removes the recorded files, and only those; at start, before there are new ones. A record whose file cannot be
  /// removed now (its disk is not there, say) is kept for the next start.
  /// - Returns: the paths that were removed.
  @discardableResult
  package func removeLeftovers() throws(StoreError) -> [String] {
    var removed = [String]()
    for path in try leftovers() {
      var status = stat()
      if lstat(path, &status) == 0 {
        // Only what we can have made: our own regular file.
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
