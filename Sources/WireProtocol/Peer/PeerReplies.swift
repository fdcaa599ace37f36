// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The limits of one connection, as a peer states them in `hello`.
package struct PeerLimits: Equatable, Sendable {
  /// The longest line in bytes.
  package var line = 65_536
  /// Bytes of one `get`.
  package var get = 4_194_304
  /// Unanswered requests of one connection.
  package var inflight = 64
  /// Seconds within which a connection has to send `hello`.
  package var hello = 30
  /// Seconds within which a connection has to ask for something or take some of what it asked for.
  package var idle = 120
  /// Connections of the whole peer.
  package var connections = 1000
  /// Connections of one address other than the peer's own machine.
  package var connectionsPerAddress = 32

  package init() {}

  /// The limits by their names in `hello` and in refusals.
  package var named: [(name: StaticString, value: Int)] {
    [
      ("line", line), ("get", get), ("inflight", inflight), ("hello", hello), ("idle", idle),
      ("connections", connections), ("connections_per_address", connectionsPerAddress),
    ]
  }
}

/// The reply to `hello`.
package struct PeerHelloReply: WireReply {
  package let server: String
  package let peer: PeerID
  package let name: PeerName
  /// A downloader reads those that it keeps to: `get` and `inflight`.
  package let limits: PeerLimits

  package init(server: String, peer: PeerID, name: PeerName, limits: PeerLimits) {
    self.server = server
    self.peer = peer
    self.name = name
    self.limits = limits
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    let stated = try fields.object("limits")
    var limits = PeerLimits()
    server = try fields.optionalString("server") ?? ""
    peer = try fields.peerID("peer")
    name = try fields.peerName()
    limits.get = try stated.optionalInteger("get", in: 1...Int(Content.maximumSize)) ?? limits.get
    limits.inflight = try stated.limit("inflight", default: limits.inflight)
    self.limits = limits
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("protocol", ProtocolVersion.wire)
    if !server.isEmpty { fields.member("server", server) }
    fields.member("peer", peer)
    fields.member("name", name.text)
    fields.object("limits") { object in
      for (name, value) in limits.named { object.member(name, value) }
    }
  }
}

/// How much of a content another peer has.
package struct HaveReply: WireReply {
  /// Bytes of a piece.
  package let piece: Int64
  package let complete: Bool
  /// Of a partial holder: base64, first piece in the high bit of the first byte.
  package let pieces: String?

  package init(piece: Int64, complete: Bool, pieces: String? = nil) {
    self.piece = piece
    self.complete = complete
    self.pieces = pieces
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    piece = try fields.integer("piece", in: 1...Content.maximumSize)
    complete = try fields.bool("complete")
    pieces = try fields.optionalString("pieces")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("piece", piece)
    fields.member("complete", complete)
    if let pieces { fields.member("pieces", pieces) }
  }
}

/// The line before the raw nodes of `hashes`.
package struct HashesReply: WireReply {
  /// The number of 32-byte values that follow.
  package let count: Int

  package init(count: Int) {
    self.count = count
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    count = try fields.integer("hashes", in: 0...1 << 20)
  }

  /// - Parameter expected: any other number is `bad-request`.
  package init(_ fields: some FieldReader, expected: Int) throws(WireFailure) {
    try self.init(fields)
    guard count == expected else { throw .badRequest("hashes is \(count), expected \(expected)") }
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("hashes", count)
  }
}

/// The line before the raw bytes of `get`.
package struct GetReply: WireReply {
  package let offset: Int64
  package let length: Int64

  package init(offset: Int64, length: Int64) {
    self.offset = offset
    self.length = length
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    offset = try fields.size("offset")
    length = try fields.size("length")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("offset", offset)
    fields.member("length", length)
  }
}
