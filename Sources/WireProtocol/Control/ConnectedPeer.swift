// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// A peer that is connected to the index.
package struct ConnectedPeer: ControlMessage {
  package var peer: PeerID
  package var name: PeerName
  package var host: String
  package var port: UInt16
  package var documents: Int

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, documents: Int) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.documents = documents
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    peer = try fields.peerID("peer")
    name = try fields.peerName("name")
    host = try fields.string("host")
    port = try fields.port("port")
    documents = try fields.count("documents")
  }

  package var members: JSONMembers {
    [
      "peer": .string(peer.hex), "name": .string(name.text), "host": .string(host), "port": .integer(Int64(port)),
      "documents": .integer(Int64(documents)),
    ]
  }
}
