// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport

/// A file beside the database of a network, which says that a network has begun. Without it, a database that was lost would
/// look like one that has never been: a network without members and bans.
package struct NetworkMark {
  private let database: String

  package init(database: String) {
    self.database = database
  }

  /// Not called like the database and its journal, which are moved together.
  private var path: String { (database.parent.map { $0 + "/" } ?? "") + "begun" }
  /// As it was called before.
  private var oldPath: String { "\(database).begun" }

  private var exists: Bool { Self.exists(path) || Self.exists(oldPath) }

  /// Whether there is anything of a network.
  package var hasNetwork: Bool { exists || Self.exists(database) }

  private var marks: String {
    [path, oldPath].filter(Self.exists).joined(separator: " and ")
  }

  /// How to go on without what was lost.
  package var advice: String {
    "To begin a new network without any members instead, move away \(database) and \(marks)."
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    // What cannot be examined may be there.
    return lstat(path, &status) == 0 || errno != ENOENT
  }

  /// Before the database is opened: SQLite removes what belongs to an empty one.
  /// - Throws: if there should be a database.
  func check() throws(NetworkStoreError) {
    var status = stat()
    if lstat(database, &status) == 0, status.st_mode & S_IFMT != S_IFREG || status.st_size > 0 { return }
    try checkBeginning()
  }

  /// Before the first tables are made.
  func checkBeginning() throws(NetworkStoreError) {
    guard exists else { return }
    throw NetworkStoreError(
      database,
      "is missing or empty, but it had the members of a network: restore your copy of it, after you have removed "
        + "\(database)-wal if there is one. \(advice)")
  }

  /// After the database is durable. The next start makes it again if it is lost.
  func make() throws(NetworkStoreError) {
    if !Self.exists(path) {
      do throws(SystemError) {
        try SmallFile.replace(path, with: Array("The members are in the database beside this file.\n".utf8))
      } catch {
        throw NetworkStoreError(path, "cannot be written: \(error)")
      }
    }
    // Not before there is another one.
    unlink(oldPath)
  }
}
