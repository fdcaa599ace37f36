// SPDX-License-Identifier: Apache-2.0

/// The id of a peer: the SHA-256 of its public key (DER SubjectPublicKeyInfo), 64 hex digits.
///
/// It is a claim until a handshake proves possession of the private key.
package struct PeerID: Hashable, Sendable {
  package let digest: Digest

  package init(digest: Digest) {
    self.digest = digest
  }

  /// Exactly 64 lower-case hex digits.
  package init?(hex: String) {
    guard let digest = Digest(hex: hex) else { return nil }
    self.digest = digest
  }

  package var hex: String { digest.hex }
}

extension PeerID: Comparable {
  package static func < (left: PeerID, right: PeerID) -> Bool { left.digest < right.digest }
}

extension PeerID: CustomStringConvertible {
  package var description: String { hex }
}

/// The name of a peer: `[A-Za-z0-9_][A-Za-z0-9._-]{0,31}`, neither `index` nor `supervisor`. Unique on a machine, not in
/// the network.
package struct PeerName: Hashable, Sendable {
  package static let maximumLength = 32
  private static let reserved = ["index", "supervisor"]

  package let text: String

  package init(_ text: String) throws(InvalidValue) {
    guard (1...Self.maximumLength).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed),
      text.utf8.first != 0x2E, text.utf8.first != 0x2D
    else {
      throw InvalidValue(
        "a peer name is 1 to \(Self.maximumLength) letters, digits, dots, dashes and underscores, "
          + "and does not begin with a dot or a dash")
    }
    guard !Self.reserved.contains(text) else { throw InvalidValue("the name \(text) is reserved") }
    self.text = text
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2E, 0x2D: true
    default: false
    }
  }
}

extension PeerName: CustomStringConvertible {
  package var description: String { text }
}

/// What tells holders apart: a peer at an address. A peer may have several, and several peers may share one.
package struct HolderID: Hashable, Sendable {
  package let peer: PeerID
  /// IPv4 or IPv6 address as text.
  package let host: String
  package let port: UInt16

  package init(peer: PeerID, host: String, port: UInt16) {
    self.peer = peer
    self.host = host
    self.port = port
  }
}

extension HolderID: Comparable {
  /// By peer, then by the bytes of the host, then by port.
  package static func < (left: HolderID, right: HolderID) -> Bool {
    if left.peer != right.peer { return left.peer < right.peer }
    if left.host != right.host { return left.host.utf8.lexicographicallyPrecedes(right.host.utf8) }
    return left.port < right.port
  }
}
