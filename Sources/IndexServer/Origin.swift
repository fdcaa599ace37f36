// SPDX-License-Identifier: Apache-2.0

import LineTransport
package import NIOCore

/// Where a session comes from.
package struct Origin: Equatable, Sendable {
  /// As the index sees it.
  package let host: String
  /// Whether it means something on one link only, so that others must not be told of it.
  package let isLinkLocal: Bool
  package let asker: Asker

  package init(remote: SocketAddress?, local: SocketAddress?) {
    // A Unix socket has no address: who uses it is on this machine.
    host = remote?.hostText ?? "127.0.0.1"
    isLinkLocal = remote?.isLinkLocal ?? false
    let isOnThisMachine = remote?.isLoopback ?? true
    asker = Asker(reachedAt: isOnThisMachine ? nil : local?.hostText)
  }
}
