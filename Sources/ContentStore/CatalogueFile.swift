// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import GRDB
import Glibc
import POSIXSupport
import Synchronization

/// Opens the database file: creates it if missing, migrates an old one, replaces a damaged one by a new one with every row
/// that can be read, and keeps the damaged one beside it.
///
/// Checking a whole database takes time in proportion to its size, so a start does it only if a mark file beside the
/// database says that the last run met damage.
struct CatalogueFile: Sendable {
  /// Number of reading connections. One more writes.
  private static let readers = 4
  /// Page cache of a reading connection in KiB; the whole pool keeps at most 4 MiB. With SQLite's default a check of the
  /// whole database would fill 2 MiB per connection, although the system's page cache holds the same pages.
  private static let readerCache = 512
  /// Page cache of the writing connection in KiB; large transactions are faster with more.
  private static let writerCache = 2048

  let path: String
  let place = CataloguePlace()

  private var mark: String { "\(path).suspect" }
  /// The new database while rows are copied into it.
  private var unfinished: String { "\(path).rescuing" }
  /// The new database, complete; it only has to get its name.
  private var rescued: String { "\(path).rescued" }

  /// - Returns: the open database, and what happened to a damaged one.
  func open() throws(StoreError) -> (DatabasePool, rescue: CatalogueRescue.Outcome?) {
    // A process that was killed in between has left a complete database.
    let interrupted = access(rescued, F_OK) == 0 ? try replaceDamaged() : nil
    do {
      return (try connect(), interrupted.map { .init(aside: $0, shares: nil) })
    } catch let error where error.code == .catalogueDamaged {
      let shares = try rescue()
      let aside = try replaceDamaged()
      unlink(mark)
      return (try connect(), .init(aside: aside, shares: shares))
    }
  }

  private func rescue() throws(StoreError) -> Int {
    for suffix in ["", "-journal", "-wal", "-shm"] { unlink(unfinished + suffix) }
    CatalogueRescue.removeCopy(besides: unfinished)
    let count: Int
    do {
      count = try CatalogueRescue.copy(from: path, to: unfinished)
    } catch {
      throw Self.storeError(error, path: unfinished)
    }
    guard rename(unfinished, rescued) == 0 else { throw .writing(rescued, errno) }
    return count
  }

  /// Keeps the damaged database with its journal beside the new one, which then takes its name. Each step can be repeated.
  private func replaceDamaged() throws(StoreError) -> String {
    let aside = freeName()
    // Not every file system has hard links.
    let isKept = link(path, aside) == 0 || errno == EEXIST || errno == ENOENT
    // The new database must not find the old one's journal.
    for suffix in ["-wal", "-shm"] {
      guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else { throw .writing(path, errno) }
    }
    guard isKept || rename(path, aside) == 0, rename(rescued, path) == 0 else { throw .writing(path, errno) }
    return aside
  }

  /// A name that is free, or belongs to the damaged database already.
  private func freeName() -> String {
    let damaged = FileIdentity(path: path)
    var number = 1
    var status = stat()
    while lstat("\(path).damaged-\(number)", &status) == 0, FileIdentity(status) != damaged { number += 1 }
    return "\(path).damaged-\(number)"
  }

