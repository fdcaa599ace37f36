// SPDX-License-Identifier: Apache-2.0

/// Who a peer is: the SHA-256 of its public key (DER SubjectPublicKeyInfo), 64 hex digits.
///
/// A claim until a handshake proves that its holder has the private key.
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
