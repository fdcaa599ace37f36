// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineTransport
package import Logging
package import NIOCore
package import NIOPosix
import Synchronization
package import WireProtocol

/// Serves shared content to other peers, at the socket of the settings and, if need be, at a second one.
package final class UploadServer: Sendable {
  private let server: LineServer
  private let gate: ConnectionGate
  private let second: SecondListener

  /// Where other machines reach it, if that is its second socket, and who is told of changes.
  fileprivate struct Outer {
    var address: Endpoint?
    var changed: (@Sendable () -> Void)?
  }

  private init(server: LineServer, gate: ConnectionGate, second: SecondListener) {
    self.server = server
    self.gate = gate
    self.second = second
  }

  /// Number of open connections.
  package var connectionCount: Int { gate.count }

  /// Starts the server.
  ///
  /// - Parameters:
  ///   - isChosen: whether a person chose where it listens. If not, it also listens at addresses of the network from which
  ///     it reaches its index.
  ///   - partials: unfinished downloads that are served as well.
  ///   - tls: what is offered besides plain lines; `nil` for plain lines alone, from anywhere.
  ///   - passes: decides whom it serves in a closed network, and says what belongs to the network.
  ///   - pool: threads for blocking work on catalogue and files.
  ///   - slots: `nil` for those of `limits`.
  ///   - limiter: bounds the rate of all uploads together.
  ///   - refusals: maximum number of refusals sent at a time.
  ///   - changed: receives shares whose file has changed or must be hashed again.
  /// - Throws: the errno of bind(2) or listen(2) as `IOError`, or `ListenerError`.
  package static func start(
    _ listener: LineServer.Listener, isChosen: Bool = true, identity: (id: PeerID, name: PeerName),
    tls: TLSOffer? = nil, passes: PassKeeper = PassKeeper(), ledger: ShareLedger, partials: PartialHoldings,
    transfers: TransferRegistry,
    group: any EventLoopGroup,
    pool: NIOThreadPool,
    limits: PeerLimits = PeerLimits(), slots: UploadSlots? = nil, limiter: RateLimiter = RateLimiter(),
    refusals: Int = 64, logger: Logger,
    changed: ChangedFiles
  ) async throws -> UploadServer {
    let service = UploadService(
      ledger: ledger, partials: partials, passes: passes, limits: limits, changed: changed)
    let turns = UploadTurns(pool: pool)
    let slots = slots ?? UploadSlots(limit: limits.slots)
    let gate = ConnectionGate(
      limit: limits.connections, limitOfAddress: limits.connectionsPerAddress, refusalLimit: refusals)
    let listen = { @Sendable (listener: LineServer.Listener) async throws in
      try await LineServer.start(
        listener, group: group, limits: LineLimits(line: limits.line), gate: gate, tls: tls,
        report: { logger.warning("uploads: \($0)") }
      ) { _ in
        UploadRole(
          service: service, identity: identity, passes: passes, turns: turns, slots: slots, limiter: limiter,
          transfers: transfers)
      }
    }
    let server = try await listen(listener)
    let second = SecondListener(beside: server.endpoint, isChosen: isChosen, logger: logger, listen: listen)
    return UploadServer(server: server, gate: gate, second: second)
  }

  /// The address of its first socket.
  package var address: Endpoint { server.endpoint }

  /// The address at which other machines reach it, if there is one; else that of its first socket.
  package var reachableAddress: Endpoint { second.outer.withLock { $0.address } ?? address }

  /// Calls `body` now, and whenever `reachableAddress` has changed; one call at a time does not wait for another.
  package func onReachableAddress(_ body: @escaping @Sendable (Endpoint) -> Void) {
    second.outer.withLock { $0.changed = { [weak self] in if let self { body(self.reachableAddress) } } }
    body(reachableAddress)
  }

  /// Listens where others are told to connect as well.
  ///
  /// - Parameter own: the address from which this peer is connected to its index, which reports it.
  package func listen(asReportedFrom own: String) async {
    await second.follow(own)
  }

  /// Stops accepting, finishes the answers in progress, closes.
  package func stop(within timeout: TimeAmount) async {
    async let others: Void = second.stop(within: timeout)
    await server.drain(within: timeout)
    await others
  }
}

