// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// A peer that offers a content, as the index reports it.
package struct ReportedHolder: ControlMessage {
  package var peer: PeerID
  package var name: PeerName
  /// An address, IPv6 without brackets.
  package var host: String
  package var port: UInt16
  /// Whether it has all of the content.
  package var complete: Bool

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, complete: Bool) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.complete = complete
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    peer = try fields.peerID("peer")
    name = try fields.peerName("name")
    host = try fields.string("host")
    port = try fields.port("port")
    complete = try fields.optionalFlag("complete") ?? true
  }

  package var members: JSONMembers {
    [
      "peer": .string(peer.hex), "name": .string(name.text), "host": .string(host), "port": .integer(Int64(port)),
      "complete": .bool(complete),
    ]
  }
}
