// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import GRDB

/// Shares and digests to and from rows.
enum CatalogueRows {
  static let columns =
    "key, root, size, title, modified, path, origin, state, device, inode, mtime, ctime, fileSize"

  static let insertShare = """
    INSERT INTO share (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key, root, size) DO UPDATE SET
      title = excluded.title, modified = excluded.modified, path = excluded.path, origin = excluded.origin,
      state = excluded.state, device = excluded.device, inode = excluded.inode, mtime = excluded.mtime,
      ctime = excluded.ctime, fileSize = excluded.fileSize
    """

  static func arguments(_ share: Share) -> StatementArguments {
    let mark = share.fingerprint
    return [
      share.key.text, blob(share.content.root), share.content.size, share.title.text, share.modified.seconds,
      share.path, share.origin.rawValue, share.state.rawValue, Int64(bitPattern: mark.device),
      Int64(bitPattern: mark.inode), mark.modified, mark.changed, mark.size,
    ]
  }

  /// - Throws: `DatabaseError` of `SQLITE_CORRUPT` where a column holds what we never wrote.
  static func share(_ row: Row) throws -> Share {
    guard
      let key = (row[0] as String?).flatMap({ try? DocumentKey($0) }),
      let content = content(root: row[1], size: row[2]),
      let title = (row[3] as String?).flatMap({ try? Title($0) }),
      let modified = row[4] as Int64?, let path = row[5] as String?,
      let origin = (row[6] as Int64?).flatMap(Share.Origin.init(rawValue:)),
      let state = (row[7] as Int64?).flatMap(Share.State.init(rawValue:)),
      let device = row[8] as Int64?, let inode = row[9] as Int64?, let mtime = row[10] as Int64?,
      let ctime = row[11] as Int64?, let fileSize = row[12] as Int64?
    else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a share holds what was never written") }
    let fingerprint = FileFingerprint(
      device: UInt64(bitPattern: device), inode: UInt64(bitPattern: inode), size: fileSize, modified: mtime,
      changed: ctime)
    return Share(
      document: Document(key: key, title: title, content: content, modified: Timestamp(seconds: modified)),
      path: path, origin: origin, state: state, fingerprint: fingerprint)
  }

  static func content(root: Data?, size: Int64?) -> Content? {
    guard let root, let size, let digest = Digest(bytes: root) else { return nil }
    return Content(root: digest, size: size)
  }

  static func blob(_ digest: Digest) -> Data { Data(digest.bytes) }

  static func fetch(_ database: Database, where condition: String, _ arguments: StatementArguments) throws -> [Share] {
    var shares = [Share]()
    try forEach(database, where: condition, arguments) { shares.append($0) }
    return shares
  }

  static func forEach(
    _ database: Database, where condition: String, _ arguments: StatementArguments, _ body: (Share) -> Void
  ) throws {
    let statement = try database.cachedStatement(sql: "SELECT \(columns) FROM share WHERE \(condition)")
    let rows = try Row.fetchCursor(statement, arguments: arguments)
    while let row = try rows.next() { body(try share(row)) }
  }
}
