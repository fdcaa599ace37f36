// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The operations that a peer answers to other peers.
package enum PeerOperation: String, CaseIterable, Sendable {
  case hello, have, hashes, get, pass
}

/// A request of a peer to another.
package enum PeerRequest: WireRequest {
  /// `pass` shows that the peer belongs to a closed network.
  case hello(peer: PeerID, name: PeerName, pass: SignedPass? = nil)
  case have(Content)
  case hashes(Content, HashesQuery)
  case get(Content, offset: Int64, length: Int64)
  /// Renews the pass of the connection.
  case pass(SignedPass)

  package var operation: PeerOperation {
    switch self {
    case .hello: .hello
    case .have: .have
    case .hashes: .hashes
    case .get: .get
    case .pass: .pass
    }
  }

  /// Reads all of a line but its `id`. Not generic, so the compiler specialises it within the module.
  package init(_ line: JSONObject) throws(WireFailure) {
    try self.init(fields: line)
  }

  package init(fields: some FieldReader) throws(WireFailure) {
    guard let operation = PeerOperation(rawValue: try fields.string("op")) else {
      throw WireFailure(.unknownOperation, "a peer has no such operation")
    }
    switch operation {
    case .hello:
      try fields.checkProtocol()
      self = .hello(
        peer: try fields.peerID("peer"), name: try fields.peerName(), pass: try fields.optionalPass("pass"))
    case .have: self = .have(try fields.content())
    case .hashes: self = .hashes(try fields.content(), try HashesQuery(fields))
    case .get:
      self = .get(try fields.content(), offset: try fields.size("offset"), length: try fields.size("length"))
    case .pass:
      guard let pass = try fields.optionalPass("pass") else { throw .badRequest("pass is missing") }
      self = .pass(pass)
    }
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .hello(let peer, let name, let pass):
      fields.member("protocol", ProtocolVersion.wire)
      fields.member("peer", peer)
      fields.member("name", name.text)
      if let pass { fields.member("pass", pass.text) }
    case .have(let content):
      fields.members(of: content)
    case .hashes(let content, let query):
      fields.members(of: content)
      query.write(to: &fields)
    case .get(let content, let offset, let length):
      fields.members(of: content)
      fields.member("offset", offset)
      fields.member("length", length)
    case .pass(let pass): fields.member("pass", pass.text)
    }
  }
}

/// Nodes of one layer of a content's Merkle tree.
package struct HashesQuery: WireMessage, Hashable {
  /// Maximum nodes of one request.
  package static let maxNodes: Int64 = 512

  /// 0 is the layer of the leaves.
  package let layer: Int
  /// The first node, a multiple of `length`.
  package let index: Int64
  /// A power of two, 1 to 512.
  package let length: Int64

  package init(layer: Int, index: Int64, length: Int64) {
    self.layer = layer
    self.index = index
    self.length = length
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    layer = try fields.integer("layer", in: 0...63)
    index = try fields.size("index")
    length = try fields.integer("length", in: 1...Self.maxNodes)
    guard length.nonzeroBitCount == 1 else { throw .badRequest("length is a power of two from 1 to 512") }
    guard index % length == 0 else { throw .badRequest("index is a multiple of length") }
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("layer", layer)
    fields.member("index", index)
    fields.member("length", length)
  }
}
