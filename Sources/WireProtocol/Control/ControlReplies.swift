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

/// What stands under one key.
package struct ControlLookupReply: ControlReply {
  package var key: DocumentKey
  /// Most-held first, at most 16.
  package var contents: [HeldContent]
  /// How many contents are left out.
  package var more: Int

  package init(key: DocumentKey, contents: [HeldContent], more: Int) {
    self.key = key
    self.contents = contents
    self.more = more
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    key = try fields.key()
    contents = try fields.elements("contents")
    more = try fields.optionalCount("more") ?? 0
  }

  package var members: JSONMembers {
    ["key": .string(key.text), "contents": .array(contents.map(\.json)), "more": .integer(Int64(more))]
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

/// The end of a `get`: the file is whole, verified and durable.
package struct ControlGetReply: ControlReply {
  /// What one peer gave.
  package struct Source: ControlMessage {
    package var name: String
    package var id: PeerID
    package var bytes: Int64

    package init(name: String, id: PeerID, bytes: Int64) {
      self.name = name
      self.id = id
      self.bytes = bytes
    }

    package init(_ json: JSONValue) throws(WireFailure) {
      let fields = try MessageFields(json)
      name = try fields.string("peer")
      id = try fields.peerID("id")
      bytes = try fields.integer("bytes")
    }

    package var members: JSONMembers {
      ["peer": .string(name), "id": .string(id.hex), "bytes": .integer(bytes)]
    }
  }

  package var key: DocumentKey
  package var content: Content
  /// Where the file lies: absolute.
  package var path: String
  /// Bytes that came over the network; less than the size where a part was here already.
  package var received: Int64
  package var sources: [Source]
  package var seconds: Double

  package init(
    key: DocumentKey, content: Content, path: String, received: Int64, sources: [Source], seconds: Double
  ) {
    self.key = key
    self.content = content
    self.path = path
    self.received = received
    self.sources = sources
    self.seconds = seconds
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    key = try fields.key()
    content = try fields.content()
    path = try fields.string("path")
    received = try fields.integer("received")
    sources = try fields.elements("sources")
    seconds = try fields.real("seconds")
  }

  package var members: JSONMembers {
    [
      "key": .string(key.text), "content": .string(content.root.hex), "size": .integer(content.size),
      "path": .string(path), "received": .integer(received), "sources": .array(sources.map(\.json)),
      "seconds": .real(seconds),
    ]
  }
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

/// The end of `connect`.
package struct ControlConnectReply: ControlReply {
  package var address: Endpoint
  package var connected: Bool
  package var source: IndexState.Source

  package init(address: Endpoint, connected: Bool, source: IndexState.Source) {
    self.address = address
    self.connected = connected
    self.source = source
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    address = try fields.endpoint("address")
    connected = try fields.optionalFlag("connected") ?? false
    source = try fields.word("source")
  }

  package var members: JSONMembers {
    [
      "address": .string(address.description), "connected": .bool(connected), "source": .string(source.rawValue),
    ]
  }
}
