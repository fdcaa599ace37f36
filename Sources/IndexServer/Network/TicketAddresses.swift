// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import POSIXSupport
import WireProtocol

/// Where others may reach an index, for the tickets that name no address.
package enum TicketAddresses {
  /// - Parameters:
  ///   - listening: where the index listens; an empty or unspecified host means all addresses of the machine.
  ///   - interfaces: the addresses of the machine.
  /// - Returns: the addresses that mean the same on other machines, IPv4 first, because more networks have it, but not
  ///   alone, because a machine may have many of them for its containers; if there are none, the one at which it listens.
  package static func reachable(
    _ listening: Endpoint, interfaces: [String] = InterfaceAddresses.all()
  ) -> [Endpoint] {
    let own = HostAddress(listening.host)
    let isEverywhere = own == nil && listening.host.isEmpty || WildcardAddress.hosts.contains(listening.host)
    guard isEverywhere else { return [listening] }
    let isIPv4Only = own?.isIPv6 == false
    let addresses = interfaces.compactMap { HostAddress($0) }
      .filter { $0.isGlobalUnicast && !(isIPv4Only && $0.isIPv6) }
    let (limit, later) = (Ticket.maxAddresses, addresses.filter(\.isIPv6))
    let first = addresses.filter { !$0.isIPv6 }.prefix(limit - min(later.count, limit / 4))
    let reachable = (first + later.prefix(limit - first.count)).map { Endpoint(host: $0.text, port: listening.port) }
    return reachable.isEmpty
      ? [Endpoint(host: isIPv4Only || own == nil ? "127.0.0.1" : "::1", port: listening.port)] : reachable
  }

  /// An unspecified, link-local, multicast or broadcast address. One of loopback means the index to users of its machine.
  static func meansNothing(_ address: Endpoint) -> Bool {
    HostAddress(address.host).map { !$0.isGlobalUnicast && !$0.isLoopback } ?? false
  }
}
