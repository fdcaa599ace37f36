// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Foundation
import GRDB
import TestSupport
import Testing

/// A directory of its own for one test, gone with it.
final class Workspace: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  var state: String { path + "/state" }

  func catalogue() throws -> Catalogue { try Catalogue(directory: state) }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = "\(path)/\(name)"
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  func names(in directory: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(directory)").sorted()
  }
}

extension Workspace {
  /// A catalogue with random leaves of a content whose file never existed.
  func stored(blocks: Int64, seed: UInt64 = 1) throws -> (catalogue: Catalogue, content: Content) {
    let catalogue = try catalogue()
    return (catalogue, try store(blocks: blocks, seed: seed, in: catalogue))
  }

  func store(blocks: Int64, seed: UInt64, in catalogue: Catalogue) throws -> Content {
    var random = SeededGenerator(seed: seed)
    let draft = try catalogue.layers.draft(size: blocks * PieceGeometry.blockLength)
    var first: Int64 = 0
    while first < blocks {
      let count = min(700, blocks - first)
      try draft.put(random.bytes(Int(count) * 32), from: first)
      first += count
    }
    let layer = try draft.finish()
    let fingerprint = FileFingerprint(device: 1, inode: seed, size: layer.content.size, modified: 1, changed: 1)
    try catalogue.remember([HashedFile(path: "/none", layer: layer, fingerprint: fingerprint, isRacy: false)])
    return layer.content
  }

  /// Changes bytes of a file.
  func flip(_ path: String, at offset: UInt64, count: Int = 1) throws {
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    defer { try? handle.close() }
    try handle.seek(toOffset: offset)
    let old = try #require(try handle.read(upToCount: count))
    try handle.seek(toOffset: offset)
    try handle.write(contentsOf: Data(old.map { $0 ^ 0x5A }))
  }

  /// Changes the catalogue's database as another program would.
  func withDatabase(_ body: (Database) throws -> Void) throws {
    let queue = try DatabaseQueue(path: state + "/catalogue.sqlite")
    try queue.writeWithoutTransaction(body)
    try queue.close()
  }

  /// Makes the catalogue what the version before would have made of it: without the files that have a document besides the
  /// first one. Tables keep their places in the file.
  func makeSharesOfDocuments() throws {
    let columns = """
      key, root, size, title, modified, path, origin, state, device, inode, mtime, ctime, fileSize, permissions, audience
      """
    let table = """
      CREATE TABLE share (
        key TEXT NOT NULL, root BLOB NOT NULL, size INTEGER NOT NULL, title TEXT NOT NULL, modified INTEGER NOT NULL,
        path TEXT NOT NULL, origin INTEGER NOT NULL, state INTEGER NOT NULL, device INTEGER NOT NULL,
        inode INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, fileSize INTEGER NOT NULL,
        permissions INTEGER NOT NULL DEFAULT 420, audience BLOB NOT NULL DEFAULT X'', PRIMARY KEY (key, root, size)
      ) STRICT, WITHOUT ROWID
      """
    try withDatabase { database in
      try database.execute(
        sql: """
          BEGIN;
          CREATE TEMP TABLE moved AS SELECT * FROM share ORDER BY key, root, size, path;
          DELETE FROM share;
          PRAGMA writable_schema = ON;
          UPDATE sqlite_schema SET sql = '\(table.replacing("'", with: "''"))' WHERE name = 'share';
          UPDATE sqlite_schema SET sql = 'CREATE INDEX shareByPath ON share (path)' WHERE name = 'shareByPath';
          PRAGMA writable_schema = RESET;
          INSERT OR IGNORE INTO share (\(columns)) SELECT \(columns) FROM moved;
          DROP TABLE moved;
          DELETE FROM grdb_migrations WHERE identifier LIKE '8 %';
          COMMIT;
          """)
    }
  }
}

/// The first bytes of a fixed sequence, `31 * i + i / 256` each; the fixed roots of the tests are those of its
/// beginnings. It repeats after 64 KiB.
func pattern(_ count: Int) -> [UInt8] {
  var bytes = [UInt8]()
  bytes.reserveCapacity(count)
  while bytes.count < count { bytes.append(contentsOf: patternPeriod.prefix(count - bytes.count)) }
  return bytes
}

private let patternPeriod = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 * 31 + $0 >> 8) }

func code(_ body: () throws -> some Any) -> StoreError.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? StoreError)?.code
  }
}

func key(_ text: String) -> DocumentKey {
  (try? DocumentKey(text)) ?? DocumentKey(rfc: 0)
}

func share(_ file: HashedFile, as name: String, origin: Share.Origin = .added) -> Share {
  Share(
    document: Document(
      key: key(name), title: Title(normalizing: name), content: file.content, modified: Timestamp(seconds: 1)),
    path: file.path, origin: origin, fingerprint: file.fingerprint)
}

/// One of several closed networks.
func closedNetwork(_ number: UInt8) throws -> Home {
  .closed(PeerID(digest: try #require(Digest(bytes: [UInt8](repeating: number, count: 32)))))
}
