// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension SocketAddress {
  /// The address as text, without port and zone; IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2) as IPv4. `nil` for
  /// Unix sockets.
  package var hostText: String? {
    guard let text = ipAddress else { return nil }
    let unmapped = text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    return unmapped.split(separator: "%").first.map(String.init)
  }

  /// Whether it is an address of this machine only: 127.0.0.0/8, ::1 or a Unix socket.
  package var isLoopback: Bool {
    guard let host = hostText else { return true }
    return host == "::1" || host.hasPrefix("127.")
  }

  /// Whether it is meaningful on one link only: 169.254.0.0/16 or fe80::/10.
  package var isLinkLocal: Bool {
    guard let host = hostText else { return false }
    return host.hasPrefix("169.254.")
      || ["fe8", "fe9", "fea", "feb"].contains { host.lowercased().hasPrefix($0) }
  }

  /// `HOST:PORT`, IPv6 in brackets; the path of a Unix socket.
  package var endpointText: String {
    guard let host = hostText, let port else { return pathname ?? "" }
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
