// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
package import NIOCore
import NIOPosix
import POSIXSupport
import Synchronization

/// Sent down the pipelines of a server's connections when it is about to end.
package struct DrainEvent: Sendable {
  package init() {}
}

/// Sent down the pipeline of a connection to close it immediately.
struct AbortEvent: Sendable {}

/// Accepts connections and gives each a role.
package final class LineServer: Sendable {
  /// The source of the listening socket.
  package enum Listener: Sendable {
    /// A TCP socket of our own.
    case address(host: String, port: UInt16)
    /// A Unix socket of our own, for its owner only (mode 0600). The socket file of a dead process is replaced; the file is
    /// removed at the end.
    case unix(path: String)
    /// A listening socket made by another process. Takes ownership.
    case inherited(CInt)
  }

  /// Length of the kernel's queue of pending connections (listen(2)), cut to net.core.somaxconn.
  private static let backlog: Int32 = 4096

  private let listener: Mutex<any Channel>
  private let connections: ConnectionRegistry
  private let socketFile: UnixSocketFile?
  /// Serves another listening socket of another process.
  private let listen: @Sendable (CInt) async throws -> any Channel

  private init(
    listener: any Channel, connections: ConnectionRegistry, socketFile: UnixSocketFile?,
    listen: @escaping @Sendable (CInt) async throws -> any Channel
  ) {
    self.listener = Mutex(listener)
    self.connections = connections
    self.socketFile = socketFile
    self.listen = listen
  }

  /// The address at which it listens.
  package var address: SocketAddress? { listener.withLock { $0 }.localAddress }

  /// Begins to accept connections.
  ///
  /// - Parameters:
  ///   - gate: counts the connections. A refused one gets the role's refusal and is closed; if too many refusals are being
  ///     sent, it is closed silently.
  ///   - tls: what it offers besides plain lines; `nil` for plain lines alone, from anywhere.
  ///   - reserve: number of descriptors held back, to accept connections when all others are used.
  ///   - report: gets a line for the log when connections are refused or cannot be accepted.
  ///   - onRefusal: called with each refused connection.
  ///   - makeRole: called on the connection's event loop.
  /// - Throws: the errno of bind(2) or listen(2), as `IOError`; `ListenerError` for an inherited descriptor that is not a
  ///   listening socket and for an unusable path.
  package static func start<Role: LineRole>(
    _ source: Listener, group: any EventLoopGroup, limits: LineLimits, gate: ConnectionGate,
    tls: TLSOffer? = nil, reserve: Int = 0,
    report: @escaping @Sendable (String) -> Void = { _ in },
    onRefusal: @escaping @Sendable (ConnectionRefusal, SocketAddress?) -> Void = { _, _ in },
    makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) async throws -> LineServer {
    let connections = ConnectionRegistry()
    let control = AcceptControl(
      reserve: reserve, turns: LoopTurnsTable(pause: limits.pause), acceptor: tls.map(TLSAcceptor.init), report,
      onRefusal)
    let listen = { @Sendable (descriptor: CInt) async throws -> any Channel in
      try await inherit(descriptor, Self.bootstrap(group, limits, gate, connections, control, makeRole))
    }
    func server(_ listener: any Channel, _ socketFile: UnixSocketFile? = nil) -> LineServer {
      LineServer(listener: listener, connections: connections, socketFile: socketFile, listen: listen)
    }
    switch source {
    case .address(let host, let port):
      let bootstrap = Self.bootstrap(group, limits, gate, connections, control, makeRole)
      return server(try await bind(host: host) { try await bootstrap.bind(host: $0, port: Int(port)).get() })
    case .unix(let path):
      let file = try UnixSocketFile(listeningAt: path)
      return server(try await listen(file.descriptor), file)
    case .inherited(let descriptor):
      return server(try await listen(descriptor))
    }
  }

  private static func bootstrap<Role: LineRole>(
    _ group: any EventLoopGroup, _ limits: LineLimits, _ gate: ConnectionGate, _ connections: ConnectionRegistry,
    _ control: AcceptControl, _ makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.maxMessagesPerRead, value: 4)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptPause(control))
        }
      }
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.recvAllocator, value: ReadBuffers())
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          control.accepted(channel)
          try accept(channel, limits, gate, connections, control, makeRole)
        }
      }
  }

  /// Serves this listening socket instead of the one so far, whose path was lost. Connections stay. Takes ownership.
  package func replaceListener(with descriptor: CInt) async throws {
    let new = try await listen(descriptor)
    let old = self.listener.withLock { listener in
      defer { listener = new }
      return listener
    }
    try? await old.close().get()
  }

  /// Stops accepting, lets connections answer what has arrived, and closes the remaining ones after `timeout`.
  package func drain(within timeout: TimeAmount) async {
    socketFile?.remove()
    let listener = self.listener.withLock { $0 }
    try? await listener.close().get()
    await connections.drain(on: listener.eventLoop, within: timeout)
  }

  /// Binds a host; an empty one means all addresses, those of IPv4 alone if the machine has no IPv6.
  package static func bind<Bound>(host: String, _ bind: (String) async throws -> Bound) async throws -> Bound {
    guard host.isEmpty else { return try await bind(host) }
    var candidates = WildcardAddress.hosts[...]
    while let candidate = candidates.popFirst() {
      do {
        return try await bind(candidate)
      } catch let error as IOError where WildcardAddress.isUnsupported(error.errnoCode) && !candidates.isEmpty {
        continue
      }
    }
    throw IOError(errnoCode: EADDRNOTAVAIL, reason: "bind")
  }

  /// NIO calls listen(2) again with its own queue length, so ours is set again after it.
  private static func inherit(_ descriptor: CInt, _ bootstrap: ServerBootstrap) async throws -> any Channel {
    try ListeningDescriptor.check(descriptor)
    let channel = try await bootstrap.withBoundSocket(descriptor).get()
    ListeningDescriptor.setBacklog(descriptor, backlog)
    return channel
  }

  private static func accept<Role: LineRole>(
    _ channel: any Channel, _ limits: LineLimits, _ gate: ConnectionGate, _ connections: ConnectionRegistry,
    _ control: AcceptControl, _ makeRole: (any EventLoop) -> Role
  ) throws {
    KeepAlive.enable(on: channel)
    let address = channel.remoteAddress
    let role = makeRole(channel.eventLoop)
    // Later: who loses its share of a budget may be the connection that asks for more of it.
    let evict = { @Sendable (reason: ConnectionRefusal) in
      control.note(reason, of: address)
      channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(AbortEvent()) }
    }
    switch gate.enter(address, evict: evict) {
    case .failure(let refusal):
      control.note(refusal, of: address)
      let isReported = gate.beginRefusal()
      if isReported { channel.closeFuture.whenComplete { _ in gate.endRefusal() } }
      let refusing = RefusingRole(role: role, refusal: isReported ? refusal : nil)
      let handler = LineHandler(role: refusing, limits: limits, eventLoop: channel.eventLoop)
      try channel.pipeline.syncOperations.addHandler(handler)
    case .success(let number):
      channel.closeFuture.whenComplete { _ in gate.leave(number) }
      let block = ConnectionGate.block(of: address)
      let handler = LineHandler(
        role: role, limits: limits, eventLoop: channel.eventLoop, turns: control.turns.turns(of: channel.eventLoop),
        writesDirectly: true,
        input: LineBudgetShare(of: gate.input, block: block, evict: evict),
        output: LineBudgetShare(of: gate.output, block: block, evict: evict)
      ) { gate.stand(number, as: $0) }
      handler.acceptor = control.acceptor
      try channel.pipeline.syncOperations.addHandler(handler)
      connections.insert(channel)
    }
  }
}

/// Sends the refusal, or closes immediately without one.
private final class RefusingRole<Role: LineRole>: LineRole {
  private let role: Role
  private let refusal: ConnectionRefusal?

  init(role: Role, refusal: ConnectionRefusal?) {
    self.role = role
    self.refusal = refusal
  }

  func opened(_ connection: any LineConnection) {
    guard let refusal else { return connection.abort() }
    connection.send { role.refused(refusal, output: &$0) }
    connection.close()
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict { .close }
}

/// Explains why a server cannot listen, and what to do about it.
package enum ListenFailure {
  package static func explain(_ error: any Error, listen: some CustomStringConvertible) -> String {
    guard let code = (error as? IOError)?.errnoCode else { return "cannot listen at \(listen): \(error)" }
    let reason = "cannot listen at \(listen): \(SystemError(code))"
    switch code {
    case EADDRINUSE:
      return "\(reason). Another process may already be listening there; --listen HOST:PORT chooses another address"
    case EADDRNOTAVAIL:
      return "\(reason). --listen takes an address of this machine"
    case EACCES:
      return "\(reason). Ports below 1024 require root or CAP_NET_BIND_SERVICE"
    default:
      return reason
    }
  }
}
