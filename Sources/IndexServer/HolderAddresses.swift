// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// Under which address a holder is reported to one who asks.
package struct HolderAddresses: Sendable {
  /// Addresses that a peer may advertise though it does not come from them. Empty: none, or anybody could aim the traffic
  /// of strangers at third parties.
  package let advertisable: [AddressRange]

  package init(advertisable: [AddressRange] = []) {
    self.advertisable = advertisable
  }

  package func mayAdvertise(_ address: HostAddress) -> Bool {
    address.isGlobalUnicast && advertisable.contains { $0.contains(address) }
  }

  /// What a holder on the index's own machine is told as to an asker from elsewhere is the address at which the asker has
  /// reached the index: told of a loopback address, it would fetch from itself.
  package static func reported(_ host: String, to asker: Asker) -> String {
    guard let reachedAt = asker.reachedAt, isLoopback(host) else { return host }
    return reachedAt
  }

  private static func isLoopback(_ host: String) -> Bool {
    host == "::1" || host.utf8.starts(with: "127.".utf8)
  }
}

/// Where a request comes from, as far as it decides what is reported.
package struct Asker: Equatable, Sendable {
  /// The index's own address as the asker used it; `nil` for an asker on the same machine.
  package let reachedAt: String?

  package init(reachedAt: String?) {
    self.reachedAt = reachedAt
  }
}
