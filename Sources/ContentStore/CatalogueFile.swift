// SPDX-License-Identifier: Apache-2.0

import GRDB
import Glibc

/// Opening the database file: made where there is none, migrated where it is old, moved aside where it is broken.
///
/// Looking through a whole database takes time in proportion to it, so a start does so only where there is suspicion: a
/// mark beside the file, left by whoever met damage in it.
struct CatalogueFile: Sendable {
  /// Connections that look things up. One more writes.
  private static let readers = 4
  /// Pages that a connection keeps in memory, in KiB: the whole pool keeps 4 MiB at most, however large the file is. A look
  /// at the whole of it would else fill every connection with 2 MiB (SQLite's own choice); what is read again at once comes
  /// from the system's page cache anyway.
  private static let readerCache = 512
  /// Large transactions are quicker with more.
  private static let writerCache = 2048

  let path: String

  private var mark: String { "\(path).suspect" }

  /// - Returns: the open database, and where a broken one was moved to.
  func open() throws(StoreError) -> (DatabasePool, movedAside: String?) {
    do {
      return (try connect(), nil)
    } catch let error where error.code == .catalogueDamaged {
      let aside = try moveAside()
      unlink(mark)
      return (try connect(), aside)
    }
  }

  /// Has the next start look through all of it. Best effort: a disk that takes no mark will be met again.
  func suspect() {
    let descriptor = Glibc.open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Looks through all pages, and reads every share: SQLite keeps no checksums, so a flipped bit inside a value leaves
  /// the pages in order and a row that nobody can read.
  /// - Throws: `DatabaseError` of `SQLITE_CORRUPT`.
  static func check(_ database: Database) throws {
    let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
    guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
    try CatalogueRows.forEach(database, where: "true", []) { _ in }
  }

  private func connect() throws(StoreError) -> DatabasePool {
    do {
      var configuration = Configuration()
      configuration.maximumReaderCount = Self.readers
      configuration.busyMode = .timeout(5)
      configuration.prepareDatabase { database in
        let cache = database.configuration.readonly ? Self.readerCache : Self.writerCache
        // Negative means KiB, positive would mean pages.
        try database.execute(sql: "PRAGMA cache_size = -\(cache)")
      }
      let pool = try DatabasePool(path: path, configuration: configuration)
      try pool.writeWithoutTransaction { database in
        // The pool chooses NORMAL for itself, which keeps the database whole but may lose the last commits.
        try database.execute(sql: "PRAGMA synchronous = FULL")
      }
      try migrate(pool)
      if access(mark, F_OK) == 0 { try pool.read(Self.check) }
      unlink(mark)
      return pool
    } catch {
      throw Self.storeError(error, path: path)
    }
  }

  private func migrate(_ pool: DatabasePool) throws {
    let migrator = CatalogueSchema.migrator
    guard try !pool.read(migrator.hasBeenSuperseded) else {
      throw StoreError(
        .catalogueFailed, path, "was written by a newer version of this program: run that one, or move the file away")
    }
    try migrator.migrate(pool)
  }

  /// The journal goes along: without its database it is nothing, and a new database must not find it.
  private func moveAside() throws(StoreError) -> String {
    var number = 1
    while access("\(path).damaged-\(number)", F_OK) == 0 { number += 1 }
    let aside = "\(path).damaged-\(number)"
    for suffix in ["-wal", "-shm", ""] {
      guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else { throw .writing(path, errno) }
    }
    return aside
  }

  static func storeError(_ error: any Error, path: String) -> StoreError {
    switch error {
    case let error as StoreError: return error
    case let error as DatabaseError:
      if let limit = sizeLimit(met: error, path: path) {
        return StoreError(.noSpace, path, "a file of this process may have at most \(limit) bytes (RLIMIT_FSIZE)")
      }
      let code: StoreError.Code =
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .catalogueDamaged
        case .SQLITE_FULL: .noSpace
        case .SQLITE_IOERR: .inputOutput
        case .SQLITE_INTERRUPT, .SQLITE_ABORT: .cancelled
        default: .catalogueFailed
        }
      return StoreError(code, path, error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")
    default: return StoreError(.catalogueFailed, path, "\(error)")
    }
  }

  /// SQLite tells no EFBIG from a failing device, so the sizes are looked at: beyond the limit of this process on the size
  /// of files (getrlimit(2)) there is as little room as on a full disk.
  /// - Returns: the limit in bytes, `nil` where this is not what happened.
  private static func sizeLimit(met error: DatabaseError, path: String) -> UInt64? {
    let writing: [ResultCode] = [.SQLITE_IOERR_WRITE, .SQLITE_IOERR_TRUNCATE, .SQLITE_IOERR_SHMSIZE]
    guard writing.contains(error.extendedResultCode) else { return nil }
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { return nil }
    let isMet = ["", "-wal", "-shm"].contains { suffix in
      var status = stat()
      guard stat(path + suffix, &status) == 0, let size = UInt64(exactly: status.st_size) else { return false }
      return size.addingReportingOverflow(longestWrite).partialValue > limit.rlim_cur
    }
    return isMet ? UInt64(limit.rlim_cur) : nil
  }

  /// What SQLite writes or appends at a time, in bytes: a page, or a part of the index of the journal.
  private static let longestWrite: UInt64 = 64 * 1024
}
