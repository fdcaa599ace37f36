// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Glibc
import POSIXSupport

/// Why the database of a network cannot be used. Its members are unknown then, so nobody is let in.
package struct NetworkStoreError: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  package let reason: String

  package init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }

  package var description: String { "\(path) \(reason)" }
}

/// A SQLite database for one thread at a time. What a transaction has written survives kill -9 and a power failure.
final class Database {
  enum Value: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
  }

  let path: String
  private let handle: OpaquePointer
  private var place: DatabasePlace

  /// Opens or creates the file, readable for its owner only.
  init(path: String) throws(NetworkStoreError) {
    try Self.create(path)
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX
    let status = sqlite3_open_v2(path, &handle, flags, nil)
    guard status == SQLITE_OK, let handle else {
      let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory"
      sqlite3_close_v2(handle)
      throw NetworkStoreError(path, "cannot be opened: \(reason)")
    }
    self.path = path
    self.handle = handle
    place = DatabasePlace(path)
    sqlite3_extended_result_codes(handle, 1)
    // No other process may write the same state. FULL: WAL alone would keep the database intact but lose the last commits.
    try execute("PRAGMA locking_mode = EXCLUSIVE")
    try execute("PRAGMA journal_mode = WAL")
    try execute("PRAGMA synchronous = FULL")
  }

  deinit { sqlite3_close_v2(handle) }

  /// SQLite would create the file with the permissions that the creation mask leaves.
  private static func create(_ path: String) throws(NetworkStoreError) {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else {
      throw NetworkStoreError(path, errno == ELOOP ? "is a symbolic link" : "cannot be opened: \(SystemError(errno))")
    }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw NetworkStoreError(path, "is not a regular file")
    }
    guard status.st_uid == geteuid() else {
      throw NetworkStoreError(
        path, "belongs to user \(status.st_uid), not to the user \(geteuid()) that runs this process")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw NetworkStoreError(path, "can be read by others: type chmod 600 '\(path)'")
    }
  }

  // MARK: Statements

  func execute(_ sql: StaticString, _ values: [Value] = []) throws(NetworkStoreError) {
    try query(sql, values) { _ throws(NetworkStoreError) in }
  }

  /// A number that the file keeps. PRAGMA takes no parameters.
  func setVersion(_ version: Int) throws(NetworkStoreError) {
    try run("PRAGMA user_version = \(version)", []) { _ throws(NetworkStoreError) in }
  }

  /// Hands each row to `body`.
  func query(
    _ sql: StaticString, _ values: [Value] = [], _ body: ([Value]) throws(NetworkStoreError) -> Void
  ) throws(NetworkStoreError) {
    try run("\(sql)", values, body)
  }

  private func run(
    _ sql: String, _ values: [Value], _ body: ([Value]) throws(NetworkStoreError) -> Void
  ) throws(NetworkStoreError) {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { throw failure() }
    defer { sqlite3_finalize(statement) }
    for (index, value) in values.enumerated() {
      guard Self.bind(value, to: statement, Int32(index + 1)) == SQLITE_OK else { throw failure() }
    }
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: try body((0..<sqlite3_column_count(statement)).map { Self.column(statement, $0) })
      case SQLITE_DONE: return
      default: throw failure()
      }
    }
  }

  /// Either all of `body` is durable when this returns, or nothing of it.
  /// - Throws: also if another file or none is at the path: the next start would not find what was written.
  func transaction(_ body: (Database) throws(NetworkStoreError) -> Void) throws(NetworkStoreError) {
    if let replaced = place.findReplaced() {
      throw NetworkStoreError(
        replaced,
        "was removed or replaced while the index runs, so nothing can be recorded: put the state directory back, "
          + "then restart the index")
    }
    try execute("BEGIN IMMEDIATE")
    do throws(NetworkStoreError) {
      try body(self)
      try execute("COMMIT")
      // Now there is a journal.
      _ = place.findReplaced()
    } catch {
      // After some failures there is no transaction any more.
      try? execute("ROLLBACK")
      throw error
    }
  }

  private func failure() -> NetworkStoreError {
    let message = String(cString: sqlite3_errmsg(handle))
    switch sqlite3_errcode(handle) {
    case SQLITE_BUSY, SQLITE_LOCKED:
      return NetworkStoreError(path, "is used by another process: end the other index")
    case SQLITE_CORRUPT, SQLITE_NOTADB:
      return NetworkStoreError(
        path, "is damaged (\(message)): restore your copy, or move it away and invite the members again")
    case SQLITE_FULL:
      return NetworkStoreError(path, "cannot be written, because its disk is full: free some space there, then retry")
    default:
      return NetworkStoreError(path, "cannot be used: \(message)")
    }
  }

  /// SQLITE_TRANSIENT: SQLite copies the bytes.
  private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

  private static func bind(_ value: Value, to statement: OpaquePointer?, _ index: Int32) -> Int32 {
    switch value {
    case .null: sqlite3_bind_null(statement, index)
    case .integer(let integer): sqlite3_bind_int64(statement, index, integer)
    case .text(let text): sqlite3_bind_text(statement, index, text, Int32(clamping: text.utf8.count), copied)
    case .bytes(let bytes):
      // An empty array has no address, which would bind NULL.
      bytes.isEmpty
        ? sqlite3_bind_zeroblob(statement, index, 0)
        : sqlite3_bind_blob(statement, index, bytes, Int32(clamping: bytes.count), copied)
    }
  }

  private static func column(_ statement: OpaquePointer?, _ index: Int32) -> Value {
    let count = { Int(sqlite3_column_bytes(statement, index)) }
    switch sqlite3_column_type(statement, index) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
    case SQLITE_TEXT:
      guard let text = sqlite3_column_text(statement, index) else { return .null }
      return .text(String(decoding: UnsafeBufferPointer(start: text, count: count()), as: UTF8.self))
    case SQLITE_BLOB:
      guard let blob = sqlite3_column_blob(statement, index) else { return .bytes([]) }
      return .bytes(Array(UnsafeRawBufferPointer(start: blob, count: count())))
    default: return .null
    }
  }
}
