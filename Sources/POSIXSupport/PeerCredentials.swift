// SPDX-License-Identifier: Apache-2.0

import CProcess

/// The process at the other end of a Unix socket, as of its connect(2) or listen(2): SO_PEERCRED in unix(7).
package struct PeerCredentials: Equatable, Sendable {
  package let user: UInt32
  package let group: UInt32
  /// 0 for a process in a PID namespace that this one cannot see.
  package let process: Int32

  package init(user: UInt32, group: UInt32, process: Int32) {
    self.user = user
    self.group = group
    self.process = process
  }

  /// - Returns: `nil` if `descriptor` is not a connected Unix socket.
  package static func read(from descriptor: CInt) -> PeerCredentials? {
    var credentials = peer_credentials()
    guard socket_peer_credentials(descriptor, &credentials) == 0 else { return nil }
    // Linux reports the invalid user -1 for sockets without a peer, TCP sockets among them.
    guard credentials.user != .max else { return nil }
    return PeerCredentials(user: credentials.user, group: credentials.group, process: credentials.pid)
  }
}