  /// Makes the next start check the whole database. Best effort: without the mark, later calls meet the damage again.
  func suspect() {
    let descriptor = Glibc.open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Checks all pages and decodes every share and download: SQLite has no checksums, so a flipped bit inside a value leaves valid pages
  /// with an invalid row.
  /// - Throws: `DatabaseError` of `SQLITE_CORRUPT`.
  static func check(_ database: Database) throws {
    let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
    guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
    try CatalogueRows.forEach(database, where: "true", []) { _ in }
    _ = try DownloadRows.fetch(database, where: "true", [])
  }

  /// GRDB traps on NULL in the place of a name, which SQLite lets pass.
  private static func checkSchema(_ database: Database) throws {
    let isDamaged = try Bool.fetchOne(
      database,
      sql: """
        SELECT 1 FROM sqlite_master
        WHERE typeof(type) <> 'text' OR typeof(name) <> 'text' OR typeof(tbl_name) <> 'text' LIMIT 1
        """)
    if isDamaged == true { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the schema has invalid columns") }
  }

  /// SQLite would follow a link and wait for a FIFO.
  private func checkKind() throws(StoreError) {
    for suffix in ["", "-wal", "-shm"] {
      var status = stat()
      guard lstat(path + suffix, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { continue }
      throw StoreError(
        .catalogueFailed, path + suffix, "is not a regular file: move it away, then restart this peer")
    }
  }

  private func connect() throws(StoreError) -> DatabasePool {
    try checkKind()
    do {
      var configuration = Configuration()
      configuration.maximumReaderCount = Self.readers
      configuration.busyMode = .timeout(5)
      configuration.prepareDatabase { [path, place] database in
        // Connections that read are opened when they are first needed, by the path and for as long as the process runs.
        if database.configuration.readonly { try place.check() } else { place.opened(path) }
        let cache = database.configuration.readonly ? Self.readerCache : Self.writerCache
        // Negative values are KiB, positive ones are pages.
        try database.execute(sql: "PRAGMA cache_size = -\(cache)")
      }
      let pool = try DatabasePool(path: path, configuration: configuration)
      try pool.writeWithoutTransaction { database in
        // The pool's default, NORMAL, keeps the database intact but may lose the last commits.
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
    try pool.read(Self.checkSchema)
    let migrator = CatalogueSchema.migrator
    guard try !pool.read(migrator.hasBeenSuperseded) else {
      throw StoreError(
        .catalogueFailed, path, "was written by a newer version of this program: run that one, or move the file away")
    }
    guard try !pool.read(migrator.hasCompletedMigrations) else { return }
    do {
      try migrator.migrate(pool)
      // The mark of a catalogue must be in the file itself, not only in its journal.
      _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    } catch let error as DatabaseError where Self.isFull(error, path: path) {
      var status = stat()
      let size = stat(path, &status) == 0 ? Int64(status.st_size) : 0
      // New tables stand beside the old ones: in the journal, then in the database.
      throw StoreError.full(path, need: size + size + Self.transactionSpace)
    }
  }

  /// Damaged databases that are kept beside it, sorted.
  var putAside: [String] {
    guard let directory = path.parent else { return [] }
    let prefix = Array("\(path.afterLastSlash).damaged-".utf8)
    let names = try? DirectoryNames.read(directory, max: 100) { name -> String? in
      // Without their journals.
      guard name.starts(with: prefix), name.dropFirst(prefix.count).allSatisfy({ (0x30...0x39).contains($0) }) else {
        return nil
      }
      return "\(directory)/\(String(decoding: name, as: UTF8.self))"
    }
    return (names ?? []).sorted()
  }

  static func storeError(_ error: any Error, path: String) -> StoreError {
    switch error {
    case let error as StoreError: return error
    case let error as DatabaseError:
      if let limit = sizeLimit(met: error, path: path) {
        return StoreError(.noSpace, path, "a file of this process may have at most \(limit) bytes (RLIMIT_FSIZE)")
      }
      if isFull(error, path: path) { return .full(path, need: transactionSpace) }
      let code: StoreError.Code =
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .catalogueDamaged
        case .SQLITE_IOERR: .inputOutput
        case .SQLITE_INTERRUPT, .SQLITE_ABORT: .cancelled
        default: .catalogueFailed
        }
      guard code != .catalogueDamaged else { return .damagedCatalogue(path) }
      return StoreError(code, path, error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")
    default: return StoreError(.catalogueFailed, path, "\(error)")
    }
  }

  /// SQLite reports EFBIG like a failing device, so this compares the file sizes with the limit of this process
  /// (RLIMIT_FSIZE in getrlimit(2)).
  /// - Returns: the limit in bytes; `nil` if it was not reached.
  private static func sizeLimit(met error: DatabaseError, path: String) -> UInt64? {
    guard writing.contains(error.extendedResultCode) else { return nil }
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { return nil }
    let isMet = ["", "-wal", "-shm"].contains { suffix in
      var status = stat()
      guard stat(path + suffix, &status) == 0, let size = UInt64(exactly: status.st_size) else { return false }
      return size.addingReportingOverflow(maxWrite).partialValue > limit.rlim_cur
    }
    return isMet ? UInt64(limit.rlim_cur) : nil
  }

  /// SQLite reports a full disk like a failing device where the journal's index must grow.
  private static func isFull(_ error: DatabaseError, path: String) -> Bool {
    if error.resultCode == .SQLITE_FULL { return true }
    return writing.contains(error.extendedResultCode) && FreeSpace.at(path).map { $0 < maxWrite } ?? false
  }

  private static let writing: [ResultCode] = [.SQLITE_IOERR_WRITE, .SQLITE_IOERR_TRUNCATE, .SQLITE_IOERR_SHMSIZE]
  /// The most bytes that SQLite writes at once: a page, or a part of the journal's index.
  private static let maxWrite: UInt64 = 64 * 1024
  /// Bytes that a change of the catalogue may need: the journal of a large transaction.
  private static let transactionSpace: Int64 = 4 << 20
}

/// Where the database is while it is open. Safe to use from any thread.
final class CataloguePlace: Sendable {
  private let place = Mutex<DatabasePlace?>(nil)

  func opened(_ path: String) {
    place.withLock { $0 = DatabasePlace(path) }
  }

  func closed() {
    place.withLock { $0 = nil }
  }

  /// - Throws: `.catalogueFailed` if another file or none is at the path, so that changes would go into a file that the
  ///   next start does not find, and what is read there would be another catalogue's.
  func check() throws(StoreError) {
    guard let replaced = place.withLock({ $0?.findReplaced() }) else { return }
    throw StoreError(
      .catalogueFailed, replaced,
      "was removed or replaced while this peer runs, so nothing can be recorded. "
        + "Put the state directory back, then restart this peer")
  }
}

/// Admits one process to a state directory. Ends with `release` or with the process.
final class StateLock: Sendable {
  private let lock: FileLock

  /// - Throws: `.catalogueInUse` if another process has it.
  init(directory: String) throws(StoreError) {
    let path = "\(directory)/lock"
    do throws(SystemError) {
      lock = try FileLock(path)
    } catch {
      var status = stat()
      if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
        throw StoreError(.catalogueFailed, path, "is not a regular file: move it away, then restart this peer")
      }
      guard error.code == EWOULDBLOCK else { throw .writing(path, error.code) }
      throw StoreError(.catalogueInUse, directory, "another peer runs with this state")
    }
  }

  /// Lets another process in before this one ends.
  func release() { lock.release() }
}
