// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What another peer says of itself.
package struct PeerHelloReply: Equatable, Sendable {
  package let peer: PeerID
  package let name: PeerName
  /// Bytes of one `get`.
  package let get: Int64
  /// Requests that may wait for their answer.
  package let inflight: Int64

  package init(reply: JSONObject) throws(WireFailure) {
    guard let limits = reply["limits"]?.object else { throw .badRequest("limits is missing") }
    let defaults = PeerLimits()
    peer = try reply.peerID("peer")
    name = try reply.peerName()
    get = try limits.optionalInteger("get", in: 1...Content.maximumSize) ?? Int64(defaults.get)
    inflight = try limits.optionalInteger("inflight", in: 1...Int64(Int32.max)) ?? Int64(defaults.inflight)
  }
}

/// How much of a content another peer has.
package struct HaveReply: Equatable, Sendable {
  /// Bytes of a piece.
  package let piece: Int64
  package let complete: Bool
  /// For a partial holder: base64, first piece in the high bit of the first byte.
  package let pieces: String?

  package init(reply: JSONObject) throws(WireFailure) {
    piece = try reply.integer("piece", in: 1...Content.maximumSize)
    complete = try reply.bool("complete")
    pieces = try reply.optionalString("pieces")
  }
}

/// The line before the raw nodes of `hashes`.
package struct HashesReply: Equatable, Sendable {
  /// How many values of 32 bytes follow.
  package let count: Int

  /// - Parameter expected: any other number is `bad-request`.
  package init(reply: JSONObject, expected: Int) throws(WireFailure) {
    count = Int(try reply.integer("hashes", in: 0...1 << 20))
    guard count == expected else { throw .badRequest("hashes is \(count) where \(expected) were due") }
  }
}

/// The line before the raw bytes of `get`.
package struct GetReply: Equatable, Sendable {
  package let offset: Int64
  package let length: Int64

  package init(reply: JSONObject) throws(WireFailure) {
    offset = try reply.integer("offset", in: 0...Content.maximumSize)
    length = try reply.integer("length", in: 0...Content.maximumSize)
  }
}
