// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A peer that offers a content, under one address.
package struct Holder: Hashable, Sendable {
  /// A claim until the holder proves it.
  package let peer: PeerID
  package let name: PeerName
  /// The address as text, IPv4 or IPv6, as the index was told when the session opened.
  package let host: String
  package let port: UInt16
  /// Whether it has all of the content.
  package let complete: Bool

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, complete: Bool) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.complete = complete
  }
}
