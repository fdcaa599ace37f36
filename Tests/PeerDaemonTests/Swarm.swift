// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import IndexServer
import LineTransport
import Logging
import NIOCore
import NIOPosix
import PeerDaemon
import Synchronization
import TestSupport
import WireProtocol

/// An index and peers in this process, on ports chosen by the system.
final class Swarm: Sendable {
  let directory: TemporaryDirectory
  let index: LineServer
  private let group: MultiThreadedEventLoopGroup
  private let pool: NIOThreadPool
  private let links = Mutex<[IndexLink]>([])
  private let started = Mutex<[Downloads]>([])

  private init(
    directory: TemporaryDirectory, index: LineServer, group: MultiThreadedEventLoopGroup, pool: NIOThreadPool
  ) {
    self.directory = directory
    self.index = index
    self.group = group
    self.pool = pool
  }

  /// Starts everything, runs `body`, stops everything.
  static func with(_ body: (Swarm) async throws -> Void) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let pool = NIOThreadPool(numberOfThreads: 4)
    pool.start()
    let index = try await IndexService().serve(at: .address(host: "127.0.0.1", port: 0), group: group)
    let swarm = Swarm(directory: try TemporaryDirectory(), index: index, group: group, pool: pool)
    do { try await body(swarm) } catch {
      await swarm.end()
      throw error
    }
    await swarm.end()
  }

  private func end() async {
    for downloads in started.withLock({ $0 }) { await downloads.stop() }
    for link in links.withLock({ $0 }) { await link.stop() }
    await index.drain(within: .milliseconds(100))
    try? await group.shutdownGracefully()
    try? await pool.shutdownGracefully()
  }

  var indexEndpoint: Endpoint {
    get throws { try Endpoint(index.address?.endpointText ?? "") }
  }

  /// A peer with an id derived from its name, without a control socket.
  ///
  /// - Parameters:
  ///   - port: the port to announce, if not its own.
  ///   - claiming: the id to claim, if not its own.
  ///   - down, up: limits in bytes per second.
  ///   - index: if not that of the swarm.
  ///   - fetch: if not from the others of the swarm.
  ///   - passes: decides whom it serves.
  ///   - sleep: the clock of its downloads.
  func peer(
    _ name: String, timeout: SourceTimeout = SourceTimeout(), limits: PeerLimits = PeerLimits(), port: UInt16? = nil,
    claiming id: PeerID? = nil, index: Endpoint? = nil, down: Int64? = nil, up: Int64? = nil,
    fetch: FetchContent? = nil, passes: PassKeeper = PassKeeper(),
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) async throws -> Member {
    let identity = (id: Self.id(name), name: try PeerName(name))
    let catalogue = try Catalogue(directory: directory.file(name))
    // Each has an inotify instance, of which a user has 128.
    let ledger = ShareLedger(catalogue: catalogue)
    let transfers = TransferRegistry()
    let partials = PartialHoldings(loop: group.next())
    let (download, upload) = (RateLimiter(), RateLimiter())
    download.set(down)
    upload.set(up)
    let uploads = try await UploadServer.start(
      .address(host: "127.0.0.1", port: 0), identity: identity, passes: passes,
      ledger: ledger, partials: partials, transfers: transfers, group: group, pool: pool,
      limits: limits,
      limiter: upload, logger: Self.logger(name), changed: ChangedFiles())
    let link = IndexLink(
      address: try index ?? indexEndpoint,
      hello: IndexHello(peer: id ?? identity.id, name: identity.name, port: port ?? uploads.address.port),
      shares: { _ in .init(documents: [], next: nil) }, loop: group.next(), logger: Self.logger(name),
      passes: passes)
    links.withLock { $0.append(link) }
    await link.start()
    let downloads = Downloads(
      identity: identity, link: link, ledger: ledger, transfers: transfers,
      pools: (pool, pool), limiter: download, logger: Self.logger(name), sleep: sleep,
      fetch: fetch
        ?? ContentFetcher(
          identity: identity, link: link, group: group, pool: pool, timeout: timeout, logger: Self.logger(name),
          gained: { partials.gained($0, piece: $1) }
        ).fetch)
    started.withLock { $0.append(downloads) }
    await downloads.start()
    return Member(
      id: identity.id, name: identity.name, catalogue: catalogue, ledger: ledger, partials: partials,
      transfers: transfers,
      uploads: uploads, passes: passes, link: link, downloads: downloads)
  }

  /// The downloads of a member as its next process finds them.
  func downloads(
    of member: Member, fetch: @escaping FetchContent,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    syncInterval: Duration = .seconds(5)
  ) -> Downloads {
    let downloads = Downloads(
      identity: (member.id, member.name), link: member.link, ledger: member.ledger,
      transfers: member.transfers, pools: (pool, pool), logger: Self.logger(member.name.text), sleep: sleep,
      syncInterval: syncInterval, fetch: fetch)
    started.withLock { $0.append(downloads) }
    return downloads
  }

  private static func logger(_ name: String) -> Logger {
    var logger = Logger(label: name)
    logger.logLevel = .error
    return logger
  }

  /// A test id: the name's bytes, padded.
  static func id(_ name: String) -> PeerID {
    let bytes = Array(name.utf8.prefix(31)) + [1]
    let padded = bytes + [UInt8](repeating: 0, count: 32 - bytes.count)
    return PeerID(digest: Digest(bytes: padded) ?? .zero)
  }
}

/// One peer of a swarm.
struct Member: Sendable {
  let id: PeerID
  let name: PeerName
  let catalogue: Catalogue
  let ledger: ShareLedger
  let partials: PartialHoldings
  let transfers: TransferRegistry
  let uploads: UploadServer
  let passes: PassKeeper
  let link: IndexLink
  let downloads: Downloads

  /// Shares a file under a key and announces it.
  @discardableResult
  func share(_ path: String, as key: String) async throws -> Document {
    let file = try FileHasher(layers: catalogue.layers).hash(path)
    let document = Document(
      key: try DocumentKey(key), title: Title(normalizing: key), content: file.content,
      modified: Timestamp(seconds: 0))
    try catalogue.add(
      [Share(document: document, path: path, origin: .added, fingerprint: file.fingerprint)], hashed: [file])
    guard await link.announce([document], in: .open) else { throw RawConnection.Failure(description: "not announced") }
    return document
  }

  func get(
    _ key: String, to path: String, from: String? = nil, content: String? = nil, force: Bool = false,
    share: Bool = true
  ) async throws(WireFailure) -> Download {
    guard let key = try? DocumentKey(key) else { throw WireFailure(.invalidKey, key) }
    return try await downloads.get(
      DownloadRequest(
        key: key, destination: .path(path), from: from, content: content, replacesFile: force,
        isShared: share))
  }
}

/// Reproducible bytes that differ between seeds.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state)
  }
}
