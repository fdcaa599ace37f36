// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineTransport
package import NIOCore

/// The rules for the address under which a holder is reported.
package struct HolderAddresses: Sendable {
  /// Addresses that a peer may advertise although it does not connect from them. Empty: none; otherwise anybody could aim
  /// the traffic of strangers at third parties.
  package let advertisable: [AddressRange]

  package init(advertisable: [AddressRange] = []) {
    self.advertisable = advertisable
  }

  package func mayAdvertise(_ address: HostAddress) -> Bool {
    address.isGlobalUnicast && advertisable.contains { $0.contains(address) }
  }

  /// A loopback holder is reported to remote clients under the address they used to reach the index: under its own, they
  /// would fetch from themselves.
  package static func reported(_ host: String, to asker: Asker) -> String {
    guard let reachedAt = asker.reachedAt, isLoopback(host) else { return host }
    return reachedAt
  }

  static func isLoopback(_ host: String) -> Bool {
    host == "::1" || host.utf8.starts(with: "127.".utf8)
  }
}

/// What of a client's address decides which addresses it gets.
package struct Asker: Equatable, Sendable {
  /// The index's own address as the client used it; `nil` for a client on the same machine.
  package let reachedAt: String?

  package init(reachedAt: String?) {
    self.reachedAt = reachedAt
  }
}

/// Where a session comes from.
package struct Origin: Equatable, Sendable {
  /// As the index sees it.
  package let host: String
  /// Whether the address is meaningful on one link only, so that it cannot be reported to others.
  package let isLinkLocal: Bool
  /// What counts for the limits per address; `nil` on this machine, for which there are none.
  package let block: AddressBlock?
  package let asker: Asker

  package init(remote: SocketAddress?, local: SocketAddress?) {
    // A Unix socket has no address: its client is on this machine.
    host = remote?.hostText ?? "127.0.0.1"
    isLinkLocal = remote?.isLinkLocal ?? false
    block = ConnectionGate.block(of: remote)
    let isOnThisMachine = remote?.isLoopback ?? true
    asker = Asker(reachedAt: isOnThisMachine ? nil : local?.hostText)
  }
}
