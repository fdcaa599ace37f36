// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The limits of one session, as the index states them in `hello`.
package struct IndexLimits: Equatable, Sendable {
  /// The longest line in bytes.
  package var line = 1_048_576
  /// Documents in one `add` or `remove`.
  package var batch = 1000
  /// Unanswered requests of one connection.
  package var inflight = 256
  /// Seconds within which a connection has to send `hello`.
  package var hello = 30
  /// Seconds of silence after which a session with records is dropped.
  package var idle = 10
  /// Holders of one content in the reply to `lookup`.
  package var holders = 50
  /// Contents in the reply to `lookup`.
  package var contents = 16
  /// Rows in one reply to `list` or `peers`.
  package var page = 1000
  /// Records of one session.
  package var records = 1_000_000
  /// Watches of one session, of all, and of one address other than the index's own machine.
  package var watches = 64
  package var watchesTotal = 20_000
  package var watchesPerAddress = 5_000
  /// Connections of the whole server.
  package var connections = 18_000
  /// Connections of one address other than the index's own machine.
  package var connectionsPerAddress = 256
  /// Seconds within which a line that has begun has to end.
  package var lineTime = 30
  /// Bytes of everything that sessions hold.
  package var memory = 4 << 30
  /// The same of one address; `nil` for no limit.
  package var memoryPerAddress: Int? = 1 << 30
  /// Records of one address; `nil` for no limit.
  package var recordsPerAddress: Int?
  /// Requests of one address in a second; `nil` for no limit.
  package var requestsPerAddress: Int?
  /// Bytes of replies to one address in a second; `nil` for no limit.
  package var bytesPerAddress: Int?
  /// What one member of a closed network may have; `nil` for no limit.
  package var member = MemberLimits()

  package init() {}

  /// Of `memory`, in bytes: lines that have not ended, and answers that are not taken. The rest is for records and sessions.
  package var lineMemory: Int { memory / 8 }
  package var recordMemory: Int { memory - 2 * lineMemory - watchMemory }
  /// Of `memory`, in bytes: what watchers have not been told yet.
  package var watchMemory: Int { memory / 16 }

  /// The limits by their names in `hello` and in refusals.
  package var named: [(name: StaticString, value: Int)] {
    let always: [(name: StaticString, value: Int)] = [
      ("line", line), ("batch", batch), ("inflight", inflight), ("hello", hello), ("idle", idle),
      ("line_time", lineTime), ("holders", holders), ("contents", contents), ("page", page), ("records", records),
      ("watches", watches), ("watches_total", watchesTotal),
      ("watches_per_address", watchesPerAddress), ("connections", connections),
      ("connections_per_address", connectionsPerAddress), ("memory", memory),
    ]
    let optional: [(name: StaticString, value: Int?)] = [
      ("memory_per_address", memoryPerAddress), ("records_per_address", recordsPerAddress),
      ("requests_per_address", requestsPerAddress), ("bytes_per_address", bytesPerAddress),
      ("sessions_per_member", member.sessions), ("requests_per_member", member.requests),
      ("records_per_member", member.records), ("bytes_per_member", member.bytes),
    ]
    return always + optional.compactMap { row in row.value.map { (row.name, $0) } }
  }
}

/// What one member of a closed network may have; `nil` for no limit.
package struct MemberLimits: Hashable, Sendable {
  package var sessions: Int?
  /// In a second.
  package var requests: Int?
  /// Of all its sessions.
  package var records: Int?
  /// Of replies in a second.
  package var bytes: Int?

  package init() {}
}

/// The reply to `hello`.
package struct IndexHelloReply: WireReply {
  package let server: String
  /// The address from which the session comes, as the index sees it.
  package let host: String
  /// Whether the session is reported under the address that it advertised; `nil` if it advertised none.
  package let isAdvertised: Bool?
  /// On a plain connection: whether the client should connect again by TLS. `nil` otherwise.
  package let asksForTLS: Bool?
  /// How the peer stands in a closed network; `nil` in an open one.
  package var standing: MemberStanding?
  /// A client reads those that it keeps to: `line`, `batch`, `inflight`, `idle` and `watches`.
  package let limits: IndexLimits

  package init(
    server: String, host: String, isAdvertised: Bool?, asksForTLS: Bool? = nil, standing: MemberStanding? = nil,
    limits: IndexLimits
  ) {
    self.server = server
    self.host = host
    self.isAdvertised = isAdvertised
    self.asksForTLS = asksForTLS
    self.standing = standing
    self.limits = limits
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    let stated = try fields.object("limits")
    var limits = IndexLimits()
    server = try fields.string("server")
    host = try fields.string("host")
    isAdvertised = try fields.optionalBool("advertised")
    asksForTLS = try fields.optionalBool("tls")
    standing = try MemberStanding(ifStated: fields)
    limits.idle = try stated.limit("idle", default: limits.idle)
    limits.batch = try stated.limit("batch", default: limits.batch)
    limits.line = try stated.limit("line", default: limits.line)
    limits.inflight = try stated.limit("inflight", default: limits.inflight)
    limits.watches = try stated.limit("watches", default: limits.watches)
    self.limits = limits
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("protocol", ProtocolVersion.wire)
    fields.member("server", server)
    fields.member("host", host)
    if let isAdvertised { fields.member("advertised", isAdvertised) }
    if let asksForTLS { fields.member("tls", asksForTLS) }
    standing?.write(to: &fields)
    fields.object("limits") { object in
      for (name, value) in limits.named { object.member(name, value) }
    }
  }
}

extension FieldReader {
  /// A limit that the other side states.
  func limit(_ name: StaticString, default usual: Int) throws(WireFailure) -> Int {
    try optionalInteger(name, in: 1...Int(Int32.max)) ?? usual
  }
}

/// One page of `list`.
package struct ListReply: WireReply {
  package let rows: [ListRow]
  /// Where the next page begins; `nil` after the last.
  package let next: String?

  package init(_ fields: some FieldReader) throws(WireFailure) {
    rows = try fields.elements("documents")
    next = try fields.optionalString("next")
  }

  /// As of every reader. Not generic, so that other modules call it specialised: they read it for each page of a large prefix.
  package init(line: JSONObject) throws(WireFailure) {
    try self.init(line)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.array("documents", rows)
    if let next { fields.member("next", next) }
  }
}

/// One page of `peers`.
package struct PeersReply: WireReply {
  package let peers: [PeerListing]
  /// Where the next page begins; `nil` after the last.
  package let next: String?

  package init(_ fields: some FieldReader) throws(WireFailure) {
    peers = try fields.elements("peers")
    next = try fields.optionalString("next")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.array("peers", peers)
    if let next { fields.member("next", next) }
  }
}
