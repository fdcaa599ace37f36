// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import LineTransport
import Logging
import NIOCore
import NIOPosix
import POSIXSupport
import ProcessSupport
import WireProtocol

/// The peer as a process: started by hand with options, or by a supervisor that has passed it a channel.
package enum PeerProcess {
  /// The options of a start by hand.
  package struct Options: Sendable {
    package var name: PeerName
    /// The directory of key and catalogue.
    package var state: String
    package var index: Endpoint
    /// Where other peers connect; `nil` for any port, on the loopback address if the index is there.
    package var listen: Endpoint?
    /// The address that others use to reach this peer; `nil` for the one that the index sees.
    package var advertise: HostAddress?
    /// The path of the control socket.
    package var socket: String
    /// Which other peers may connect without TLS.
    package var plain: PlainConnections

    package init(
      name: PeerName, state: String, index: Endpoint, listen: Endpoint?, advertise: HostAddress? = nil,
      plain: PlainConnections = .loopback, socket: String
    ) {
      self.plain = plain
      self.name = name
      self.state = state
      self.index = index
      self.listen = listen
      self.advertise = advertise
      self.socket = socket
    }
  }

  /// Wrong usage (EX_USAGE of sysexits.h).
  private static let usageStatus: CInt = 64
  /// Temporary failure; the supervisor retries (EX_TEMPFAIL of sysexits.h).
  private static let temporaryStatus: CInt = 75
  private static let standardError = StandardError(program: "p2p-peer")

  /// Whether a supervisor started this process. It then accepts no options.
  package static var isSupervised: Bool { getenv(ChannelProtocol.environmentVariable) != nil }

  /// Serves until SIGTERM, SIGINT or `stop` from the supervisor.
  ///
  /// Call it before the process starts any thread.
  /// - Parameter options: `nil` for a child of a supervisor.
  /// - Returns: the exit status: 0 after an orderly stop, 1 if the start failed, 64 for wrong usage, 75 if a later start
  ///   may succeed.
  package static func run(_ options: Options?) -> CInt {
    defer { standardError.flush() }
    ProcessResources.openStandardDescriptors()
    StopRequests.hold()
    ProcessResources.ignoreWriteSignals()
    ProcessResources.resolveWithoutPlugins()
    ProcessResources.leaveNoCoreDump()
    ProcessResources.shareMemoryArenas()
    ProcessResources.keepFreedMemory()
    let descriptors = ProcessResources.raiseDescriptorLimit()
    let channel: SupervisorChannel?
    var settings: PeerDaemon.Settings
    do {
      channel = try SupervisorChannel.fromEnvironment()
      settings = try channel.map(Self.settings(from:)) ?? Self.settings(from: options)
    } catch {
      standardError.reportLast("\(error)")
      return usageStatus
    }
    if let lack = ProcessResources.lackOfThreads(threadCount) {
      standardError.reportLast(lack)
      channel?.sendFailed(lack)
      return temporaryStatus
    }
    settings.descriptors = descriptors
    return serve(settings, channel, startThreads())
  }

  // MARK: Settings

  private struct UsageError: Error, CustomStringConvertible {
    let description: String
  }

  private static func settings(from channel: SupervisorChannel) throws -> PeerDaemon.Settings {
    let start = channel.start
    guard case .peer(let settings) = start.settings else {
      let message = "the supervisor expects a \(start.role.rawValue), but this program is a peer"
      channel.sendFailed(message)
      throw UsageError(description: message)
    }
    let listen = defaultListen(for: settings.index)
    var own = PeerDaemon.Settings(
      name: try PeerName(start.name), state: settings.state, index: settings.index,
      uploads: start.listeners.uploads.map { .inherited($0) } ?? .address(host: listen.host, port: listen.port),
      control: start.listeners.control.map { .inherited($0) } ?? .unix(path: settings.control),
      controlPath: settings.control)
    own.advertise = settings.advertise
    own.isOwnIndex = settings.isOwnIndex
    own.forgetsConnect = settings.forgetsConnect
    own.isUploadAddressChosen = !settings.isAutomatic
    own.portTaken = settings.portTaken
    own.privateDirectories = settings.privateDirectories
    own.downloads = settings.downloads
    own.plain = settings.plain
    if let grace = settings.grace { own.grace = Int64(grace) }
    own.connectsLater = true
    return own
  }

  private static func settings(from options: Options?) throws -> PeerDaemon.Settings {
    guard let options else {
      throw UsageError(description: "not started by a supervisor, and no options given")
    }
    let listen = options.listen ?? defaultListen(for: options.index)
    let socket = absolute(options.socket)
    var settings = PeerDaemon.Settings(
      name: options.name, state: absolute(options.state), index: options.index,
      uploads: .address(host: listen.host, port: listen.port), control: .unix(path: socket), controlPath: socket)
    settings.advertise = options.advertise
    settings.isUploadAddressChosen = options.listen != nil
    settings.plain = options.plain
    return settings
  }

  private static func defaultListen(for index: Endpoint) -> Endpoint {
    Endpoint(host: index.defaultPeerHost, port: 0)
  }

  private static func absolute(_ path: String) -> String {
    guard !path.beginsWithSlash, let directory = CurrentProcess.workingDirectory() else { return path }
    return "\(directory)/\(path)"
  }

  // MARK: Running

  private typealias Threads = Task<(loops: MultiThreadedEventLoopGroup, pools: PeerThreads), Never>

  /// Loops, pools, the channel, the cooperative pool, and some for hashing.
  private static var threadCount: Int { 3 * max(2, System.coreCount) + PeerThreads.count + 4 }

  /// Starts the event loops and other threads while the main thread opens the state.
  private static func startThreads() -> Threads {
    Task.detached {
      (loops: MultiThreadedEventLoopGroup(numberOfThreads: max(2, System.coreCount)), pools: PeerThreads())
    }
  }

  private static func serve(
    _ settings: PeerDaemon.Settings, _ channel: SupervisorChannel?, _ threads: Threads
  ) -> CInt {
    LoggingSystem.bootstrap { _ in PeerLog(output: standardError) }
    let logger = Logger(label: "p2p-peer")
    let stops = StopRequests()
    let state = Result { () throws(PeerStartError) in
      try PeerState.open(
        settings.state, index: settings.index, isOwnIndex: settings.isOwnIndex,
        forgetsConnect: settings.forgetsConnect, logger: logger,
        catalogueDamaged: { stops.request(exitStatus: 1) })
    }
    return AsynchronousWork.wait {
      let (loops, pools) = await threads.value
      defer { loops.shutdownGracefully { _ in } }
      do throws(PeerStartError) {
        let daemon = try await PeerDaemon.start(settings, try state.get(), group: loops, threads: pools, logger: logger)
        return await run(daemon, settings, channel, pulse: LoopPulse.through(loops), stops, logger)
      } catch {
        await pools.stop()
        standardError.reportLast(error.description)
        channel?.sendFailed(error.description)
        return error.isTemporary ? temporaryStatus : 1
      }
    }
  }

  private static func run(
    _ daemon: PeerDaemon, _ settings: PeerDaemon.Settings, _ channel: SupervisorChannel?,
    pulse: @escaping SupervisorChannel.Pulse, _ stops: StopRequests, _ logger: Logger
  ) async -> CInt {
    logger.info(
      "ready to serve",
      metadata: [
        "peer": "\(settings.name)", "id": "\(daemon.id)", "uploads": "\(daemon.uploads)",
        "control": "\(settings.controlPath)",
      ])
    let own = FirstEvent()
    let reloads = LatestValues { (settings: ChildSettings) in await reload(daemon, settings) }
    channel?.run(
      pulse: pulse, onStop: { stops.request() }, onReload: { reloads.submit($0) },
      onListen: { descriptor in
        Task {
          do {
            try await daemon.listen(at: descriptor)
          } catch {
            logger.error("cannot serve the new control socket", metadata: ["error": "\(error)"])
          }
        }
      }, onGo: { own.happened() })
    let connecting = channel.map { channel in
      channel.sendIdentity(daemon.id)
      return Task {
        // In a closed network of this supervisor's index, this peer would be a stranger before.
        await own.wait(for: goTimeout)
        if !Task.isCancelled { await daemon.connect() }
      }
    }
    let readiness = Task {
      await daemon.firstTryEnded()
      // Once more when the address is another one, after `join` for example.
      daemon.onReachableAddress {
        channel?.sendReady(ChannelAddresses(uploads: $0.description, control: settings.controlPath))
      }
    }
    let status = await stops.first()
    connecting?.cancel()
    await connecting?.value
    readiness.cancel()
    reloads.stop()
    await daemon.stop()
    return status
  }

  /// How long a peer waits until the index of its supervisor knows it.
  private static let goTimeout = Duration.seconds(2)

  private static func reload(_ daemon: PeerDaemon, _ settings: ChildSettings) async {
    guard case .peer(let settings) = settings else { return }
    await daemon.reload(index: settings.index, isOwn: settings.isOwnIndex, advertise: settings.advertise)
  }
}
