// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import LineTransport
import NIOCore
import NIOPosix
import ProcessSupport
import WireProtocol

/// The index as a process: started by hand with options, or by a supervisor that has passed it a channel.
package enum IndexProcess {
  package struct Options: Sendable {
    /// Where to listen. A supervisor's listening socket comes before it.
    package var listen = Endpoint.defaultIndex
    /// Addresses that peers may advertise though they do not come from them.
    package var allowAdvertise: [AddressRange] = []

    package init() {}
  }

  private static let standardError = StandardError(program: "p2p-index")
  /// A program that cannot be used in this way: EX_USAGE of sysexits.h.
  private static let usageStatus: CInt = 64

  /// Serves until SIGTERM, SIGINT or the supervisor's word to stop.
  ///
  /// Call it before anything has started a thread.
  /// - Returns: the exit status: 0 after an orderly end, 1 where it cannot listen, 64 where it was not started as it
  ///   should be.
  package static func run(_ options: Options = Options()) -> CInt {
    defer { standardError.flush() }
    StopRequests.hold()
    ProcessResources.ignoreWriteSignals()
    ProcessResources.resolveWithoutPlugins()
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
    let addresses = channel.flatMap { holderAddresses(from: $0.start.settings) }
    let service = IndexService(
      limits: limits(descriptors: descriptors),
      addresses: addresses ?? HolderAddresses(advertisable: options.allowAdvertise))
    let group = MultiThreadedEventLoopGroup(numberOfThreads: min(2, System.coreCount))
    return AsynchronousWork.wait { await serve(service, options, channel, group) }
  }

  private static func serve(
    _ service: IndexService, _ options: Options, _ channel: SupervisorChannel?, _ group: MultiThreadedEventLoopGroup
  ) async -> CInt {
    let stops = StopRequests()
    defer { group.shutdownGracefully { _ in } }
    let server: IndexServer
    do {
      server = try await IndexServer.start(listener(options, channel), service: service, group: group)
    } catch {
      return fail(ListenFailure.explain(error, listen: options.listen), 1, channel)
    }
    standardError.report("listens at \(server.address)", .info)
    if let channel {
      channel.sendReady(ChannelAddresses(index: server.address))
      channel.run(pulse: LoopPulse.through(group), onStop: { stops.request() }) { settings in
        if let addresses = holderAddresses(from: settings) { service.addresses = addresses }
      }
    }
    let status = await stops.first()
    await server.stop()
    return status
  }

  private static func holderAddresses(from settings: ChildSettings) -> HolderAddresses? {
    guard case .index(let settings) = settings else { return nil }
    return HolderAddresses(advertisable: settings.allowAdvertise)
  }

  private static func listener(_ options: Options, _ channel: SupervisorChannel?) -> LineServer.Listener {
    if let inherited = channel?.start.listeners.index { return .inherited(inherited) }
    guard case .index(let settings) = channel?.start.settings else {
      return .address(host: options.listen.host, port: options.listen.port)
    }
    return .address(host: settings.address.host, port: settings.address.port)
  }

  /// The limits of the wire, brought down to what the system gives: a few descriptors serve the process itself.
  private static func limits(descriptors: Int) -> IndexLimits {
    var limits = IndexLimits()
    limits.connections = max(1, min(limits.connections, descriptors - 64))
    return limits
  }

  private static func fail(_ message: String, _ status: CInt, _ channel: SupervisorChannel?) -> CInt {
    standardError.reportLast(message)
    channel?.sendFailed(message)
    return status
  }
}
