// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The limits of one connection, as a peer states them in `hello`.
package struct PeerLimits: Equatable, Sendable {
  /// The longest line in bytes.
  package var line = 65_536
  /// Bytes of one `get`.
  package var get = 4_194_304
  /// Unanswered requests of one connection.
  package var inflight = 64
  /// Bodies that are sent at a time, to all connections together.
  package var slots = 16
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
      ("line", line), ("get", get), ("inflight", inflight), ("slots", slots), ("hello", hello), ("idle", idle),
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
  /// The pieces of a partial holder; `nil` for the complete content.
  package let pieces: PieceSet?

  package var complete: Bool { pieces == nil }

  /// - Parameter pieces: `nil` for the complete content.
  package init(_ content: Content, pieces: PieceSet? = nil) {
    piece = content.geometry.pieceLength
    self.pieces = pieces
  }

  /// Without the content, the number of pieces is that of the bits.
  package init(_ fields: some FieldReader) throws(WireFailure) {
    try self.init(fields) { text in
      let padding = text.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
      return text.utf8.count / 4 * 24 - padding * 8
    }
  }

  /// - Parameter content: pieces of another length or number are `bad-request`.
  package init(_ fields: some FieldReader, of content: Content) throws(WireFailure) {
    let geometry = content.geometry
    try self.init(fields) { _ in Int(geometry.pieceCount) }
    guard piece == geometry.pieceLength else {
      throw .badRequest("piece is \(piece), expected \(geometry.pieceLength)")
    }
  }

  private init(_ fields: some FieldReader, count: (String) -> Int) throws(WireFailure) {
    piece = try fields.integer("piece", in: 1...Content.maximumSize)
    guard try !fields.bool("complete") else {
      pieces = nil
      return
    }
    let text = try fields.string("pieces")
    guard let pieces = PieceSet(base64: text, count: count(text)) else {
      throw .badRequest("pieces is base64 of one bit per piece")
    }
    self.pieces = pieces
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("piece", piece)
    fields.member("complete", complete)
    if let pieces { fields.member("pieces", pieces.base64) }
  }
}

/// What a partial holder has got since it was asked `have`, or since the last event.
package struct HaveEvent: WireMessage {
  package let content: Content
  /// Runs of pieces; `nil` once it has the complete content.
  package let pieces: [Range<Int>]?

  /// - Parameter pieces: `nil` for the complete content.
  package init(_ content: Content, pieces: [Range<Int>]?) {
    self.content = content
    self.pieces = pieces
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    guard try fields.string("event") == "have" else { throw .badRequest("event is not have") }
    content = try fields.content()
    let isComplete = try fields.optionalBool("complete") ?? false
    pieces = isComplete ? nil : try fields.ranges("pieces", within: content.geometry.pieceCount)
  }

  /// `nil` for a reply, and for an event of another kind.
  package static func read(_ line: JSONObject) throws(WireFailure) -> HaveEvent? {
    guard let event = line["event"], event.isEqual(to: "have") else { return nil }
    return try HaveEvent(line)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("event", "have")
    fields.members(of: content)
    if let pieces { fields.ranges("pieces", pieces) } else { fields.member("complete", true) }
  }

  /// Appends the whole line.
  package func writeLine(to output: inout JSONWriter) {
    output.line { write(to: &$0) }
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
