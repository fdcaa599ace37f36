// SPDX-License-Identifier: Apache-2.0

import LineJSON
import NIOCore

/// What the connection speaks.
extension LineHandler {
  /// Decides by the first byte that has arrived.
  func isPlain(_ incoming: ByteBuffer, _ acceptor: TLSAcceptor) -> Bool {
    guard let first = incoming.readableBytesView.first, let channel = context?.channel else { return false }
    self.acceptor = nil
    if first == TLSAcceptor.handshakeByte {
      do {
        // What goes to the socket directly would not be encrypted.
        socket = nil
        let link = try acceptor.accept(before: self, in: channel, turns: turns)
        self.link = link
        link.begin(with: incoming)
      } catch {
        abort()
      }
      return false
    }
    if acceptor.admitsPlain(channel.remoteAddress) { return true }
    send { role.refused(.plain, output: &$0) }
    close()
    return false
  }

  /// By TLS in parts, each of which leaves on its own.
  func write(bytes: ByteBuffer, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
    guard let limit = link?.writeLimit else { return write(wrapOutboundOut(bytes), context, promise: promise) }
    var bytes = bytes
    while bytes.readableBytes > limit, let part = bytes.readSlice(length: limit) {
      context.writeAndFlush(wrapOutboundOut(part), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
  }
}
