// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// Who answers a control socket.
package struct ControlHelloReply: ControlReply {
  package enum Role: String, CaseIterable, Sendable {
    case peer
    case supervisor
  }

  package var protocolNumber: Int64
  /// Program and version: `p2p-peer/0.1.0`.
  package var server: String
  package var role: Role
  /// `nil` for a supervisor.
  package var peer: PeerID?
  package var name: String

  package init(protocolNumber: Int64 = ProtocolVersion.wire, server: String, role: Role, peer: PeerID?, name: String) {
    self.protocolNumber = protocolNumber
    self.server = server
    self.role = role
    self.peer = peer
    self.name = name
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    protocolNumber = try fields.integer("protocol")
    server = try fields.string("server")
    role = try fields.word("role")
    peer = try fields.value("peer") == nil ? nil : fields.peerID("peer")
    name = try fields.string("name")
  }

  package var members: JSONMembers {
    var members: JSONMembers = [
      "protocol": .integer(protocolNumber), "server": .string(server), "role": .string(role.rawValue),
    ]
    if let peer { members["peer"] = .string(peer.hex) }
    members["name"] = .string(name)
    return members
  }
}
