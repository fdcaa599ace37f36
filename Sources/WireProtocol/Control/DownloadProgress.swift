// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// How far a `get` has come.
package struct DownloadProgress: ControlMessage {
  package var received: Int64
  package var size: Int64
  /// The name of the peer that gave last; `nil` where none has given yet.
  package var peer: String?

  package init(received: Int64, size: Int64, peer: String?) {
    self.received = received
    self.size = size
    self.peer = peer
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    received = try fields.integer("received")
    size = try fields.integer("size")
    peer = try fields.optionalString("peer")
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["received": .integer(received), "size": .integer(size)]
    if let peer { members["peer"] = .string(peer) }
    return members
  }
}
