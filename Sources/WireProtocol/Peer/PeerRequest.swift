// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The operations that a peer answers to other peers.
package enum PeerOperation: String, CaseIterable, Sendable {
  case hello, have, hashes, get
}

/// What a peer asks of another.
package enum PeerRequest: Equatable, Sendable {
  case hello(peer: PeerID, name: PeerName)
  case have(Content)
  case hashes(Content, HashesQuery)
  case get(Content, offset: Int64, length: Int64)

  package var operation: PeerOperation {
    switch self {
    case .hello: .hello
    case .have: .have
    case .hashes: .hashes
    case .get: .get
    }
  }
}

/// Nodes of one layer of a content's Merkle tree.
package struct HashesQuery: Hashable, Sendable {
  /// The most nodes of one request.
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
}

// MARK: Reading

extension PeerRequest {
  /// Reads the request that a line holds, all but its `id`.
  package init(_ line: JSONObject) throws(WireFailure) {
    let name = try line.string("op")
    guard let operation = PeerOperation(rawValue: name) else {
      throw WireFailure(.unknownOperation, "a peer has no such operation")
    }
    switch operation {
    case .hello:
      try HelloProtocol.check(line)
      self = .hello(peer: try line.peerID("peer"), name: try line.peerName())
    case .have: self = .have(try line.content())
    case .hashes: self = .hashes(try line.content(), try HashesQuery(line))
    case .get:
      self = .get(
        try line.content(), offset: try line.integer("offset", in: 0...Content.maximumSize),
        length: try line.integer("length", in: 0...Content.maximumSize))
    }
  }
}

extension HashesQuery {
  init(_ line: JSONObject) throws(WireFailure) {
    let layer = try line.integer("layer", in: 0...63)
    let index = try line.integer("index", in: 0...Content.maximumSize)
    let length = try line.integer("length", in: 1...Self.maxNodes)
    guard length.nonzeroBitCount == 1 else { throw .badRequest("length is a power of two from 1 to 512") }
    guard index % length == 0 else { throw .badRequest("index is a multiple of length") }
    self.init(layer: Int(layer), index: index, length: length)
  }
}

// MARK: Writing

extension PeerRequest {
  /// Appends the line that asks for this.
  package func write(id: Int64, to output: inout JSONWriter) {
    output.beginObject()
    output.member("id", id)
    output.member("op", operation.rawValue)
    switch self {
    case .hello(let peer, let name):
      output.member("protocol", ProtocolVersion.wire)
      output.member("peer", peer)
      output.member("name", name.text)
    case .have(let content):
      output.members(of: content)
    case .hashes(let content, let range):
      output.members(of: content)
      output.member("layer", range.layer)
      output.member("index", range.index)
      output.member("length", range.length)
    case .get(let content, let offset, let length):
      output.members(of: content)
      output.member("offset", offset)
      output.member("length", length)
    }
    output.endObject()
    output.endLine()
  }
}
