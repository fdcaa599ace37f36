// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Foundation
import GRDB
import Glibc
import Synchronization

/// A peer's durable list of shares, and the hashes of its files. Used by one process at a time.
///
/// Safe to call from any thread. Calls block: do not call them on an event loop. When a call returns, its changes
/// survive kill -9 and a power failure: commits are flushed to the device (`synchronous = FULL`; WAL alone would keep the
/// database intact but lose the last commits).
package final class Catalogue: Sendable {
  /// What happened to a damaged database at this start.
  package let rescue: CatalogueRescue.Outcome?

  /// The directory of its database.
  package let directory: String
  /// Stores leaves while a file is hashed or fetched.
  package let layers: LayerStore

  private let file: CatalogueFile
  private let reserve: SpaceReserve
  private let pool: DatabasePool
  private let lock: StateLock
  private let damaged: @Sendable () -> Void
  let groups = GroupCache()
  let trees = Mutex(RecentTrees(limit: 64, memoryLimit: 4 << 20))
  /// Held from storing a layer until its share is committed, and while unused layers are removed.
  let keeping = Mutex<Void>(())
  /// Estimated bytes of layers and hashes that have lost their share since the last collection.
  let released = Mutex<Int64>(0)

  /// Opens or creates `catalogue.sqlite` in `directory`, which is created if missing (its parents are not). A database
  /// known to be damaged is replaced by what can be read of it, see `rescue`; `inspect` detects damage.
  /// - Parameter damaged: called whenever a call throws `.catalogueDamaged`. Restart the process: the next start checks
  ///   the whole database and replaces it if it is damaged.
  /// - Throws: `.catalogueInUse` if another process has it open; `.catalogueFailed` if a newer version wrote it.
  package init(directory: String, damaged: @escaping @Sendable () -> Void = {}) throws(StoreError) {
    self.damaged = damaged
    self.directory = directory
    if mkdir(directory, 0o700) == 0 {
      try OpenFile.directory("\(directory)/..").synchronize()
    } else if errno != EEXIST {
      throw .writing(directory, errno)
    }
    lock = try StateLock(directory: directory)
    layers = try LayerStore(path: "\(directory)/layers")
    file = CatalogueFile(path: "\(directory)/catalogue.sqlite")
    reserve = SpaceReserve(path: "\(directory)/reserve")
    do {
      (pool, rescue) = try file.open()
    } catch {
      guard error.code == .noSpace, reserve.spend() else { throw error }
      (pool, rescue) = try file.open()
    }
    reserve.fill()
    removeUnusedSideFiles()
  }

  /// Whether a directory has a catalogue that is not empty.
  package static func exists(in directory: String) -> Bool {
    var status = stat()
    return stat("\(directory)/catalogue.sqlite", &status) == 0 && status.st_size > 0
  }

  /// Why nothing can be recorded: the state directory or the database was removed or replaced. `nil` if all is well.
  package var placeProblem: StoreError? {
    do throws(StoreError) {
      try checkPlace()
      return nil
    } catch {
      return error
    }
  }

  /// The path of the database.
  package var path: String { file.path }

  /// Damaged databases that are kept beside it, from this start or earlier; at most 100.
  package var putAside: [String] { file.putAside }

  /// - Throws: `placeProblem`.
  package func checkPlace() throws(StoreError) {
    try file.place.check()
  }

  /// Checks the whole database, then removes what no share needs. Takes time in proportion to its size: call it once
  /// after each start, when everything else already runs.
  /// - Throws: `.catalogueDamaged`.
  package func inspect() throws(StoreError) {
    try read(CatalogueFile.check)
    try collectUnused()
  }

  /// Aborts what runs in the database now, so that a stop does not wait for it. Calls under way fail with `.cancelled`.
  package func interrupt() {
    pool.interrupt()
  }

  /// Checkpoints the journal, so that the next start has nothing to recover, and closes the database. Best effort. Later
  /// calls fail, and another process may open the catalogue.
  package func close() {
    _ = try? pool.writeWithoutTransaction { database in
      // A statement clears an earlier interrupt; without it the checkpoint would end immediately with SQLITE_INTERRUPT.
      try database.execute(sql: "SELECT 1")
      try database.checkpoint(.truncate)
    }
    file.place.closed()
    try? pool.close()
    lock.release()
  }

  // MARK: Shares

  /// Adds shares, replacing those of the same key and file. The networks that heard of these hear of the new ones, too.
  /// One transaction, durable on return.
  /// - Parameters:
  ///   - hashed: hashes of files, stored in the same transaction.
  ///   - temporary: recorded temporary paths to forget in the same transaction.
  ///   - download: a finished download to update in the same transaction; it then has no files besides its target.
  /// - Returns: superseded shares: same key and path, but the content before the file changed.
  @discardableResult
  package func add(
    _ shares: [Share], hashed: [HashedFile] = [], forgetting temporary: [String] = [],
    finishing download: DownloadRecord? = nil
  ) throws(StoreError) -> [Share] {
    let outcome = keeping.withLock { _ in
      Result { () throws(StoreError) in try commit(shares, hashed, temporary, download) }
    }
    let superseded = try outcome.get()
    try release(superseded.map(\.content))
    return superseded
  }

  private func commit(
    _ shares: [Share], _ hashed: [HashedFile], _ temporary: [String], _ download: DownloadRecord?
  ) throws(StoreError) -> [Share] {
    for file in hashed {
      try layers.keep(file.layer)
      // A cached tree may come from a damaged layer.
      trees.withLock { $0.remove(file.content) }
    }
    return try write { database in
      let superseded = try Self.put(database, shares)
      for file in hashed { try Self.remember(database, file) }
      for path in temporary { try Self.forget(database, temporary: path) }
      if let download {
        try DownloadRows.update(database, download)
        try DownloadRows.forgetFiles(database, download.id)
      }
      return superseded
    }
  }

  /// Removes what is shared under a key: all of it, or one content. Durable on return; touches no file of the user's.
  /// - Returns: the shares that were removed.
  @discardableResult
  package func remove(_ key: DocumentKey, content: Content? = nil) throws(StoreError) -> [Share] {
    let removed = try writeOnFullDisk { database in
      let found = try CatalogueRows.fetch(database, where: "key = ?", [key.text])
        .filter { content == nil || $0.content == content }
      for share in found { try Self.delete(database, share) }
      return found
    }
    // The documents are removed: what is left of them is collected later if not now.
    try? release(removed.map(\.content))
    return removed
  }

  /// Removes shares whose keys begin with a prefix. Durable on return; touches no file of the user's.
  /// - Parameters:
  ///   - prefix: ends with a slash.
  ///   - limit: maximum number; call again while it is reached.
  /// - Returns: the shares that were removed.
  package func remove(prefix: String, limit: Int) throws(StoreError) -> [Share] {
    let removed = try writeOnFullDisk { database in
      // Keys are in binary order, in which "0" follows "/".
      let found = try CatalogueRows.fetch(
        database, where: "key > ? AND key < ? ORDER BY key, root, size LIMIT ?",
        [prefix, "\(Substring(prefix.utf8.dropLast()))0", max(limit, 0)])
      for share in found { try Self.delete(database, share) }
      return found
    }
    try? release(removed.map(\.content))
    return removed
  }

  /// Removes these shares. Durable on return; touches no file of the user's.
  package func remove(_ shares: [Share]) throws(StoreError) {
    guard !shares.isEmpty else { return }
    try writeOnFullDisk { database in
      for share in shares { try Self.delete(database, share) }
    }
    try? release(shares.map(\.content))
  }

  /// Marks shares of a file as no longer served.
  /// - Returns: those that were shared until now.
  @discardableResult
  package func withdraw(path: String) throws(StoreError) -> [Share] {
    try writeOnFullDisk { database in
      let found = try CatalogueRows.fetch(database, where: "path = ? AND state = 0", [path])
      try database.execute(sql: "UPDATE share SET state = 1 WHERE path = ?", arguments: [path])
      return found
    }
  }

  // MARK: Questions

  /// Ordered by content and path.
  package func shares(under key: DocumentKey) throws(StoreError) -> [Share] {
    try read { try CatalogueRows.fetch($0, where: "key = ? ORDER BY root, size, path", [key.text]) }
  }

  /// The shares of each of these documents, ordered by path, in one look.
  package func shares(_ documents: [DocumentID]) throws(StoreError) -> [DocumentID: [Share]] {
    let asked = Set(documents)
    return try read { database in
      var shares = [DocumentID: [Share]](minimumCapacity: documents.count)
      try CatalogueRows.forEach(database, where: "key", in: Array(Set(documents.map(\.key.text)))) { share in
        if asked.contains(share.id) { shares[share.id, default: []].append(share) }
      }
      return shares.mapValues { $0.count > 1 ? $0.sorted { $0.path < $1.path } : $0 }
    }
  }

  /// Under any key.
  package func shares(of content: Content) throws(StoreError) -> [Share] {
    try read {
      try CatalogueRows.fetch(
        $0, where: "root = ? AND size = ? ORDER BY key, path", [CatalogueRows.blob(content.root), content.size])
    }
  }

  /// One share of each content that has some in a network, without withdrawn ones, in one look.
  package func sharedFiles(of contents: [Content], in network: Home) throws(StoreError) -> [Content: Share] {
    try read { database in
      var shares = [Content: Share](minimumCapacity: contents.count)
      try CatalogueRows.forEach(database, where: "root", in: contents.map { CatalogueRows.blob($0.root) }) { share in
        if share.isShared(in: network) { shares[share.content] = share }
      }
      return shares
    }
  }

  package func shares(at path: String) throws(StoreError) -> [Share] {
    try read { try CatalogueRows.fetch($0, where: "path = ? ORDER BY key, root, size", [path]) }
  }

  /// Those of each path, in one look.
  package func shares(atAll paths: [String]) throws(StoreError) -> [String: [Share]] {
    try read { database in
      var shares = [String: [Share]]()
      try CatalogueRows.forEach(database, where: "path", in: paths) { shares[$0.path, default: []].append($0) }
      return shares
    }
  }

  /// The next shares, ordered by key, content and path, including withdrawn ones; empty at the end.
  /// - Parameters:
  ///   - key: without a position, the least key.
  ///   - limit: number of shares after which the page ends; all those of its last document are on it.
  package func page(
    after position: DocumentID? = nil, from key: String = "", limit: Int
  ) throws(StoreError) -> [Share] {
    let order = "ORDER BY key, root, size, path"
    return try read { database in
      let page =
        if let position {
          try CatalogueRows.fetch(
            database, where: "(key, root, size) > (?, ?, ?) \(order) LIMIT ?",
            CatalogueRows.arguments(position) + [max(limit, 0)])
        } else {
          try CatalogueRows.fetch(database, where: "key >= ? \(order) LIMIT ?", [key, max(limit, 0)])
        }
      guard page.count == limit, let last = page.last else { return page }
      return try page
        + CatalogueRows.fetch(
          database, where: "key = ? AND root = ? AND size = ? AND path > ? \(order)",
          CatalogueRows.arguments(last.id) + [last.path])
    }
  }

  /// Withdrawn shares, ordered by key and content.
  package func withdrawn(limit: Int) throws(StoreError) -> [Share] {
    try read { try CatalogueRows.fetch($0, where: "state = 1 ORDER BY key, root, size LIMIT ?", [max(limit, 0)]) }
  }

  package func totals() throws(StoreError) -> CatalogueTotals {
    try read { database in
      let row = try Row.fetchOne(
        database,
        sql: "SELECT count(*), total(size) FROM (SELECT DISTINCT key, root, size FROM share WHERE state = 0)")
      // `total` returns a floating-point sum, which cannot overflow and is exact up to 2^53.
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
    try checkPlace()
    do {
      return try pool.write(body)
    } catch {
      throw failure(error)
    }
  }

  /// As `write`, for a change that adds nothing. On a full disk it moves the journal into the database, to use its space
  /// again; if the database cannot grow for that, with the reserve.
  func writeOnFullDisk<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try write(body)
    } catch {
      guard error.code == .noSpace else { throw error }
    }
    restartJournal()
    do {
      return try write(body)
    } catch {
      guard error.code == .noSpace, reserve.spend() else { throw error }
    }
    defer { reserve.fill() }
    restartJournal()
    return try write(body)
  }

  private func restartJournal() {
    _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.restart) }
  }

  private func failure(_ error: any Error) -> StoreError {
    // What cannot be read elsewhere says nothing about this catalogue.
    if let placeProblem { return placeProblem }
    let error = CatalogueFile.storeError(error, path: pool.path)
    if error.code == .catalogueDamaged {
      file.suspect()
      damaged()
    }
    return error
  }

  private struct Place: Hashable {
    let key: DocumentKey
    let path: String

    init(_ share: Share) {
      (key, path) = (share.key, share.path)
    }
  }

  /// - Returns: the shares of the same keys and paths with other contents, which are replaced.
  private static func put(_ database: Database, _ shares: [Share]) throws -> [Share] {
    // A file has one content: the last that is known.
    var new = Dictionary(shares.map { (Place($0), $0) }, uniquingKeysWith: { $1 })
    var known = [Place: Share]()
    try CatalogueRows.forEach(database, where: "key", in: Array(Set(shares.map(\.key.text)))) { share in
      if new[Place(share)] != nil { known[Place(share)] = share }
    }
    let insert = try database.cachedStatement(sql: CatalogueRows.insertShare)
    var superseded = [Share]()
    for share in shares where new[Place(share)] == share {
      new[Place(share)] = nil
      var audience = share.audience
      if let old = known[Place(share)] {
        if old.content != share.content { superseded.append(old) }
        audience = old.audience.union(audience)
      }
      try insert.execute(arguments: CatalogueRows.arguments(share, audience))
    }
    return superseded
  }

  private static func delete(_ database: Database, _ share: Share) throws {
    try database.cachedStatement(sql: "DELETE FROM share WHERE key = ? AND path = ?")
      .execute(arguments: [share.key.text, share.path])
  }
}
