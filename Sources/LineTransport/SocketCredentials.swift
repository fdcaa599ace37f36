// SPDX-License-Identifier: Apache-2.0

package import Glibc
import NIOCore

/// Who is at the other end of a Unix socket, as of its connect(2): SO_PEERCRED in unix(7).
package struct SocketCredentials: Equatable, Sendable {
  package let process: pid_t
  package let user: uid_t

  package init(process: pid_t, user: uid_t) {
    self.process = process
    self.user = user
  }

  /// Already complete on the channel's event loop.
  static func read(from channel: any Channel) -> EventLoopFuture<SocketCredentials> {
    guard channel.remoteAddress?.ipAddress == nil, let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
    // `struct ucred` is three numbers of 32 bits, process, user, group, and so is this tuple.
    let answer: EventLoopFuture<(UInt32, UInt32, UInt32)> = provider.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    return answer.map { SocketCredentials(process: pid_t(bitPattern: $0.0), user: $0.1) }
  }
}
