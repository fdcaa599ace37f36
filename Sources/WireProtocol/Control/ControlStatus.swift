// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The connection of a peer to the index.
package struct IndexState: WireMessage {
  /// What decided the address.
  package enum Source: String, CaseIterable, Sendable {
    /// The settings with which the daemon was started.
    case settings
    /// A person's `connect`.
    case connect
  }

  package var address: Endpoint
  package var connected: Bool
  /// Since when it is connected or disconnected.
  package var since: Timestamp
  package var source: Source
  /// Why it is not connected; `nil` if it is, or if nothing went wrong yet.
  package var error: String?
  /// The id that the index has proven, or has to prove; `nil` if none is known.
  package var id: PeerID?
  /// In a closed network, while connected: what this peer is there, `none` if it does not belong.
  package var role: String?

  package init(
    address: Endpoint, connected: Bool, since: Timestamp, source: Source, error: String? = nil, id: PeerID? = nil,
    role: String? = nil
  ) {
    self.role = role
    self.id = id
    self.address = address
    self.connected = connected
    self.since = since
    self.source = source
    self.error = error
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    address = try fields.endpoint("address")
    connected = try fields.optionalBool("connected") ?? false
    since = try fields.timestamp("since")
    source = try fields.word("source")
    error = try fields.optionalString("error")
    id = try fields.optionalPeerID("id")
    role = try fields.optionalString("role")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("address", address.description)
    fields.member("connected", connected)
    fields.member("since", since)
    fields.member("source", source.rawValue)
    if let error { fields.member("error", error) }
    if let id { fields.member("id", id) }
    if let role { fields.member("role", role) }
  }
}

/// The reply to `status`.
package struct ControlStatusReply: WireReply {
  package var name: PeerName
  package var peer: PeerID
  /// The path of the control socket.
  package var socket: String
  /// Where it serves content to others.
  package var uploads: Endpoint
  package var index: IndexState
  /// The number of documents it shares.
  package var documents: Int
  /// The sum of their sizes.
  package var bytes: Int64
  /// Those of the documents that belong to other networks than that of the index.
  package var withheld: Int
  /// What it has moved; `nil` if that is unknown.
  package var moved: MovedBytes?
  /// Why nothing can be recorded; `nil` if it can.
  package var error: String?

  package init(
    name: PeerName, peer: PeerID, socket: String, uploads: Endpoint, index: IndexState, documents: Int, bytes: Int64,
    withheld: Int = 0, moved: MovedBytes? = nil, error: String? = nil
  ) {
    (self.withheld, self.moved) = (withheld, moved)
    self.name = name
    self.peer = peer
    self.socket = socket
    self.uploads = uploads
    self.index = index
    self.documents = documents
    self.bytes = bytes
    self.error = error
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    name = try fields.peerName()
    peer = try fields.peerID("peer")
    socket = try fields.string("socket")
    uploads = try fields.endpoint("uploads")
    index = try IndexState(fields.object("index"))
    documents = try fields.count("documents")
    bytes = try fields.size("bytes")
    withheld = try fields.optionalCount("withheld") ?? 0
    moved = try fields.value("uploaded") == nil ? nil : MovedBytes(fields)
    error = try fields.optionalString("error")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("name", name.text)
    fields.member("peer", peer)
    fields.member("socket", socket)
    fields.member("uploads", uploads.description)
    fields.object("index", index)
    fields.member("documents", documents)
    fields.member("bytes", bytes)
    if withheld > 0 { fields.member("withheld", withheld) }
    moved?.write(to: &fields)
    if let error { fields.member("error", error) }
  }
}

/// What a peer has moved in all its processes.
package struct MovedBytes: WireMessage {
  package var uploaded: Int64
  package var downloaded: Int64
  /// When it began to count.
  package var since: Timestamp

  package init(uploaded: Int64, downloaded: Int64, since: Timestamp) {
    self.uploaded = uploaded
    self.downloaded = downloaded
    self.since = since
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    uploaded = try fields.size("uploaded")
    downloaded = try fields.size("downloaded")
    since = try fields.timestamp("since")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("uploaded", uploaded)
    fields.member("downloaded", downloaded)
    fields.member("since", since)
  }
}

/// The end of `connect`.
package struct ControlConnectReply: WireReply {
  package var address: Endpoint
  package var connected: Bool
  package var source: IndexState.Source
  /// Why it is not connected, if that is known.
  package var error: String?
  /// The id that the index has proven, or has to prove; `nil` if none is known.
  package var index: PeerID?
  /// Documents that were shared elsewhere and are not announced in its network.
  package var withheld: Int

  package init(
    address: Endpoint, connected: Bool, source: IndexState.Source, error: String? = nil, index: PeerID? = nil,
    withheld: Int = 0
  ) {
    (self.index, self.withheld) = (index, withheld)
    self.address = address
    self.connected = connected
    self.source = source
    self.error = error
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    address = try fields.endpoint("address")
    connected = try fields.optionalBool("connected") ?? false
    source = try fields.word("source")
    error = try fields.optionalString("error")
    index = try fields.optionalPeerID("index")
    withheld = try fields.optionalCount("withheld") ?? 0
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("address", address.description)
    fields.member("connected", connected)
    fields.member("source", source.rawValue)
    if let error { fields.member("error", error) }
    if let index { fields.member("index", index) }
    if withheld > 0 { fields.member("withheld", withheld) }
  }
}
