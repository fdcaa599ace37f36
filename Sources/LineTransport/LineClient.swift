// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix

/// Makes connections to line servers.
package enum LineClient {
  /// Receive buffers of a connection that carries bodies: with work attached to each, large ones win.
  package static let bodyBuffer = 256 * 1024

  /// Connects to a host by name or address and installs the role. The role's `opened` has been called when the future
  /// succeeds.
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

  /// As above, to an address: nothing is resolved.
  ///
  /// - Parameter receiveBuffer: in bytes; `nil` for a buffer that adapts to what comes.
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
