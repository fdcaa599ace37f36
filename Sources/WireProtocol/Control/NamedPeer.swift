// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// A peer by id and name.
package struct NamedPeer: ControlMessage {
  package var peer: PeerID
  package var name: PeerName

  package init(peer: PeerID, name: PeerName) {
    self.peer = peer
    self.name = name
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    peer = try fields.peerID("peer")
    name = try fields.peerName("name")
  }

  package var members: JSONMembers { ["peer": .string(peer.hex), "name": .string(name.text)] }
}
