// SPDX-License-Identifier: Apache-2.0

import LineTransport
import NIOCore
import DocumentModel

/// Where a holder can be reached: an index may claim anything, and must not aim us at what no peer can be.
enum SourceAddress {
  /// - Parameter mayBeLocal: whether the index is on this machine: only such an index speaks of peers that are, too.
  /// - Returns: `nil` for what is no IP address, and for one that stands for no single host, for a host on this link only,
  ///   or, where that cannot be, for this machine.
  static func usable(_ holder: Holder, mayBeLocal: Bool) -> SocketAddress? {
    guard let address = try? SocketAddress(ipAddress: holder.host, port: Int(holder.port)), let host = address.hostText
    else { return nil }
    guard !address.isLinkLocal, !isUnspecifiedOrMany(host) else { return nil }
    return mayBeLocal || !address.isLoopback ? address : nil
  }

  /// 0.0.0.0/8, 224.0.0.0/3 (multicast, reserved, broadcast); ::, ff00::/8.
  private static func isUnspecifiedOrMany(_ host: String) -> Bool {
    guard !host.contains(":") else { return host == "::" || host.lowercased().hasPrefix("ff") }
    guard let first = host.split(separator: ".").first.flatMap({ UInt8($0) }) else { return true }
    return first == 0 || first >= 224
  }
}
