// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import LineTransport
import NIOCore
import NIOPosix
import NetworkMembership
import ProcessSupport
import WireProtocol

/// The index as a process: started by hand with options, or by a supervisor that passes it a channel.
package enum IndexProcess {
  package struct Options: Sendable {
    /// Where to listen, unless a supervisor passes a listening socket.
    package var listen = Endpoint.defaultIndex
    /// Addresses that peers may advertise although they do not connect from them.
    package var allowAdvertise: [AddressRange] = []
    /// The directory of its key; `nil` for no key.
    package var state: String?
    package var plain = PlainConnections.loopback
    /// The control socket of its operator, who decides who belongs to its network; `nil` for an open one.
    package var control: String?
    /// Whether everybody is served although other machines reach it.
    package var isOpen = false

    package init() {}
  }

  private static let standardError = StandardError(program: "p2p-index")
  /// Wrong usage: EX_USAGE of sysexits.h.
  private static let usageStatus: CInt = 64
  /// Temporary failure; the supervisor retries: EX_TEMPFAIL.
  private static let temporaryStatus: CInt = 75

  /// Serves until SIGTERM, SIGINT or the supervisor's stop command.
  ///
  /// Call it before any thread is started.
  /// - Returns: the exit status: 0 after an orderly end, 1 if it cannot listen, 64 for wrong usage, 75
  ///   if the system cannot start enough threads now.
  package static func run(_ options: Options = Options()) -> CInt {
    defer { standardError.flush() }
    ProcessResources.openStandardDescriptors()
    StopRequests.hold()
    ProcessResources.ignoreWriteSignals()
    ProcessResources.resolveWithoutPlugins()
    ProcessResources.leaveNoCoreDump()
    let descriptors = ProcessResources.raiseDescriptorLimit()
    let channel: SupervisorChannel?
    do {
      channel = try SupervisorChannel.fromEnvironment()
    } catch {
      standardError.reportLast("\(error)")
      return usageStatus
    }
    if let channel, channel.start.role != .index {
      return fail(
        "the supervisor expects a \(channel.start.role.rawValue), but this program is an index", usageStatus, channel)
    }
    // Two loops, the channel, and the cooperative pool.
    if let lack = ProcessResources.lackOfThreads(System.coreCount + 6) { return fail(lack, temporaryStatus, channel) }
    let addresses = channel.flatMap { holderAddresses(from: $0.start.settings) }
    // Own: sockets to listen at, event loops, the channel, and connections about to be closed.
    let plan = DescriptorPlan(limit: descriptors, own: 96, each: 1, most: IndexLimits().connections)
    let bounds: IndexBounds =
      if case .index(let settings) = channel?.start.settings { settings.bounds } else { IndexBounds() }
    let key: IndexKey?
    let network: ClosedNetwork?
    let listen = address(options, channel)
    do throws(IndexKey.Failure) {
      key = try self.key(options, channel, listen)
      network = try closedNetwork(options, channel, key)
    } catch {
      return fail(error.description, error.isUsage ? usageStatus : 1, channel)
    }
    let service = IndexService(
      limits: limits(bounds, connections: plan.connections),
      addresses: addresses ?? HolderAddresses(advertisable: options.allowAdvertise), network: network,
      report: { standardError.report($0, .warning) })
    let group = MultiThreadedEventLoopGroup(numberOfThreads: min(IndexService.loops, System.coreCount))
    let status = AsynchronousWork.wait {
      let serving = { @Sendable (report: @escaping @Sendable (String) -> Void) async throws in
        try await service.serve(
          at: listener(listen, channel), group: group, tls: key?.offer,
          demandsTLS: !listen.isLoopback || network != nil, refusals: plan.refusals, report: report)
      }
      return await serve(service, serving, listen, channel, group, id: key?.offer.identity.id, options.control)
    }
    network?.stop()
    return status
  }

  /// Where it listens.
  private static func address(_ options: Options, _ channel: SupervisorChannel?) -> Endpoint {
    if case .index(let settings) = channel?.start.settings { settings.address } else { options.listen }
  }

  private static func key(
    _ options: Options, _ channel: SupervisorChannel?, _ listen: Endpoint
  ) throws(IndexKey.Failure) -> IndexKey? {
    guard case .index(let settings) = channel?.start.settings else {
      return try IndexKey(directory: options.state, listen: listen, plain: options.plain)
    }
    return try IndexKey(directory: settings.state, listen: listen, plain: settings.plain)
  }

  /// - Returns: `nil` for an open network.
  private static func closedNetwork(
    _ options: Options, _ channel: SupervisorChannel?, _ key: IndexKey?
  ) throws(IndexKey.Failure) -> ClosedNetwork? {
    if case .index(let settings) = channel?.start.settings {
      guard settings.operatorUser != nil else { return nil }
    } else if options.isOpen || options.listen.isLoopback && options.control == nil {
      guard options.control == nil else {
        throw IndexKey.Failure(description: "--control and --open exclude each other", isUsage: true)
      }
      return nil
    } else {
      try checkClosed(options)
    }
    guard let key else {
      throw IndexKey.Failure(
        description: "the index of a closed network needs a key of its own: give its directory with --state DIR",
        isUsage: true)
    }
    do throws(NetworkStoreError) {
      let issuer = PassIssuer(key.identity)
      return try ClosedNetwork(
        store: NetworkStore(path: IndexKey.database(in: key.directory), of: issuer.network), issuer: issuer,
        report: { standardError.report($0, .error) })
    } catch {
      throw IndexKey.Failure(description: "\(error)")
    }
  }

  private static func checkClosed(_ options: Options) throws(IndexKey.Failure) {
    guard options.control != nil else {
      throw IndexKey.Failure(
        description: "an index that other machines reach serves members only: give the socket through which they are "
          + "invited with --control SOCKET, or serve everybody with --open", isUsage: true)
    }
    guard options.plain != .always else {
      throw IndexKey.Failure(
        description: "an index that serves members only takes no plain connections: leave --plain always out",
        isUsage: true)
    }
  }

  private typealias Report = @Sendable (String) -> Void

  private static func serve(
    _ service: IndexService, _ begin: @Sendable (@escaping Report) async throws -> LineServer, _ listen: Endpoint,
    _ channel: SupervisorChannel?, _ group: MultiThreadedEventLoopGroup, id: PeerID?, _ control: String?
  ) async -> CInt {
    let stops = StopRequests()
    defer { group.shutdownGracefully { _ in } }
    let operators: OperatorDoor?
    let server: LineServer
    do {
      operators = try await OperatorDoor.open(service, channel, control: control, group: group)
    } catch {
      return fail("cannot serve the control socket of the index: \(error)", 1, channel)
    }
    let own = FirstEvent()
    if let channel {
      channel.run(
        pulse: LoopPulse.through(group), onStop: { stops.request() },
        onReload: { reload(service, $0) }, onListen: { operators?.replaceListener(with: $0) },
        onOwn: { ids, done in
          guard let network = service.network else { return done() }
          network.setOwn(ids) {
            done()
            own.happened()
          }
        })
      // Its peers would be strangers until it knows them.
      if service.network != nil { await own.wait(for: ownTimeout) }
    }
    do {
      server = try await begin { standardError.report($0, .warning) }
    } catch {
      return fail(ListenFailure.explain(error, listen: listen), 1, channel)
    }
    let actual = Endpoint(host: listen.host, port: server.address?.port.flatMap { UInt16(exactly: $0) } ?? listen.port)
    service.network?.findAddresses { TicketAddresses.reachable(actual) }
    let address = server.address?.endpointText ?? ""
    standardError.report("listens at \(address)", .info)
    if let id { standardError.report("offers TLS as \(id)", .info) }
    if service.network != nil { standardError.report("serves members only", .info) }
    channel?.sendReady(ChannelAddresses(index: address))
    let status = await stops.first()
    await server.drain(within: .seconds(2))
    await operators?.close()
    return status
  }

  /// How long the index of a closed network waits for the ids of its supervisor's peers.
  private static let ownTimeout = Duration.seconds(2)

  private static func reload(_ service: IndexService, _ settings: ChildSettings) {
    guard case .index(let index) = settings else { return }
    service.addresses = HolderAddresses(advertisable: index.allowAdvertise)
    service.limits = limits(index.bounds, connections: service.limits.connections)
  }

  /// Bytes of a connection.
  private static let connectionBytes = 8192

  /// - Parameter connections: as many as the process has descriptors for.
  private static func limits(_ bounds: IndexBounds, connections: Int) -> IndexLimits {
    var limits = IndexLimits()
    limits.memory = bounds.memory ?? MachineMemory.available / 2
    limits.memoryPerAddress = bounds.memoryPerAddress ?? limits.memory / 4
    limits.recordsPerAddress = bounds.recordsPerAddress
    limits.requestsPerAddress = bounds.requestsPerAddress
    limits.bytesPerAddress = bounds.bytesPerAddress
    limits.connectionsPerAddress = bounds.connectionsPerAddress ?? limits.connectionsPerAddress
    limits.member = bounds.member
    limits.connections = min(connections, limits.memory / 4 / connectionBytes)
    return limits
  }

  private static func holderAddresses(from settings: ChildSettings) -> HolderAddresses? {
    guard case .index(let settings) = settings else { return nil }
    return HolderAddresses(advertisable: settings.allowAdvertise)
  }

  private static func listener(_ listen: Endpoint, _ channel: SupervisorChannel?) -> LineServer.Listener {
    if let inherited = channel?.start.listeners.index { return .inherited(inherited) }
    return .address(host: listen.host, port: listen.port)
  }

  private static func fail(_ message: String, _ status: CInt, _ channel: SupervisorChannel?) -> CInt {
    standardError.reportLast(message)
    channel?.sendFailed(message)
    return status
  }
}
