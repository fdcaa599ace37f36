// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import NIOCore
package import POSIXSupport

/// The connection as its role sees it. To be used on its event loop only.
///
/// Inside the role's `received` calls an answer goes into their `output`; everything below is for what comes at other times.
package protocol LineConnection: AnyObject {
  var eventLoop: any EventLoop { get }
  var remoteAddress: SocketAddress? { get }
  var localAddress: SocketAddress? { get }
  /// The process that connected to a Unix socket; `nil` on other sockets.
  var credentials: PeerCredentials? { get }
  /// When the last byte came.
  var lastReceived: NIODeadline { get }
  /// Writes an event, a request or an answer that took its time. Flushed at once.
  func send(_ write: (inout JSONWriter) -> Void)
  /// Writes bytes as they are. The future succeeds when the system has taken them, and fails where the connection is gone:
  /// who waits for it before sending more makes us hold no more than this.
  func send(bytes: ByteBuffer) -> EventLoopFuture<Void>
  /// Writes part of a file by sendfile(2). The future fails where the connection is gone.
  func send(region: FileRegion) -> EventLoopFuture<Void>
  /// Ends `.busy`: the next lines are handed to the role.
  func resume()
  /// Flushes what was sent, then closes.
  func close()
  /// Closes now: what was sent may be lost. For a body that cannot be completed.
  func abort()
}
