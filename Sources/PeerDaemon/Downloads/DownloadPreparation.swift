// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import Glibc
import NIOCore
import NIOPosix
import WireProtocol

/// What a download needs to know before it begins: its content, its sources, its target.
struct DownloadPreparation: Sendable {
  let own: PeerID
  let link: IndexLink
  let ledger: ShareLedger
  let pools: (quick: NIOThreadPool, long: NIOThreadPool)

  // MARK: Sources

  /// - Parameter home: the network in which it was asked for.
  func choose(_ request: DownloadRequest, in home: Home) async throws(WireFailure) -> SourceChoice {
    let lookup = SelectedLookup(
      link: link, home: home, key: request.key, from: request.from, content: request.content)
    let found = try await lookup.reply()
    return try SourceChoice(
      request.key, found, from: request.from, prefix: request.content, newest: request.takesNewest, asking: own)
  }

  private func lookUpKey(of record: DownloadRecord) async throws(WireFailure) -> LookupReply {
    let key = record.document.key
    do throws(WireFailure) {
      let query = IndexRequest.lookup(.init(.key(key), peer: record.from))
      return try await link.ask(query, in: record.home, LookupReply.init)
    } catch  where error.code == .notFound {
      throw WireFailure(.notFound, "nobody shares \(key) now; p2pctl list shows what is available")
    }
  }

  /// The sources of a download that has begun; without holders if there are none.
  /// - Throws: `no-source` if the index cannot tell.
  func sources(of record: DownloadRecord) async throws(WireFailure) -> SourceChoice {
    let query = IndexRequest.lookup(.init(.content(record.document.content), peer: record.from))
    var found: LookupReply?
    do throws(WireFailure) {
      found = try await link.ask(query, in: record.home, LookupReply.init)
    } catch {
      guard error.code == .notFound else {
        throw WireFailure(.noSource, "cannot look for sources of \(record.document.key): \(error.message)")
      }
    }
    return SourceChoice(record.document, found, from: record.from, asking: own)
  }

  /// How long the index may take to learn what a changed file is now: its holder hashes and announces it meanwhile.
  private static let newsTimeout = TimeAmount.seconds(3)
  private static let newsInterval = Duration.milliseconds(200)

  /// Looks the key up until exactly one other content stands under it; `nil` if that is not so in time.
  func renewed(_ record: DownloadRecord) async -> SourceChoice? {
    let deadline = NIODeadline.now() + Self.newsTimeout
    let key = record.document.key
    while !Task.isCancelled {
      do throws(WireFailure) {
        let choice = try SourceChoice(
          key, try await lookUpKey(of: record), from: record.from?.hex, prefix: nil, asking: own)
        if choice.content.content != record.document.content { return choice }
      } catch {
        // Between the withdrawal and the announcement nobody holds the key.
        guard error.code == .notFound else { return nil }
      }
      guard NIODeadline.now() < deadline, (try? await Task.sleep(for: Self.newsInterval)) != nil else { return nil }
    }
    return nil
  }

  // MARK: Target

  /// - Returns: the target and its path without links, which identifies it.
  func target(of request: DownloadRequest) async throws(WireFailure) -> (target: DownloadTarget, place: String) {
    try await pools.quick.store { [places = ledger.places] () throws(StoreError) in
      let target = try Self.target(of: request, places.current())
      return (target, target.pathWithoutLinks)
    }
  }

  private static func target(
    of request: DownloadRequest, _ places: PrivatePlaces.Current
  ) throws(StoreError) -> DownloadTarget {
    let name = request.key.suggestedFileName
    return switch request.destination {
    case .path(let path): try DownloadTarget(path: path, suggestedName: name, places: places, mask: request.mask)
    case .directory(let directory): try DownloadTarget(directory: directory, name: name, places: places)
    case .stream: throw StoreError(.cannotCreate, name, "a stream has no file")
    }
  }

  /// Of a download that has begun. Blocks.
  func target(of record: DownloadRecord) throws(StoreError) -> DownloadTarget {
    if record.isStream { return try DownloadTarget(streamOf: ledger.catalogue) }
    guard let directory = record.path.parent else {
      throw StoreError(.cannotCreate, record.path, "is not absolute")
    }
    return try DownloadTarget(
      directory: directory, name: record.path.afterLastSlash,
      places: ledger.places.current())
  }

  /// The paths that identify the targets; as recorded if a directory is missing now. Looks at each directory once.
  func places(of records: [DownloadRecord]) async -> [String] {
    let paths = records.map(\.path)
    let found = try? await pools.quick.store { [places = ledger.places] () throws(StoreError) in
      let current = places.current()
      var directories: [String: String] = [:]
      return paths.map { path in
        guard let directory = path.parent else { return path }
        if directories[directory] == nil {
          let target = try? DownloadTarget(directory: directory, name: "x", places: current)
          directories[directory] = target?.pathWithoutLinks.parent ?? directory
        }
        let found = (directories[directory] ?? directory).withoutTrailingSlashes
        return "\(found)/\(path.afterLastSlash)"
      }
    }
    return found ?? paths
  }

  /// The existing file at the target if it has the wanted content.
  /// - Throws: `cannot-create` if there is a different one that must not be replaced.
  func present(
    _ request: DownloadRequest, _ content: Content, at target: DownloadTarget
  ) async throws(WireFailure) -> HashedFile? {
    try await present(content, at: target, replaces: request.replacesFile)
  }

  func present(
    _ content: Content, at target: DownloadTarget, replaces: Bool
  ) async throws(WireFailure) -> HashedFile? {
    guard try await pools.quick.store({ () throws(StoreError) in !target.isFree }) else { return nil }
    if let file = try await same(content, at: target) { return file }
    try await pools.quick.store { () throws(StoreError) in try target.checkReplaceable() }
    guard replaces else {
      throw WireFailure(
        .cannotCreate, "\(target.path) exists and is different; -o names another file, --force replaces it")
    }
    return nil
  }

  /// Bytes above which hashing would block a quick thread for too long.
  private static let maxQuickSize: Int64 = 16 << 20

  /// Cancelling the task stops hashing.
  func same(_ content: Content, at target: DownloadTarget) async throws(WireFailure) -> HashedFile? {
    let hasher = FileHasher(layers: ledger.catalogue.layers)
    let pool = content.size > Self.maxQuickSize ? pools.long : pools.quick
    let occupant = try await pool.interruptible { isCancelled throws(StoreError) in
      try target.occupant(comparedTo: content, hasher: hasher, isCancelled: isCancelled)
    }
    guard case .same(let file) = occupant else { return nil }
    return file
  }

  /// Whether a network hears of a document.
  func isShared(_ document: Document, in home: Home) async throws(WireFailure) -> Bool {
    try await pools.quick.store { [catalogue = ledger.catalogue] () throws(StoreError) in
      try catalogue.shares(under: document.key).contains { $0.id == document.id && $0.isShared(in: home) }
    }
  }

  /// Whether the target's directory is there and takes files.
  func canWrite(_ record: DownloadRecord) async -> Bool {
    (try? await pools.quick.store { () throws(StoreError) in try self.target(of: record).isWritable }) ?? false
  }

  // MARK: Files

  /// Removes what was fetched. Blocks.
  func discard(_ record: DownloadRecord, _ file: PieceFile?) throws(StoreError) {
    if let file { return file.discard() }
    guard record.temporary != nil || record.sideFile != nil else { return }
    PieceFile.discard(record, catalogue: ledger.catalogue)
  }
}
