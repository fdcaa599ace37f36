// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import NIOCore
import WireProtocol

/// The address of a holder. An index may claim anything and must not direct connections to addresses that cannot be a peer.
enum SourceAddress {
  /// - Parameter mayBeLocal: whether the index is on this machine: only then may a peer be.
  /// - Returns: `nil` if it is not an IP address, or an unspecified, multicast, broadcast or link-local one, or a loopback
  ///   one that is not allowed.
  static func usable(_ holder: Holder, mayBeLocal: Bool) -> SocketAddress? {
    guard let address = try? SocketAddress(ipAddress: holder.host, port: Int(holder.port)), let host = address.hostText
    else { return nil }
    guard !address.isLinkLocal, !isUnspecifiedOrMulticast(host) else { return nil }
    return mayBeLocal || !address.isLoopback ? address : nil
  }

  /// 0.0.0.0/8, 224.0.0.0/3 (multicast, reserved, broadcast); ::, ff00::/8.
  private static func isUnspecifiedOrMulticast(_ host: String) -> Bool {
    guard !host.contains(":") else { return host == "::" || host.lowercased().hasPrefix("ff") }
    guard let first = host.split(separator: ".").first.flatMap({ UInt8($0) }) else { return true }
    return first == 0 || first >= 224
  }
}

/// Whether a connection to a holder uses TLS. One that has proven its id to the index is reached by TLS only, and only
/// under that id.
struct SourceSecurity: Sendable {
  /// `nil` for a plain connection.
  let tls: ClientTLS?

  /// - Parameter transport: our own key.
  init(of holder: Holder, _ transport: TransportIdentity?) {
    tls = holder.proven ? transport.map { ClientTLS($0, expected: holder.peer) } : nil
  }
}

extension Holder {
  /// In a closed network every member has proven its id, whatever the index says: none is asked without TLS.
  func secured(inClosed isClosed: Bool) -> Holder {
    var holder = self
    holder.proven = proven || isClosed
    return holder
  }
}

extension SourceFailure {
  /// The connection could not be made.
  init(connecting error: any Error) {
    switch error {
    case ChannelError.connectTimeout, TLSFailure.timedOut: self = .silent
    case TLSFailure.otherPeer(_, let found): self = .otherPeer(found)
    default: self = .lost(ConnectFailure.explain(error))
    }
  }
}
