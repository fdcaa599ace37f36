// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The first request on a connection to an index.
package struct IndexHello: Equatable, Sendable {
  package let peer: PeerID
  package let name: PeerName
  /// Where the peer serves; absent where it looks up only.
  package let port: UInt16?
  /// The address under which the peer wants to be found, where it is not the one that the index sees.
  package let advertise: String?

  package init(peer: PeerID, name: PeerName, port: UInt16?, advertise: String? = nil) {
    self.peer = peer
    self.name = name
    self.port = port
    self.advertise = advertise
  }
}
