// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A download, or a running upload.
package struct RunningTransfer: WireMessage {
  package enum Direction: String, CaseIterable, Sendable {
    case download
    case upload
  }

  /// The peer on the other side.
  package struct Source: WireMessage, Hashable {
    package var name: String
    package var id: PeerID
    package var host: String
    /// Bytes per second, of the last seconds.
    package var rate: Int64
    /// Moved so far.
    package var bytes: Int64
    /// Why it was dropped, if it sent wrong bytes.
    package var error: String?

    package init(
      name: String, id: PeerID, host: String, rate: Int64 = 0, bytes: Int64 = 0, error: String? = nil
    ) {
      self.error = error
      self.name = name
      self.id = id
      self.host = host
      self.rate = rate
      self.bytes = bytes
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      name = try fields.string("peer")
      id = try fields.peerID("id")
      host = try fields.optionalString("host") ?? ""
      rate = try fields.size("rate")
      bytes = try fields.size("bytes")
      error = try fields.optionalString("error")
    }

    package func write(to fields: inout some FieldWriter) {
      fields.member("peer", name)
      fields.member("id", id)
      fields.member("host", host)
      fields.member("rate", rate)
      fields.member("bytes", bytes)
      if let error { fields.member("error", error) }
    }
  }

  /// A number of this daemon.
  package var id: Int64
  package var direction: Direction
  /// `queued`, `active`, `waiting`, `paused`, `done`, `failed` or `cancelled`, or a state of a later version.
  package var state: String
  /// What it does apart from fetching: `checking`, `copying` or `saving`; `nil` for nothing else.
  package var activity: String?
  /// `nil` if no key is known for the content.
  package var key: DocumentKey?
  /// Of a tree, which has no key: it ends in a slash.
  package var prefix: String?
  /// `nil` for a tree.
  package var content: Content?
  /// That of the content; of a tree that of its documents, `nil` if it is unknown.
  package var size: Int64?
  /// Bytes received, including wasted ones; of an upload, bytes sent.
  package var received: Int64
  /// Bytes per second, of the last seconds.
  package var rate: Int64
  /// Remaining time of a download in seconds; `nil` if unknown.
  package var eta: Int64?
  /// Of a download: where the file will be.
  package var path: String?
  /// Of a download: the sources that delivered; of an upload: the peer served.
  package var sources: [Source]
  /// Of a download: number of pieces, and of those verified. Of a tree: documents.
  package var pieces: Int64?
  package var have: Int64?
  /// Of a download: its place in the queue; `nil` if the daemon is older.
  package var priority: DownloadPriority?
  /// Of a download, on request: the verified pieces.
  package var map: PieceSet?
  /// Of a download: why it waits or has failed.
  package var error: String?

  package init(
    id: Int64, direction: Direction, state: String = "active", key: DocumentKey?, content: Content?,
    received: Int64 = 0, rate: Int64 = 0, eta: Int64? = nil, path: String? = nil, sources: [Source] = [],
    pieces: Int64? = nil, have: Int64? = nil, priority: DownloadPriority? = nil, error: String? = nil
  ) {
    self.priority = priority
    self.error = error
    size = content?.size
    self.id = id
    self.direction = direction
    self.state = state
    self.key = key
    self.content = content
    self.received = received
    self.rate = rate
    self.eta = eta
    self.path = path
    self.sources = sources
    self.pieces = pieces
    self.have = have
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    id = try fields.size("id")
    direction = try fields.word("direction")
    state = try fields.string("state")
    activity = try fields.optionalString("activity")
    if let name = try fields.optionalString("key"), name.endsInSlash {
      prefix = name
    } else {
      key = try fields.value("key") == nil ? nil : fields.key()
    }
    if prefix == nil || fields.value("content") != nil {
      content = try fields.content()
      size = content?.size
    } else {
      size = try fields.optionalInteger("size", in: 0...Content.maximumSize)
    }
    received = try fields.size("received")
    rate = try fields.size("rate")
    eta = try fields.optionalInteger("eta", in: 0...Content.maximumSize)
    path = try fields.optionalString("path")
    sources = try fields.optionalElements("sources")
    pieces = try fields.optionalInteger("pieces", in: 0...Content.maximumSize)
    have = try fields.optionalInteger("have", in: 0...Content.maximumSize)
    priority = try fields.optionalString("priority").flatMap { DownloadPriority(word: $0) }
    if let text = try fields.optionalString("map") {
      map = PieceSet(base64: text, count: Int(pieces ?? 0))
      guard map != nil else { throw .badRequest("map is the base64 of a bit for each piece") }
    }
    error = try fields.optionalString("error")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("id", id)
    fields.member("direction", direction.rawValue)
    fields.member("state", state)
    if let activity { fields.member("activity", activity) }
    if let name { fields.member("key", name) }
    if let content { fields.members(of: content) } else if let size { fields.member("size", size) }
    fields.member("received", received)
    fields.member("rate", rate)
    if let eta { fields.member("eta", eta) }
    if let path { fields.member("path", path) }
    fields.array("sources", sources)
    if let pieces { fields.member("pieces", pieces) }
    if let have { fields.member("have", have) }
    if let priority { fields.member("priority", priority.word) }
    if let map { fields.member("map", map.base64) }
    if let error { fields.member("error", error) }
  }

  /// The key, or the prefix of a tree.
  package var name: String? { key?.text ?? prefix }
}
