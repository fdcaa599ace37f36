// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What an index says of itself.
package struct IndexHelloReply: Equatable, Sendable {
  package let server: String
  /// The address that the index sees the session come from.
  package let host: String
  /// Whether the session is reported under the address that it advertised; `nil` where it advertised none.
  package let isAdvertised: Bool?
  /// Seconds of silence after which a session with records is dropped.
  package let idle: Int
  /// Documents in one request.
  package let batch: Int
  /// The longest line, in bytes.
  package let line: Int
  /// Requests that may wait for their answer.
  package let inflight: Int

  package init(reply: JSONObject) throws(WireFailure) {
    guard let limits = reply["limits"]?.object else { throw .badRequest("limits is missing") }
    let defaults = IndexLimits()
    func limit(_ name: StaticString, _ fallback: Int) throws(WireFailure) -> Int {
      Int(try limits.optionalInteger(name, in: 1...Int64(Int32.max)) ?? Int64(fallback))
    }
    server = try reply.string("server")
    host = try reply.string("host")
    isAdvertised = try reply.optionalBool("advertised")
    idle = try limit("idle", defaults.idle)
    batch = try limit("batch", defaults.batch)
    line = try limit("line", defaults.line)
    inflight = try limit("inflight", defaults.inflight)
  }
}

/// The answer to `lookup`.
package struct LookupReply: Equatable, Sendable {
  /// Most-held first.
  package let contents: [ContentRow]
  /// How many contents were left out.
  package let more: Int

  package init(contents: [ContentRow], more: Int) {
    self.contents = contents
    self.more = more
  }

  package init(reply: JSONObject) throws(WireFailure) {
    var contents = [ContentRow]()
    for value in try reply.array("contents") {
      guard let object = value.object else { throw .badRequest("contents is an array of objects") }
      contents.append(try ContentRow(object))
    }
    self.init(contents: contents, more: Int(try reply.integer("more", in: 0...Int64(Int32.max))))
  }
}

/// One page of `list`.
package struct ListReply: Equatable, Sendable {
  package let documents: [DocumentRow]
  /// Where the next page begins, `nil` after the last.
  package let next: String?

  package init(reply: JSONObject) throws(WireFailure) {
    var documents = [DocumentRow]()
    for value in try reply.array("documents") {
      guard let object = value.object else { throw .badRequest("documents is an array of objects") }
      documents.append(try DocumentRow(object))
    }
    self.documents = documents
    next = try reply.optionalString("next")
  }
}

/// One page of `peers`.
package struct PeersReply: Equatable, Sendable {
  package struct Row: Hashable, Sendable {
    package let peer: PeerID
    package let name: PeerName
    package let host: String
    package let port: UInt16
    /// Its records.
    package let documents: Int
  }

  package let peers: [Row]
  package let next: String?

  package init(reply: JSONObject) throws(WireFailure) {
    var peers = [Row]()
    for value in try reply.array("peers") {
      guard let object = value.object else { throw .badRequest("peers is an array of objects") }
      peers.append(
        Row(
          peer: try object.peerID("peer"), name: try object.peerName(), host: try object.string("host"),
          port: UInt16(try object.integer("port", in: 1...65_535)),
          documents: Int(try object.integer("documents", in: 0...Int64(Int32.max)))))
    }
    self.peers = peers
    next = try reply.optionalString("next")
  }
}
