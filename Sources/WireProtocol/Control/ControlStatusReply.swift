// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What a peer says of itself.
package struct ControlStatusReply: ControlReply {
  package var name: PeerName
  package var peer: PeerID
  /// The path of the control socket.
  package var socket: String
  /// Where it serves content to others.
  package var uploads: Endpoint
  package var index: IndexState
  /// How many documents it shares.
  package var documents: Int
  /// The sum of their sizes.
  package var bytes: Int64

  package init(
    name: PeerName, peer: PeerID, socket: String, uploads: Endpoint, index: IndexState, documents: Int, bytes: Int64
  ) {
    self.name = name
    self.peer = peer
    self.socket = socket
    self.uploads = uploads
    self.index = index
    self.documents = documents
    self.bytes = bytes
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    name = try fields.peerName("name")
    peer = try fields.peerID("peer")
    socket = try fields.string("socket")
    uploads = try fields.endpoint("uploads")
    index = try IndexState(fields.object("index"))
    documents = try fields.count("documents")
    bytes = try fields.integer("bytes")
  }

  package var members: JSONMembers {
    [
      "name": .string(name.text), "peer": .string(peer.hex), "socket": .string(socket),
      "uploads": .string(uploads.description), "index": index.json, "documents": .integer(Int64(documents)),
      "bytes": .integer(bytes),
    ]
  }
}
