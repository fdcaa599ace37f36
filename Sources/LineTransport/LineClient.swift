// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import NIOPosix

/// Makes connections to line servers.
package enum LineClient {
  /// Receive buffer for a connection that carries bodies: with work attached to each buffer, large ones are faster.
  package static let bodyBuffer = 256 * 1024

  /// Connects to a host by name or address and installs the role. `opened` is called before the future succeeds.
  ///
  /// - Returns: the channel; closing it ends the connection. Fails with `ChannelError.connectTimeout`, the errno of
  ///   connect(2) or the resolver's error.
  package static func connect<Role: LineRole>(
    host: String, port: UInt16, on loop: any EventLoop, limits: LineLimits, timeout: TimeAmount,
    makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) -> EventLoopFuture<any Channel> {
    bootstrap(on: loop, limits: limits, timeout: timeout, makeRole: makeRole)
      .connect(host: host, port: Int(port))
      .map(enableKeepAlive)
  }

  /// As above, without resolving a name.
  ///
  /// - Parameter receiveBuffer: in bytes; `nil` for a buffer that adapts to the input.
  package static func connect<Role: LineRole>(
    to address: SocketAddress, on loop: any EventLoop, limits: LineLimits, timeout: TimeAmount,
    receiveBuffer: Int? = nil, makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) -> EventLoopFuture<any Channel> {
    var bootstrap = bootstrap(on: loop, limits: limits, timeout: timeout, makeRole: makeRole)
    if let receiveBuffer {
      let allocator = FixedSizeRecvByteBufferAllocator(capacity: receiveBuffer)
      bootstrap = bootstrap.channelOption(.recvAllocator, value: allocator)
    }
    return bootstrap.connect(to: address).map(enableKeepAlive)
  }

  private static func bootstrap<Role: LineRole>(
    on loop: any EventLoop, limits: LineLimits, timeout: TimeAmount,
    makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) -> ClientBootstrap {
    ClientBootstrap(group: loop)
      .connectTimeout(timeout)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = LineHandler(role: makeRole(channel.eventLoop), limits: limits, eventLoop: channel.eventLoop)
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
  }

  @Sendable private static func enableKeepAlive(_ channel: any Channel) -> any Channel {
    KeepAlive.enable(on: channel)
    return channel
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
