// SPDX-License-Identifier: Apache-2.0

/// Which files a SQLite database and its journal were when it was opened: what is written to others is lost with the next
/// start.
package struct DatabasePlace: Sendable {
  private let path: String
  private let database: FileIdentity?
  /// As soon as there is one; SQLite keeps it until the database is closed.
  private var journal: FileIdentity?

  /// Call it when the database has just been opened.
  package init(_ path: String) {
    self.path = path
    database = FileIdentity(path: path)
  }

  /// The path of a file that was removed or replaced; `nil` if all is well.
  package mutating func findReplaced() -> String? {
    guard FileIdentity(path: path) == database else { return path }
    let found = FileIdentity(path: path + "-wal")
    if journal == nil { journal = found }
    return journal == found ? nil : path + "-wal"
  }
}
