// SPDX-License-Identifier: Apache-2.0

import ContentStore
package import DocumentModel
import Glibc
package import LineTransport
package import Logging
package import NIOCore
import NIOPosix
import WireProtocol

/// A peer that runs: everything it consists of is made and joined here.
package final class PeerDaemon: Sendable {
  package struct Settings: Sendable {
    package var name: PeerName
    /// The directory of its key and catalogue, absolute; made where it is missing, its parent is not.
    package var state: String
    /// The index to use until its user names another.
    package var index: Endpoint
    /// Under which address others reach it, where that is not the one it comes from.
    package var advertise: HostAddress?
    /// Where other peers connect.
    package var uploads: LineServer.Listener
    /// Where front ends connect.
    package var control: LineServer.Listener
    /// The path of the control socket, absolute.
    package var controlPath: String
    package var timeout = IndexLink.Timeout()
    /// How often files that were lost are looked for.
    package var returnInterval = Duration.seconds(60)
    /// After the start, before catalogue and files are looked through.
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

  /// What a drain may take of the 5 s that a stop has.
  private static let drainTimeout = TimeAmount.seconds(4)

  package let id: PeerID
  private let uploadServer: UploadServer
  private let controlServer: ControlServer
  private let link: IndexLink
  private let selection: IndexSelection
  private let changed: ChangedFiles
  private let upkeep: [Task<Void, Never>]
  private let catalogue: Catalogue
  private let threads: PeerThreads

  private init(
    id: PeerID, uploadServer: UploadServer, controlServer: ControlServer, link: IndexLink, selection: IndexSelection,
    changed: ChangedFiles, upkeep: [Task<Void, Never>], catalogue: Catalogue, threads: PeerThreads
  ) {
    self.id = id
    self.uploadServer = uploadServer
    self.controlServer = controlServer
    self.link = link
    self.selection = selection
    self.changed = changed
    self.upkeep = upkeep
    self.catalogue = catalogue
    self.threads = threads
  }

  // MARK: Start

  /// Starts everything: afterwards all sockets are served, and the first connection to the index is being tried.
  /// - Parameter catalogueDamaged: only a new start helps then: it moves the catalogue aside.
  package static func start(
    _ settings: Settings, group: any EventLoopGroup, logger: Logger,
    catalogueDamaged: @escaping @Sendable () -> Void = {}
  ) async throws(PeerStartError) -> PeerDaemon {
    let threads = PeerThreads()
    do throws(PeerStartError) {
      let state = try await threads.open(settings, logger, catalogueDamaged)
      return try await start(settings, state, group: group, threads: threads, logger: logger)
    } catch {
      await threads.stop()
      throw error
    }
  }

  /// Starts everything with a state that is open already, and takes over the threads: but where it throws.
  static func start(
    _ settings: Settings, _ state: PeerState, group: any EventLoopGroup, threads: PeerThreads, logger: Logger
  ) async throws(PeerStartError) -> PeerDaemon {
    let identity = (id: state.id, name: settings.name)
    let catalogue = state.catalogue
    let changed = ChangedFiles()
    let transfers = TransferRegistry()
    let uploads = try await serveUploads(settings, identity, catalogue, transfers, changed, group, threads)
    let link = IndexLink(
      address: state.selection.current.address,
      hello: IndexHello(
        peer: identity.id, name: identity.name, port: uploads.address.port, advertise: settings.advertise?.text),
      source: CatalogueAnnouncements(catalogue: catalogue, pool: threads.quick, changed: changed),
      loop: group.next(), logger: logger, timeout: settings.timeout)
    let publication = Publication(catalogue: catalogue, link: link, pool: threads.quick)
    let ledger = ShareLedger(catalogue: catalogue)
    let work = FileWork(catalogue: catalogue, pool: threads.long)
    let operations = PeerOperations(
      identity: identity, controlPath: settings.controlPath, uploads: uploads.address, link: link,
      selection: state.selection,
      sharing: Sharing(
        ledger: ledger, work: work, publication: publication, pool: threads.quick, stateDirectory: settings.state),
      downloader: Downloader(
        identity: identity, link: link, ledger: ledger, transfers: transfers, group: group,
        pools: (quick: threads.quick, long: threads.long), logger: logger),
      index: IndexQueries(link: link), own: CatalogueQueries(catalogue: catalogue, pool: threads.quick),
      transfers: transfers,
      examination: SelfExamination(
        identity: identity, uploadPort: uploads.address.port, link: link, wallClock: { Int64(time(nil)) }),
      wallClock: { Int64(time(nil)) })
    let control = try await serveControl(settings, identity, operations, group, uploads)
    await link.start()
    let upkeep = ShareUpkeep(
      ledger: ledger, work: work, publication: publication, changed: changed, pool: threads.quick, loop: link.loop,
      logger: logger, interval: settings.returnInterval, delay: settings.upkeepDelay)
    return PeerDaemon(
      id: identity.id, uploadServer: uploads, controlServer: control, link: link, selection: state.selection,
      changed: changed,
      upkeep: [
        Task { await upkeep.run() }, Task { await upkeep.sweep() }, Task { await upkeep.inspect() },
        Task { await upkeep.watchForReturns() },
      ],
      catalogue: catalogue, threads: threads)
  }

  private static func serveUploads(
    _ settings: Settings, _ identity: (id: PeerID, name: PeerName), _ catalogue: Catalogue,
    _ transfers: TransferRegistry, _ changed: ChangedFiles, _ group: any EventLoopGroup, _ threads: PeerThreads
  ) async throws(PeerStartError) -> UploadServer {
    do {
      return try await UploadServer.start(
        settings.uploads, identity: identity, catalogue: catalogue, transfers: transfers, group: group,
        pool: threads.quick, fileChanged: { changed.notice($0) })
    } catch {
      throw PeerStartError(uploads: settings.uploads, error)
    }
  }

  private static func serveControl(
    _ settings: Settings, _ identity: (id: PeerID, name: PeerName), _ operations: PeerOperations,
    _ group: any EventLoopGroup, _ uploads: UploadServer
  ) async throws(PeerStartError) -> ControlServer {
    let greeting = ControlHelloReply(
      server: "p2p-peer/\(ProtocolVersion.program)", role: .peer, peer: identity.id, name: identity.name.text)
    do {
      return try await ControlServer.start(settings.control, greeting: greeting, answering: operations, group: group)
    } catch {
      await uploads.stop(within: .zero)
      throw PeerStartError(control: settings.controlPath, error)
    }
  }

  // MARK: Running

  /// Where other peers reach it.
  package var uploads: Endpoint { uploadServer.address }

  /// Returns when the first try to reach the index has ended, in whatever way.
  package func firstTryEnded() async {
    await link.firstTryEnded()
  }

  /// From now on this is the index, unless its user has named another.
  package func reload(index: Endpoint, advertise: HostAddress?) async {
    selection.reload(settings: index)
    await link.advertise(advertise)
    await link.use(selection.current.address)
  }

  /// Ends within about 5 s: takes nothing new, lets what is under way come to its end, closes.
  package func stop() async {
    async let uploadsEnded: Void = uploadServer.stop(within: Self.drainTimeout)
    async let controlEnded: Void = controlServer.stop(within: Self.drainTimeout)
    changed.end()
    for task in upkeep { task.cancel() }
    _ = await (uploadsEnded, controlEnded)
    await link.stop()
    for task in upkeep { await task.value }
    await threads.stop()
    catalogue.close()
  }
}
