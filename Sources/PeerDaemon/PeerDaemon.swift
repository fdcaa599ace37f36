// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
import Glibc
package import LineTransport
package import Logging
package import NIOCore
import NIOPosix
import ProcessSupport
import Synchronization
import WireProtocol

/// A running peer: creates its parts and connects them.
package final class PeerDaemon: Sendable {
  package struct Settings: Sendable {
    package var name: PeerName
    /// The directory of key and catalogue, absolute. Created if missing; its parent is not.
    package var state: String
    /// The index to use unless the user chose another.
    package var index: Endpoint
    /// Whether that is the index of the own supervisor.
    package var isOwnIndex = false
    /// Whether to forget the user's choice.
    package var forgetsConnect = false
    /// The address that others use to reach this peer; `nil` for the one that the index sees.
    package var advertise: HostAddress?
    /// Which other peers may connect without TLS.
    package var plain = PlainConnections.loopback
    /// Seconds for which passes are honoured after their end while the index cannot be reached.
    package var grace = PeerNetwork.usualGrace
    /// Whether `connect` is called later, to reach the index.
    package var connectsLater = false
    /// Where other peers connect.
    package var uploads: LineServer.Listener
    /// Whether a person chose that address. If not, the peer is also reachable from where its index is.
    package var isUploadAddressChosen = true
    /// Maximum number of open descriptors of the process.
    package var descriptors = 1 << 20
    /// A connection needs three: its socket, the file last served, and a copy while a part is sent. Own ones: front ends,
    /// downloads, the catalogue.
    fileprivate var descriptorPlan: DescriptorPlan {
      DescriptorPlan(limit: descriptors, own: 192, each: 3, most: PeerLimits().connections)
    }
    /// The upload port of earlier runs, if another program has it now.
    package var portTaken: UInt16?
    /// Where front ends connect.
    package var control: LineServer.Listener
    /// The path of the control socket, absolute.
    package var controlPath: String
    /// Absolute paths of directories whose files are never shared or overwritten, besides `state`.
    package var privateDirectories: [String] = []
    /// The directory of downloads, which may lie in one of them; `nil` if there is none.
    package var downloads: String?
    package var timeout = IndexLink.Timeout()
    /// Interval of the search for lost files.
    package var returnInterval = Duration.seconds(60)
    /// Between the start and the first check of catalogue and files.
    package var upkeepDelay = Duration.seconds(1)

    package init(
      name: PeerName, state: String, index: Endpoint, uploads: LineServer.Listener, control: LineServer.Listener,
      controlPath: String
    ) {
      self.name = name
      self.state = state
      self.index = index
      self.uploads = uploads
      self.control = control
      self.controlPath = controlPath
    }
  }

  /// The share of the drain in the 5 s of a stop.
  private static let drainTimeout = TimeAmount.seconds(4)

  package let id: PeerID
  private let uploadServer: UploadServer
  private let controlServer: LineServer
  private let link: IndexLink
  /// The addresses from which it connects to its index.
  private let own: LatestValues<OwnAddress>
  private let selection: IndexSelection
  private let changed: ChangedFiles
  private let downloads: Downloads
  private let prefixes: PrefixDownloads
  private let limits: LimitKeeper
  private let moved: MovedTotals
  private let upkeep: [Task<Void, Never>]
  private let catalogue: Catalogue
  private let threads: PeerThreads

  private init(
    id: PeerID, uploadServer: UploadServer, controlServer: LineServer, link: IndexLink, own: LatestValues<OwnAddress>,
    selection: IndexSelection, changed: ChangedFiles,
    downloads: (single: Downloads, prefixes: PrefixDownloads), limits: LimitKeeper, moved: MovedTotals,
    upkeep: [Task<Void, Never>], catalogue: Catalogue, threads: PeerThreads
  ) {
    self.id = id
    self.uploadServer = uploadServer
    self.controlServer = controlServer
    self.link = link
    self.own = own
    self.selection = selection
    self.changed = changed
    (self.downloads, prefixes) = downloads
    self.limits = limits
    self.moved = moved
    self.upkeep = upkeep
    self.catalogue = catalogue
    self.threads = threads
  }

  // MARK: Start

  /// Starts the daemon: on return all sockets are served, and the first connection to the index is under way.
  /// - Parameters:
  ///   - threads: owned by the daemon from now on, also if the start fails.
  ///   - catalogueDamaged: called when the catalogue turns out to be damaged. Restart then: a start replaces it by what can be read of it.
  package static func start(
    _ settings: Settings, group: any EventLoopGroup, logger: Logger,
    threads: PeerThreads = PeerThreads(), catalogueDamaged: @escaping @Sendable () -> Void = {}
  ) async throws(PeerStartError) -> PeerDaemon {
    do throws(PeerStartError) {
      let state = try await threads.open(settings, logger, catalogueDamaged)
      return try await start(settings, state, group: group, threads: threads, logger: logger)
    } catch {
      await threads.stop()
      throw error
    }
  }

  /// Starts the daemon on open state. Takes ownership of `threads` on success; on failure the caller stops them.
  static func start(
    _ settings: Settings, _ state: PeerState, group: any EventLoopGroup, threads: PeerThreads, logger: Logger
  ) async throws(PeerStartError) -> PeerDaemon {
    let identity = (id: state.id, name: settings.name)
    let catalogue = state.catalogue
    let changed = ChangedFiles()
    let transfers = TransferRegistry()
    let places = PrivatePlaces(
      [settings.state] + settings.privateDirectories, except: settings.downloads.map { [$0] } ?? [])
    let ledger = ShareLedger(catalogue: catalogue, places: places)
    let partials = PartialHoldings(loop: group.next())
    let limits = LimitKeeper(catalogue: catalogue, pool: threads.catalogue, logger: logger)
    await limits.start()
    let passes = PassKeeper.keeping(
      state.network, in: catalogue, grace: settings.grace, pool: threads.catalogue, logger)
    passes.turn(to: state.selection.place(of: state.selection.current.address))
    let uploads = try await serveUploads(
      settings, identity, state.transport, passes, ledger, partials, transfers, changed, group, threads, limits, logger)
    // Members are served while the index is away.
    if let known = state.ownAddress { await uploads.listen(asReportedFrom: known.host) }
    let partial = PartialDocuments()
    let announcements = CatalogueAnnouncements(
      catalogue: catalogue, pool: threads.files, changed: changed, network: { passes.home }, partial: partial)
    // Set when there is something to tell.
    let networkKnown = Mutex<(@Sendable () async -> Void)?>(nil)
    let homes = NetworkHomes(
      catalogue: catalogue, selection: state.selection, pool: threads.catalogue, logger: logger)
    let own = LatestValues { (own: OwnAddress) in
      await uploads.listen(asReportedFrom: own.host)
      await own.keep(in: catalogue, pool: threads.catalogue, logger)
    }
    let link = IndexLink(
      address: state.selection.current.address,
      hello: IndexHello(
        peer: identity.id, name: identity.name, port: uploads.address.port, advertise: settings.advertise),
      shares: { await announcements.page(after: $0) },
      loop: group.next(), logger: logger, timeout: settings.timeout,
      trust: IndexTrust(
        identity: state.transport, known: { state.indexes.id(at: $0) },
        remember: { Self.remember($0, at: $1, in: state.indexes, pool: threads.catalogue, logger) }),
      passes: passes,
      connectedFrom: { own.submit($0) }, place: { state.selection.place(of: $0) },
      arrived: { homes.arrived(at: $0, in: $1) },
      networkKnown: {
        // Each of them looks at the network as it is then.
        if let judge = networkKnown.withLock({ $0 }) { Task { await judge() } }
      })
    let publication = Publication(catalogue: catalogue, link: link, pool: threads.catalogue)
    let downloads = Downloads(
      identity: identity, link: link, ledger: ledger, transfers: transfers,
      pools: (quick: threads.files, long: threads.long), limiter: limits.down,
      partial: Self.sharing(partials, PartialPublication(partial, publication)), logger: logger,
      fetch: ContentFetcher(
        identity: identity, transport: state.transport, link: link, group: group, pool: threads.files,
        timeout: SourceTimeout(descriptors: settings.descriptors), logger: logger,
        gained: { partials.gained($0, piece: $1) }
      ).fetch)
    let prefixes = downloads.prefixes { transfer in
      BatchSources(
        identity: identity, transport: state.transport, pass: { passes.pass }, isClosed: { passes.isClosed },
        group: group,
        timeout: SourceTimeout(descriptors: settings.descriptors),
        mayBeLocal: { link.isIndexLocal }, limit: (limits.down, transfer))
    }
    // Weak: the link has these closures, and all of them have the link.
    homes.tell(
      closed: { [weak downloads, weak prefixes] network in
        await downloads?.openNetworkClosed(to: network)
        await prefixes?.openNetworkClosed(to: network)
      }, late: { [weak link] in await link?.announceAgain() })
    networkKnown.withLock {
      $0 = { [weak downloads, weak prefixes] in
        await downloads?.indexConnected()
        await prefixes?.indexConnected()
      }
    }
    await downloads.limit(active: limits.limits.downloads)
    await prefixes.limit(active: limits.limits.downloads)
    await downloads.start()
    await prefixes.start()
    let moved = await MovedTotals.open(
      transfers, catalogue: catalogue, pool: threads.files, now: Timestamp(seconds: Int64(time(nil))))
    let work = FileWork(catalogue: catalogue, pool: threads.long)
    let operations = PeerOperations(
      identity: identity, controlPath: settings.controlPath, uploads: { uploads.reachableAddress }, link: link,
      selection: state.selection, indexes: state.indexes,
      sharing: Sharing(ledger: ledger, work: work, publication: publication, homes: homes, pool: threads.files),
      downloads: downloads, prefixes: prefixes, limits: limits,
      index: IndexQueries(link: link), own: CatalogueQueries(catalogue: catalogue, pool: threads.catalogue),
      transfers: transfers, moved: moved,
      examination: SelfExamination(
        identity: identity, transport: state.transport, uploadPort: uploads.address.port, portTaken: settings.portTaken,
        link: link,
        catalogue: catalogue, cameBackEmpty: state.cameBackEmpty,
        files: FileExamination(catalogue: catalogue, pool: threads.files), wallClock: { Int64(time(nil)) }))
    let control: LineServer
    do throws(PeerStartError) {
      control = try await serveControl(settings, identity, state.notices, operations, group, uploads, logger)
    } catch {
      // Stops what has begun.
      await prefixes.stop()
      await downloads.stop()
      throw error
    }
    if !settings.connectsLater { await link.start() }
    let upkeep = ShareUpkeep(
      ledger: ledger, work: work, publication: publication, changed: changed, pool: threads.files, loop: link.loop,
      logger: logger, interval: settings.returnInterval, delay: settings.upkeepDelay)
    return PeerDaemon(
      id: identity.id, uploadServer: uploads, controlServer: control, link: link, own: own,
      selection: state.selection, changed: changed, downloads: (downloads, prefixes), limits: limits,
      moved: moved,
      upkeep: [
        Task { await upkeep.run() }, Task { await upkeep.followChanges() }, Task { await upkeep.inspect() },
        Task { await upkeep.watchForReturns() }, Task { await moved.run() },
      ],
      catalogue: catalogue, threads: threads)
  }

  /// Also if it cannot be written down: then until the next start.
  private static func remember(
    _ id: PeerID, at address: Endpoint, in indexes: KnownIndexes, pool: NIOThreadPool, _ logger: Logger
  ) {
    indexes.remember(id, at: address)
    pool.submit { state in
      guard case .active = state else { return }
      do throws(StoreError) {
        try indexes.write()
      } catch {
        logger.warning("cannot keep the id of the index", metadata: ["address": "\(address)", "error": "\(error)"])
      }
    }
  }

  /// What others are told of a download while it is under way.
  private static func sharing(_ holdings: PartialHoldings, _ publication: PartialPublication) -> PartialSharing {
    PartialSharing(
      offer: { file, document, home in
        holdings.offer(file, as: document.key, in: home)
        publication.announce(document, in: home)
      },
      gained: { holdings.gained($0, piece: $1) },
      withdraw: { document, home, isComplete in
        holdings.withdraw(document.content, isComplete: isComplete)
        publication.withdraw(document, in: home, isComplete: isComplete)
      })
  }

  private static func serveUploads(
    _ settings: Settings, _ identity: (id: PeerID, name: PeerName), _ transport: TransportIdentity,
    _ passes: PassKeeper, _ ledger: ShareLedger,
    _ partials: PartialHoldings, _ transfers: TransferRegistry, _ changed: ChangedFiles, _ group: any EventLoopGroup,
    _ threads: PeerThreads, _ rates: LimitKeeper, _ logger: Logger
  ) async throws(PeerStartError) -> UploadServer {
    var limits = PeerLimits()
    let plan = settings.descriptorPlan
    limits.connections = plan.connections
    var offer = TLSOffer(transport, plain: settings.plain)
    offer.chunk = TLSChunk.large
    do {
      return try await UploadServer.start(
        settings.uploads, isChosen: settings.isUploadAddressChosen, identity: identity, tls: offer, passes: passes,
        ledger: ledger,
        partials: partials, transfers: transfers, group: group, pool: threads.files, limits: limits,
        slots: rates.slots, limiter: rates.up, refusals: plan.refusals, logger: logger, changed: changed)
    } catch {
      throw PeerStartError(uploads: settings.uploads, error)
    }
  }

  private static func serveControl(
    _ settings: Settings, _ identity: (id: PeerID, name: PeerName), _ notices: [PathProblem],
    _ operations: PeerOperations, _ group: any EventLoopGroup, _ uploads: UploadServer, _ logger: Logger
  ) async throws(PeerStartError) -> LineServer {
    let greeting = ControlHelloReply(
      server: "p2p-peer/\(ProtocolVersion.program)", role: .peer, peer: identity.id, name: identity.name.text,
      notices: notices)
    do {
      return try await ControlServer.start(
        settings.control, greeting: greeting, group: group, reserve: settings.descriptorPlan.reserve,
        report: { logger.warning("control socket: \($0)") }
      ) {
        (request, events) async throws(WireFailure) in try await operations.answer(request, events)
      }
    } catch {
      await uploads.stop(within: .zero)
      throw PeerStartError(control: settings.controlPath, error)
    }
  }

  // MARK: Running

  /// Where other peers reach it.
  package var uploads: Endpoint { uploadServer.address }

  /// Calls `body` with the address at which other machines reach it, now and whenever that has changed.
  package func onReachableAddress(_ body: @escaping @Sendable (Endpoint) -> Void) {
    uploadServer.onReachableAddress(body)
  }

  /// Begins to reach the index, if the settings ask for this call.
  package func connect() async {
    await link.start()
  }

  /// Returns when the first try to reach the index has ended, with or without success.
  package func firstTryEnded() async {
    await link.firstTryEnded()
  }

  /// Changes index and advertised address. An index that the user chose stays in use.
  /// - Parameter isOwn: whether the index is that of the own supervisor.
  package func reload(index: Endpoint, isOwn: Bool, advertise: HostAddress?) async {
    selection.reload(settings: index, isOwn: isOwn)
    await link.advertise(advertise)
    await link.follow { [selection] in selection.current.address }
  }

  /// Serves this control socket instead of the one so far. Takes ownership.
  package func listen(at descriptor: CInt) async throws {
    try await controlServer.replaceListener(with: descriptor)
  }

  /// Stops within about 5 s: accepts nothing new, finishes what is under way, closes.
  package func stop() async {
    await limits.stop()
    // Front ends that watch would hold the control socket open.
    await link.endSubscriptions()
    async let downloadsEnded: Void = downloads.stop()
    async let prefixesEnded: Void = prefixes.stop()
    async let uploadsEnded: Void = uploadServer.stop(within: Self.drainTimeout)
    async let controlEnded: Void = controlServer.drain(within: Self.drainTimeout)
    changed.end()
    own.stop()
    for task in upkeep { task.cancel() }
    _ = await (uploadsEnded, controlEnded, downloadsEnded, prefixesEnded)
    await moved.write()
    await link.stop()
    // A check of a large catalogue takes seconds.
    catalogue.interrupt()
    for task in upkeep { await task.value }
    await threads.stop()
    catalogue.close()
  }
}
