// SPDX-License-Identifier: Apache-2.0

package import LineJSON

/// The end of an `add`.
package struct ControlAddReply: ControlReply {
  package var added: Int
  /// Files that failed while they were hashed; each was named by an event.
  package var failed: Int
  /// False where the index did not acknowledge in time: the daemon keeps the records and announces them later.
  package var announced: Bool

  package init(added: Int, failed: Int, announced: Bool) {
    self.added = added
    self.failed = failed
    self.announced = announced
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    added = try fields.count("added")
    failed = try fields.count("failed")
    announced = try fields.optionalFlag("announced") ?? true
  }

  package var members: JSONMembers {
    ["added": .integer(Int64(added)), "failed": .integer(Int64(failed)), "announced": .bool(announced)]
  }
}

/// The end of a `list`; the rows were events.
package struct ControlListReply: ControlReply {
  package var documents: Int

  package init(documents: Int) {
    self.documents = documents
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    documents = try MessageFields(json).count("documents")
  }

  package var members: JSONMembers { ["documents": .integer(Int64(documents))] }
}

/// The end of a `remove`.
package struct ControlRemoveReply: ControlReply {
  package var removed: Int

  package init(removed: Int) {
    self.removed = removed
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    removed = try MessageFields(json).count("removed")
  }

  package var members: JSONMembers { ["removed": .integer(Int64(removed))] }
}

/// The end of `peers`; the rows were events.
package struct ControlPeersReply: ControlReply {
  package var peers: Int

  package init(peers: Int) {
    self.peers = peers
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    peers = try MessageFields(json).count("peers")
  }

  package var members: JSONMembers { ["peers": .integer(Int64(peers))] }
}

/// The end of `transfers`; the rows were events.
package struct ControlTransfersReply: ControlReply {
  package var transfers: Int

  package init(transfers: Int) {
    self.transfers = transfers
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    transfers = try MessageFields(json).count("transfers")
  }

  package var members: JSONMembers { ["transfers": .integer(Int64(transfers))] }
}
