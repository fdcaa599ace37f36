// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What a daemon sends besides events: the end of a request.
package enum ControlOutcome: Equatable, Sendable {
  /// A success, with all its members.
  case success(id: Int64, JSONValue)
  case failure(id: Int64?, WireFailure)

  /// `nil` for an event.
  package init?(_ json: JSONValue) throws(WireFailure) {
    guard let fields = json.fields else { throw .badRequest("a message is a JSON object") }
    guard fields.value("event") == nil else { return nil }
    let id = try fields.value("id") == nil ? nil : fields.requestID()
    if let failure = try WireFailure(reply: fields) {
      self = .failure(id: id, failure)
      return
    }
    guard let id else { throw .badRequest("id is missing") }
    self = .success(id: id, json)
  }
}

/// Who answers at a control socket.
package struct ControlHelloReply: WireReply {
  package enum Role: String, CaseIterable, Sendable {
    case peer
    case supervisor
    case index
  }

  package var protocolNumber: Int64
  /// Program and version: `p2p-peer/0.1.0`.
  package var server: String
  package var role: Role
  /// The id; `nil` for a supervisor, and for the index of an open network.
  package var peer: PeerID?
  package var name: String
  /// What its user should know before anything else: files of the daemon that were damaged or lost, and what to do.
  package var notices: [PathProblem]

  package init(
    protocolNumber: Int64 = ProtocolVersion.wire, server: String, role: Role, peer: PeerID?, name: String,
    notices: [PathProblem] = []
  ) {
    self.protocolNumber = protocolNumber
    self.server = server
    self.role = role
    self.peer = peer
    self.name = name
    self.notices = notices
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    protocolNumber = try fields.size("protocol")
    server = try fields.string("server")
    role = try fields.word("role")
    peer = try fields.optionalPeerID("peer")
    name = try fields.string("name")
    notices = try fields.optionalElements("notices")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("protocol", protocolNumber)
    fields.member("server", server)
    fields.member("role", role.rawValue)
    if let peer { fields.member("peer", peer) }
    fields.member("name", name)
    if !notices.isEmpty { fields.array("notices", notices) }
  }
}

/// The end of an `add`.
package struct ControlAddReply: WireReply {
  package var added: Int
  /// Files that failed while they were hashed. An event has named each.
  package var failed: Int
  /// False if the index did not acknowledge in time: the daemon keeps the records and announces them later.
  package var announced: Bool
  /// Shared ones that the index does not permit this peer to add, in a closed network. They are tried again.
  package var refused: Int
  /// What was not taken from directories.
  package var leftOut: LeftOut
  /// Why the index did not acknowledge, if it was reached.
  package var error: String?

  package init(
    added: Int, failed: Int, announced: Bool, refused: Int = 0, leftOut: LeftOut = LeftOut(), error: String? = nil
  ) {
    self.error = error
    self.added = added
    self.failed = failed
    self.announced = announced
    self.refused = refused
    self.leftOut = leftOut
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    added = try fields.count("added")
    failed = try fields.count("failed")
    announced = try fields.optionalBool("announced") ?? true
    refused = try fields.optionalCount("refused") ?? 0
    leftOut = LeftOut(try fields.optionalElements("left_out"))
    error = try fields.optionalString("error")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("added", added)
    fields.member("failed", failed)
    fields.member("announced", announced)
    if refused > 0 { fields.member("refused", refused) }
    if !leftOut.groups.isEmpty { fields.array("left_out", leftOut.groups) }
    if let error { fields.member("error", error) }
  }
}

/// The end of a `get`: the file is whole, verified and durable, or with `detach` the download is recorded.
package struct ControlGetReply: WireReply {
  /// What one peer delivered.
  package struct Source: WireMessage {
    package var name: String
    package var id: PeerID
    package var bytes: Int64
    /// Why it was dropped, if it sent wrong bytes.
    package var error: String?

    package init(name: String, id: PeerID, bytes: Int64, error: String? = nil) {
      self.name = name
      self.id = id
      self.bytes = bytes
      self.error = error
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      name = try fields.string("peer")
      id = try fields.peerID("id")
      bytes = try fields.size("bytes")
      error = try fields.optionalString("error")
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("peer", name)
      fields.member("id", id)
      fields.member("bytes", bytes)
      if let error { fields.member("error", error) }
    }
  }

  package var key: DocumentKey
  package var content: Content
  /// The absolute path of the file.
  package var path: String
  /// Bytes received over the network; less than the size if a part was here already.
  package var received: Int64
  package var sources: [Source]
  package var seconds: Double
  /// The number of the download; `nil` if there was nothing to fetch.
  package var job: Int64?
  /// Of a download that goes on: `queued`, `active` or `waiting`. `nil` if the file is here.
  package var state: String?
  /// False if the file lay there before and is shared in other networks only: this one does not hear of it.
  package var isShared: Bool

  package init(
    key: DocumentKey, content: Content, path: String, received: Int64, sources: [Source], seconds: Double,
    job: Int64? = nil, state: String? = nil, isShared: Bool = true
  ) {
    self.isShared = isShared
    self.job = job
    self.state = state
    self.key = key
    self.content = content
    self.path = path
    self.received = received
    self.sources = sources
    self.seconds = seconds
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    key = try fields.key()
    content = try fields.content()
    path = try fields.string("path")
    received = try fields.size("received")
    sources = try fields.optionalElements("sources")
    seconds = try fields.measure("seconds")
    job = try fields.optionalInteger("job", in: 0...Content.maximumSize)
    state = try fields.optionalString("state")
    isShared = try fields.optionalBool("shared") ?? true
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("key", key.text)
    fields.members(of: content)
    fields.member("path", path)
    fields.member("received", received)
    fields.array("sources", sources)
    fields.member("seconds", seconds)
    if let job { fields.member("job", job) }
    if let state { fields.member("state", state) }
    if !isShared { fields.member("shared", false) }
  }
}

/// The end of a `list`; the rows were events.
package struct ControlListReply: WireReply {
  /// Those of merged rows included.
  package var documents: Int

  package init(documents: Int) {
    self.documents = documents
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    documents = try fields.count("documents")
  }

  package func write(to fields: inout some FieldWriter) { fields.member("documents", documents) }
}

/// The type of a reply to `watch`, which only a failure ends.
package struct ControlWatchReply: WireReply {
  package init(_ fields: some FieldReader) throws(WireFailure) {}

  package func write(to fields: inout some FieldWriter) {}
}

/// The end of a `remove`.
package struct ControlRemoveReply: WireReply {
  package var removed: Int

  package init(removed: Int) {
    self.removed = removed
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    removed = try fields.count("removed")
  }

  package func write(to fields: inout some FieldWriter) { fields.member("removed", removed) }
}

/// The end of `peers`; the rows were events.
package struct ControlPeersReply: WireReply {
  package var peers: Int

  package init(peers: Int) {
    self.peers = peers
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    peers = try fields.count("peers")
  }

  package func write(to fields: inout some FieldWriter) { fields.member("peers", peers) }
}