/// Where a peer must listen so that others reach it.
package enum UploadAddress {
  /// The host at which it must listen as well; `nil` if others reach it already, or if that would open it to a network
  /// although a person chose otherwise.
  ///
  /// - Parameters:
  ///   - own: the address from which it is connected to its index.
  ///   - listening: the host at which it listens.
  ///   - isChosen: whether a person chose that host.
  package static func missing(own: String, listening: String, isChosen: Bool) -> String? {
    guard let own = HostAddress(own), own.isLoopback || (own.isGlobalUnicast && !isChosen) else { return nil }
    let isCovered = listening == own.text || listening == "::" || (listening == "0.0.0.0" && !own.isIPv6)
    return isCovered ? nil : own.text
  }
}

/// A second listening socket beside the one of the settings, while the index reports this peer at an address that the first
/// one does not cover: ::1 instead of 127.0.0.1, for example.
private actor SecondListener {
  /// For answers in progress, when another address is wanted.
  private static let drainTimeout = TimeAmount.seconds(4)

  private let first: Endpoint
  private let isChosen: Bool
  private let logger: Logger
  private let listen: @Sendable (LineServer.Listener) async throws -> LineServer
  /// The host to listen at, as far as is known now.
  private var wanted: String?
  private var current: (host: String, server: LineServer)? {
    didSet { show(current?.host) }
  }
  nonisolated let outer = Mutex(UploadServer.Outer())
  private var isSettling = false
  private var isStopped = false

  init(
    beside first: Endpoint, isChosen: Bool, logger: Logger,
    listen: @escaping @Sendable (LineServer.Listener) async throws -> LineServer
  ) {
    self.first = first
    self.isChosen = isChosen
    self.logger = logger
    self.listen = listen
  }

  func follow(_ own: String) async {
    guard !isStopped else { return }
    wanted = UploadAddress.missing(own: own, listening: first.host, isChosen: isChosen)
    await settle()
  }

  func stop(within timeout: TimeAmount) async {
    (wanted, isStopped) = (nil, true)
    if let server = current.take()?.server { await server.drain(within: timeout) }
  }

  /// Loopback leads nowhere but to this machine, as the first socket does.
  private func show(_ host: String?) {
    let host = host.flatMap { HostAddress($0)?.isLoopback == false ? $0 : nil }
    let address = host.map { Endpoint(host: $0, port: first.port) }
    let changed = outer.withLock { outer in
      guard outer.address != address else { return nil as (@Sendable () -> Void)? }
      outer.address = address
      return outer.changed
    }
    changed?()
  }

  /// What is wanted may change at each suspension.
  private func settle() async {
    guard !isSettling else { return }
    isSettling = true
    defer { isSettling = false }
    while current?.host != wanted {
      if let old = current.take() { await old.server.drain(within: Self.drainTimeout) }
      guard let host = wanted else { continue }
      let address = Endpoint(host: host, port: first.port)
      do {
        current = (host, try await listen(.address(host: host, port: first.port)))
        logger.info("listens where the index reports this peer as well", metadata: ["address": "\(address)"])
      } catch {
        logger.warning(
          "cannot listen where the index reports this peer, so others cannot fetch from it: choose another port",
          metadata: ["address": "\(address)", "reason": "\(ConnectFailure.explain(error))"])
        if wanted == host { return }
      }
    }
  }
}

extension LineServer {
  fileprivate var endpoint: Endpoint {
    Endpoint(host: address?.hostText ?? "", port: UInt16(address?.port ?? 0))
  }
}
