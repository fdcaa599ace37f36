// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The operations of an index.
package enum IndexOperation: String, CaseIterable, Sendable {
  case hello, add, remove, lookup, list, peers, stats, ping, watch, unwatch
  // Of closed networks.
  case join, claim, invite, members, revoke, ban, unban, bans, log, limits

  /// Same as `init(rawValue:)`, without creating a string. Compares with the most frequent operations first.
  fileprivate init?(_ name: some FieldValue) {
    if name.isEqual(to: "lookup") {
      self = .lookup
    } else if name.isEqual(to: "ping") {
      self = .ping
    } else if name.isEqual(to: "add") {
      self = .add
    } else if let operation = name.string.flatMap(Self.init(rawValue:)) {
      self = operation
    } else {
      return nil
    }
  }
}

/// A request of a peer to an index.
package enum IndexRequest: WireRequest {
  case hello(IndexHello)
  case add([Document])
  case remove([DocumentID])
  case lookup(Lookup)
  case list(ListQuery)
  case peers(PeersQuery)
  case stats
  case ping
  case watch(WatchQuery)
  /// Ends the watch of this number.
  case unwatch(Int)
  /// Who belongs to a closed network.
  case membership(MembershipRequest)

  package var operation: IndexOperation {
    switch self {
    case .hello: .hello
    case .add: .add
    case .remove: .remove
    case .lookup: .lookup
    case .list: .list
    case .peers: .peers
    case .stats: .stats
    case .ping: .ping
    case .watch: .watch
    case .unwatch: .unwatch
    case .membership(let request): request.operation
    }
  }

  /// Reads all of a line but its `id`. Not generic, so the compiler specialises this hot path within the module.
  ///
  /// - Parameter batchLimit: more documents than this in one request are `too-large`.
  package init(_ line: JSONObject, batchLimit: Int) throws(WireFailure) {
    try self.init(fields: line, batchLimit: batchLimit)
  }

  package init(fields: some FieldReader, batchLimit: Int) throws(WireFailure) {
    guard let name = fields.value("op"), let operation = IndexOperation(name) else {
      _ = try fields.string("op")
      throw WireFailure(.unknownOperation, "an index has no such operation")
    }
    switch operation {
    case .hello: self = .hello(try IndexHello(fields))
    case .add: self = .add(try Self.batch(fields, batchLimit))
    case .remove: self = .remove(try Self.batch(fields, batchLimit))
    case .lookup: self = .lookup(try Lookup(fields))
    case .list: self = .list(try ListQuery(fields))
    case .peers: self = .peers(try PeersQuery(fields))
    case .stats: self = .stats
    case .ping: self = .ping
    case .watch: self = .watch(try WatchQuery(fields))
    case .unwatch: self = .unwatch(try fields.watchNumber("watch"))
    case .join, .claim, .invite, .members, .revoke, .ban, .unban, .bans, .log, .limits:
      self = .membership(try MembershipRequest(operation, fields))
    }
  }

  private static func batch<Element: WireMessage>(
    _ fields: some FieldReader, _ limit: Int
  ) throws(WireFailure) -> [Element] {
    guard try fields.array("documents").underestimatedCount <= limit else {
      throw WireFailure(.tooLarge, "at most \(limit) documents in one request", limit: .init("batch", limit))
    }
    return try fields.elements("documents")
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .hello(let hello): hello.write(to: &fields)
    case .add(let documents): fields.array("documents", documents)
    case .remove(let records): fields.array("documents", records)
    case .lookup(let lookup): lookup.write(to: &fields)
    case .list(let query): query.write(to: &fields)
    case .peers(let query): query.write(to: &fields)
    case .watch(let query): query.write(to: &fields)
    case .unwatch(let watch): fields.member("watch", watch)
    case .membership(let request): request.write(to: &fields)
    case .stats, .ping: break
    }
  }
}

