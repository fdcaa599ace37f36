// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
import GRDB
import Glibc
import Synchronization

/// A peer's durable list of what it shares, with all that is known of its files. One process at a time uses it.
///
/// Synchronous and safe to call from any thread but an event loop. What a call has written survives kill -9 and a
/// power cut when it returns: a commit is flushed to the device (`synchronous = FULL`; WAL alone would keep the
/// database whole and lose the last commits).
package final class Catalogue: Sendable {
  /// Where a broken database was moved to at this start: what was shared is to be added again. Tell the user.
  package let movedAside: String?
  /// Where leaves go while a file is hashed or fetched.
  package let layers: LayerStore

  private let file: CatalogueFile
  private let pool: DatabasePool
  private let lock: StateLock
  private let damaged: @Sendable () -> Void
  private let trees = Mutex(RecentTrees(limit: 64, memoryLimit: 4 << 20))
  /// Held from keeping a layer to committing the share that needs it, and while unused layers are removed.
  private let keeping = Mutex<Void>(())
  /// Bytes of layers and hashes that may be left without a share since the last collection.
  private let released = Mutex<Int64>(0)

  /// Opens or makes `catalogue.sqlite` in a directory of this peer's own, which is made where it is missing (not its
  /// parents). A database that is known to be broken is moved aside, see `movedAside`; `inspect` finds out.
  /// - Parameter damaged: called whenever a call meets damage and throws `.catalogueDamaged`. Only a new start helps: it
  ///   looks through the whole database, and moves it aside if need be.
  /// - Throws: `.catalogueInUse` where another process has it; `.catalogueFailed` for one made by a newer version.
  package init(directory: String, damaged: @escaping @Sendable () -> Void = {}) throws(StoreError) {
    self.damaged = damaged
    if mkdir(directory, 0o700) == 0 {
      try OpenFile.directory("\(directory)/..").synchronize()
    } else if errno != EEXIST {
      throw .writing(directory, errno)
    }
    lock = try StateLock(directory: directory)
    layers = try LayerStore(path: "\(directory)/layers")
    file = CatalogueFile(path: "\(directory)/catalogue.sqlite")
    (pool, movedAside) = try file.open()
  }

  /// Looks through the whole database, then forgets what no share needs. Takes time in proportion to what is there:
  /// once after each start, when everything else runs already.
  /// - Throws: `.catalogueDamaged`.
  package func inspect() throws(StoreError) {
    try read(CatalogueFile.check)
    try collectUnused()
  }

  /// Aborts what runs in the database now, so that a stop does not wait for it. Calls under way fail with `.cancelled`.
  package func interrupt() {
    pool.interrupt()
  }

  /// At an orderly end: leaves one file with everything in it and an empty journal, so that the next start has nothing to
  /// recover. Best effort; whatever is asked afterwards fails, and another may open it.
  package func close() {
    _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    try? pool.close()
    lock.release()
  }

  // MARK: Shares

  /// Adds shares, replacing those with the same key and content. One transaction, durable on return.
  /// - Parameters:
  ///   - hashed: what was learnt of files by hashing or fetching, kept in the same transaction.
  ///   - temporary: paths of files in the making that are now done with, forgotten in the same transaction.
  /// - Returns: shares that are no more: same key and same path, but what was there before the file changed.
  @discardableResult
  package func add(
    _ shares: [Share], hashed: [HashedFile] = [], forgetting temporary: [String] = []
  ) throws(StoreError) -> [Share] {
    let outcome = keeping.withLock { _ in
      Result { () throws(StoreError) in try commit(shares, hashed, temporary) }
    }
    let superseded = try outcome.get()
    try release(superseded.map(\.content))
    return superseded
  }

  private func commit(
    _ shares: [Share], _ hashed: [HashedFile], _ temporary: [String]
  ) throws(StoreError) -> [Share] {
    for file in hashed {
      try layers.keep(file.layer)
      // What was loaded before may be from a layer that was damaged.
      trees.withLock { $0.remove(file.content) }
    }
    return try write { database in
      var superseded = [Share]()
      for share in shares {
        superseded += try Self.removeSuperseded(database, by: share)
        try database.cachedStatement(sql: CatalogueRows.insertShare).execute(arguments: CatalogueRows.arguments(share))
      }
      for file in hashed { try Self.remember(database, file) }
      for path in temporary { try Self.forget(database, temporary: path) }
      return superseded
    }
  }

  /// Removes what is shared under a key: all of it, or one content. Durable on return; touches no file of the user's.
  /// - Returns: the shares that were removed.
  @discardableResult
  package func remove(_ key: DocumentKey, content: Content? = nil) throws(StoreError) -> [Share] {
    let removed = try write { database in
      let found = try CatalogueRows.fetch(database, where: "key = ?", [key.text])
        .filter { content == nil || $0.content == content }
      for share in found { try Self.delete(database, share) }
      return found
    }
    try release(removed.map(\.content))
    return removed
  }

  /// Marks shares of a file as no longer served.
  /// - Returns: those that were shared until now.
  @discardableResult
  package func withdraw(path: String) throws(StoreError) -> [Share] {
    try write { database in
      let found = try CatalogueRows.fetch(database, where: "path = ? AND state = 0", [path])
      try database.execute(sql: "UPDATE share SET state = 1 WHERE path = ?", arguments: [path])
      return found
    }
  }

  // MARK: Questions

  /// In the order of contents.
  package func shares(under key: DocumentKey) throws(StoreError) -> [Share] {
    try read { try CatalogueRows.fetch($0, where: "key = ? ORDER BY root, size", [key.text]) }
  }

  /// Under any key.
  package func shares(of content: Content) throws(StoreError) -> [Share] {
    try read {
      try CatalogueRows.fetch(
        $0, where: "root = ? AND size = ? ORDER BY key", [CatalogueRows.blob(content.root), content.size])
    }
  }

  package func shares(at path: String) throws(StoreError) -> [Share] {
    try read { try CatalogueRows.fetch($0, where: "path = ? ORDER BY key, root, size", [path]) }
  }

  /// The next shares in the order of key and content, withdrawn ones included; empty at the end.
  /// - Parameter limit: at most so many.
  package func page(after position: DocumentID? = nil, limit: Int) throws(StoreError) -> [Share] {
    try read { database in
      guard let position else {
        return try CatalogueRows.fetch(database, where: "true ORDER BY key, root, size LIMIT ?", [max(limit, 0)])
      }
      return try CatalogueRows.fetch(
        database, where: "(key, root, size) > (?, ?, ?) ORDER BY key, root, size LIMIT ?",
        [position.key.text, CatalogueRows.blob(position.content.root), position.content.size, max(limit, 0)])
    }
  }

  /// Shares that are no longer served, in the order of keys.
  package func withdrawn(limit: Int) throws(StoreError) -> [Share] {
    try read { try CatalogueRows.fetch($0, where: "state = 1 ORDER BY key, root, size LIMIT ?", [max(limit, 0)]) }
  }

  package func totals() throws(StoreError) -> CatalogueTotals {
    try read { database in
      let row = try Row.fetchOne(database, sql: "SELECT count(*), total(size) FROM share WHERE state = 0")
      // `total` is a floating-point sum: it cannot overflow, and 2^53 is exact.
      let bytes = (row?[1] as Double?) ?? 0
      return CatalogueTotals(documents: row?[0] ?? 0, bytes: Int64(exactly: bytes) ?? .max)
    }
  }

  // MARK: Plumbing

  func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try pool.read(body)
    } catch {
      throw failure(error)
    }
  }

  func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try pool.write(body)
    } catch {
      throw failure(error)
    }
  }

  private func failure(_ error: any Error) -> StoreError {
    let error = CatalogueFile.storeError(error, path: pool.path)
    if error.code == .catalogueDamaged {
      file.suspect()
      damaged()
    }
    return error
  }

  private static func removeSuperseded(_ database: Database, by share: Share) throws -> [Share] {
    let old = try CatalogueRows.fetch(database, where: "key = ? AND path = ?", [share.key.text, share.path])
      .filter { $0.content != share.content }
    for share in old { try delete(database, share) }
    return old
  }

  private static func delete(_ database: Database, _ share: Share) throws {
    try database.cachedStatement(sql: "DELETE FROM share WHERE key = ? AND root = ? AND size = ?")
      .execute(arguments: [share.key.text, CatalogueRows.blob(share.content.root), share.content.size])
  }

  // MARK: Trees in use

  /// The tree of a content whose leaves are kept; `nil` where they are not, or are damaged (and now removed): hash
  /// the file again.
  package func tree(of content: Content) throws(StoreError) -> HashTree? {
    if let tree = trees.withLock({ $0.find(content) }) { return tree }
    guard let tree = try loadTree(of: content) else { return nil }
    trees.withLock { $0.insert(tree) }
    return tree
  }

  /// Nodes of the tree of a content, and the siblings that prove them; `nil` where its leaves are not kept, or are
  /// damaged (and now removed): hash the file again.
  /// - Throws: `.invalidRange` for a range of another content.
  package func hashes(_ range: HashRange, of content: Content) throws(StoreError) -> [UInt8]? {
    guard let tree = try tree(of: content) else { return nil }
    do throws(StoreError) {
      return try tree.hashes(range)
    } catch {
      guard error.code == .damagedLayer else { throw error }
      // Another thread may have found the damage too, and a good layer may have taken its place since.
      let isCurrent = trees.withLock { $0.find(content) === tree }
      if isCurrent { try forgetLayer(of: content) }
      return nil
    }
  }

  /// Drops the leaves of a content, after they turned out to be damaged.
  package func forgetLayer(of content: Content) throws(StoreError) {
    trees.withLock { $0.remove(content) }
    layers.remove(content)
    try write { database in
      try database.execute(
        sql: "DELETE FROM layer WHERE root = ? AND size = ?",
        arguments: [CatalogueRows.blob(content.root), content.size])
    }
  }

  // MARK: Collection

  /// Layers of about this many bytes may lie about without a share before they are collected: what is removed by
  /// mistake and added again is then not hashed again.
  private static let maxReleased: Int64 = 64 << 20
  /// A row costs about so much even without a layer.
  private static let rowCost: Int64 = 1024

  private func release(_ contents: [Content]) throws(StoreError) {
    let cost = contents.reduce(Int64(0)) { sum, content in
      let (new, overflow) = sum.addingReportingOverflow(content.geometry.blockCount * 32 + Self.rowCost)
      return overflow ? .max : new
    }
    let isDue = released.withLock { released in
      let (sum, overflow) = released.addingReportingOverflow(cost)
      released = overflow ? .max : sum
      guard released > Self.maxReleased else { return false }
      released = 0
      return true
    }
    if isDue { try collectUnused() }
  }

  /// Forgets hashes and layers of contents that no share has.
  package func collectUnused() throws(StoreError) {
    try keeping.withLock { _ in Result { () throws(StoreError) in try removeUnused() } }.get()
  }

  private func removeUnused() throws(StoreError) {
    let kept = try write { database in
      for table in ["hashed", "layer"] {
        try database.execute(
          sql: """
            DELETE FROM \(table) WHERE NOT EXISTS (
              SELECT 1 FROM share WHERE share.root = \(table).root AND share.size = \(table).size)
            """)
      }
      let rows = try Row.fetchCursor(
        database, sql: "SELECT DISTINCT root, size FROM share WHERE size > ?",
        arguments: [LeafLayer.maxLeavesInMemory * PieceGeometry.blockLength])
      var kept = Set<Content>()
      while let row = try rows.next() {
        if let content = CatalogueRows.content(root: row[0], size: row[1]) { kept.insert(content) }
      }
      return kept
    }
    for content in try layers.contents() where !kept.contains(content) { layers.remove(content) }
  }
}
