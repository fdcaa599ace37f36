// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix

/// Makes connections to line servers.
package enum LineClient {
  /// The largest receive buffer of a connection that carries bodies: with work attached to each buffer, large ones are faster.
  package static let bodyBuffer = 256 * 1024

  /// Connects to a host by name or address and installs the role. `opened` is called before the future succeeds.
  ///
  /// A numeric address is used without a look-up. The addresses of a name are tried as RFC 8305 says (Happy Eyeballs); only
  /// the connection that is used gets a role.
  /// - Parameters:
  ///   - timeout: for all of it, the look-up included; a handshake of TLS has as much again.
  ///   - tls: `nil` for a plain connection.
  /// - Returns: the channel; closing it ends the connection. Fails with `ChannelError.connectTimeout`, the errno of
  ///   connect(2) as `IOError`, `NIOConnectionError` with a failure for each address or a `HostLookupFailure`, or a
  ///   `TLSFailure`.
  package static func connect<Role: LineRole>(
    host: String, port: UInt16, on loop: any EventLoop, limits: LineLimits, timeout: TimeAmount,
    tls: ClientTLS? = nil, lookups: HostLookups = .shared, makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) -> EventLoopFuture<any Channel> {
    if let address = HostLookups.numeric(host, port: port) {
      return connect(to: address, on: loop, limits: limits, timeout: timeout, tls: tls, makeRole: makeRole)
    }
    // Earlier than the whole attempt, which would not say what took so long.
    let resolver = HostResolver(lookups: lookups, loop: loop, timeout: timeout - .nanoseconds(timeout.nanoseconds / 8))
    return loop.flatSubmit {
      let connected = bootstrap(on: loop, timeout: timeout).resolver(resolver).connect(host: host, port: Int(port))
      return install(makeRole, limits, tls, timeout, on: connected)
    }
  }

  /// As above, without resolving a name.
  ///
  /// - Parameter receiveBuffer: the largest buffer in bytes, which adapts to what arrives: a slow source must not cost a large
  ///   allocation for each packet. `nil` for the usual maximum.
  package static func connect<Role: LineRole>(
    to address: SocketAddress, on loop: any EventLoop, limits: LineLimits, timeout: TimeAmount,
    tls: ClientTLS? = nil, receiveBuffer: Int? = nil, makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) -> EventLoopFuture<any Channel> {
    loop.flatSubmit {
      var bootstrap = bootstrap(on: loop, timeout: timeout)
      if let receiveBuffer {
        let allocator = AdaptiveRecvByteBufferAllocator(
          minimum: 2_048, initial: min(65_536, receiveBuffer), maximum: receiveBuffer)
        bootstrap = bootstrap.channelOption(.recvAllocator, value: allocator)
        // NIOSSL collects what several reads bring, in a buffer that it keeps.
        if tls != nil { bootstrap = bootstrap.channelOption(.maxMessagesPerRead, value: 1) }
      }
      return install(makeRole, limits, tls, timeout, on: bootstrap.connect(to: address))
    }
  }

  private static func bootstrap(on loop: any EventLoop, timeout: TimeAmount) -> ClientBootstrap {
    ClientBootstrap(group: loop)
      .connectTimeout(timeout)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
  }

  /// The handler joins after the connection is made, in the same turn of the event loop: nothing is read before. Called on the
  /// loop: a server that talks first and half-closes its connection is read whatever was asked for, so a turn later what it
  /// has said would be lost.
  private static func install<Role: LineRole>(
    _ makeRole: @escaping @Sendable (any EventLoop) -> Role, _ limits: LineLimits, _ tls: ClientTLS?,
    _ timeout: TimeAmount, on connected: EventLoopFuture<any Channel>
  ) -> EventLoopFuture<any Channel> {
    connected.flatMap { channel in
      let loop = channel.eventLoop
      KeepAlive.enable(on: channel)
      let opened = loop.makePromise(of: Void.self)
      do {
        let handler = LineHandler(role: makeRole(loop), limits: limits, eventLoop: loop)
        if let tls {
          let link = ClientTLSLink(expected: tls.expected, handshake: opened)
          handler.link = link
          try link.install(tls.identity, before: handler, in: channel, timeout: tls.timeout ?? timeout)
        } else {
          try channel.pipeline.syncOperations.addHandler(handler)
          opened.succeed()
        }
      } catch {
        opened.fail(error)
      }
      opened.futureResult.whenFailure { _ in channel.close(promise: nil) }
      return opened.futureResult.map { channel }
    }
  }
}

/// TCP keep-alive (tcp(7)): detects a vanished host within about a minute, even on a silent connection.
enum KeepAlive {
  /// Seconds of silence before the first probe, seconds between probes, number of unanswered probes.
  private static let settings: [(option: CInt, value: Int)] = [
    (TCP_KEEPIDLE, 30), (TCP_KEEPINTVL, 10), (TCP_KEEPCNT, 3),
  ]

  /// Best effort: a Unix socket has none of these options.
  static func enable(on channel: any Channel) {
    guard channel.remoteAddress?.ipAddress != nil, let options = channel.syncOptions else { return }
    try? options.setOption(.socketOption(.so_keepalive), value: 1)
    for (option, value) in settings {
      try? options.setOption(.tcpOption(.init(rawValue: option)), value: value)
    }
  }
}