/// The first request on a connection to an index.
package struct IndexHello: WireMessage {
  package let peer: PeerID
  package let name: PeerName
  /// Where the peer serves content; `nil` if it only looks up.
  package let port: UInt16?
  /// The address at which the peer wants to be found, if it is not the one that the index sees.
  package let advertise: HostAddress?

  package init(peer: PeerID, name: PeerName, port: UInt16?, advertise: HostAddress? = nil) {
    self.peer = peer
    self.name = name
    self.port = port
    self.advertise = advertise
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    try fields.checkProtocol()
    peer = try fields.peerID("peer")
    name = try fields.peerName()
    port = try fields.optionalInteger("port", in: 1 ... .max)
    advertise = try fields.optionalHostAddress("advertise")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("protocol", ProtocolVersion.wire)
    fields.member("peer", peer)
    fields.member("name", name.text)
    if let port { fields.member("port", port) }
    if let advertise { fields.member("advertise", advertise.text) }
  }
}

extension DocumentID: WireMessage {
  package init(_ fields: some FieldReader) throws(WireFailure) {
    self.init(key: try fields.key(), content: try fields.content())
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("key", key.text)
    fields.members(of: content)
  }
}

extension IndexRequest {
  package struct Lookup: WireMessage {
    package enum Subject: Equatable, Sendable {
      case key(DocumentKey)
      case content(Content)
    }

    package let subject: Subject
    /// With a key: only such contents.
    package let contents: ContentPrefix?
    /// Only what these peers hold.
    package let peers: DigestPrefix?

    package init(_ subject: Subject, contents: ContentPrefix? = nil, peers: DigestPrefix? = nil) {
      self.subject = subject
      self.contents = contents
      self.peers = peers
    }

    package init(_ subject: Subject, peer: PeerID?) {
      self.init(subject, peers: peer.map { DigestPrefix($0.digest) })
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      peers = try fields.optionalDigestPrefix("peer", fewest: 8)
      switch (fields.value("key") != nil, fields.value("content") != nil) {
      case (true, false):
        subject = .key(try fields.key())
        contents = nil
      case (true, true):
        subject = .key(try fields.key())
        contents = try fields.contentPrefix()
      case (false, true):
        subject = .content(try fields.content())
        contents = nil
      case (false, false): throw .badRequest("lookup takes key, or content and size")
      }
    }

    package func write(to fields: inout some FieldWriter) {
      switch subject {
      case .key(let key): fields.member("key", key.text)
      case .content(let content): fields.members(of: content)
      }
      if let contents {
        fields.member("content", contents.roots.hex)
        if let size = contents.size { fields.member("size", size) }
      }
      if let peers { fields.member("peer", peers.hex) }
    }
  }

  package struct ListQuery: WireMessage {
    package var collection: String?
    /// The beginning of keys; it may end inside a segment.
    package var prefix: String?
    /// Whether keys that have a `/` behind the prefix are merged up to that `/`.
    package var level: Bool
    /// Each must begin a word of the title or key.
    package var words: String
    /// Rows of one page; the index cuts it to its own limit.
    package var limit: Int?
    package var after: String?

    package init(
      collection: String? = nil, prefix: String? = nil, level: Bool = false, words: String = "", limit: Int? = nil,
      after: String? = nil
    ) {
      self.collection = collection
      self.prefix = prefix
      self.level = level
      self.words = words
      self.limit = limit
      self.after = after
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      collection = try fields.optionalCollection()
      (prefix, level) = try fields.optionalLevel()
      words = try fields.optionalWords()
      limit = try fields.optionalPageLimit()
      after = try fields.optionalString("after")
    }

    package func write(to fields: inout some FieldWriter) {
      if let collection { fields.member("collection", collection) }
      if let prefix { fields.member("prefix", prefix) }
      if level { fields.member("level", true) }
      if !words.isEmpty { fields.member("words", words) }
      if let limit { fields.member("limit", limit) }
      if let after { fields.member("after", after) }
    }
  }

  package struct PeersQuery: WireMessage {
    package var limit: Int?
    package var after: String?

    package init(limit: Int? = nil, after: String? = nil) {
      self.limit = limit
      self.after = after
    }

    package init(_ fields: some FieldReader) throws(WireFailure) {
      limit = try fields.optionalPageLimit()
      after = try fields.optionalString("after")
    }

    package func write(to fields: inout some FieldWriter) {
      if let limit { fields.member("limit", limit) }
      if let after { fields.member("after", after) }
    }
  }
}

extension FieldReader {
  /// The number of rows asked for.
  fileprivate func optionalPageLimit() throws(WireFailure) -> Int? {
    try optionalInteger("limit", in: 1...Int(Int32.max))
  }
}
