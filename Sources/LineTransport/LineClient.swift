package import NIOCore
import NIOPosix

/// Makes connections to line servers.
package enum LineClient {
  /// Receive buffers of a connection that carries bodies: with work attached to each, large ones win.
  package static let bodyBuffer = 256 * 1024

  /// Connects and installs the role. The role's `opened` has been called when the future succeeds.
  ///
  /// - Parameters:
  ///   - receiveBuffer: in bytes; `nil` for a buffer that adapts to what comes.
  /// - Returns: the channel; closing it ends the connection. Fails with `ChannelError.connectTimeout`, the errno of
  ///   connect(2) or the resolver's error.
  package static func connect<Role: LineRole>(
    host: String, port: UInt16, on loop: any EventLoop, limits: LineLimits, timeout: TimeAmount,
    receiveBuffer: Int? = nil, makeRole: @escaping @Sendable (any EventLoop) -> Role
  ) -> EventLoopFuture<any Channel> {
    var bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(timeout)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
    if let receiveBuffer {
      let allocator = FixedSizeRecvByteBufferAllocator(capacity: receiveBuffer)
      bootstrap = bootstrap.channelOption(.recvAllocator, value: allocator)
    }
    return
      bootstrap
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = LineHandler(role: makeRole(channel.eventLoop), limits: limits, eventLoop: channel.eventLoop)
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
      .connect(host: host, port: Int(port))
      .map { channel in
        KeepAlive.enable(on: channel)
        return channel
      }
  }
}
