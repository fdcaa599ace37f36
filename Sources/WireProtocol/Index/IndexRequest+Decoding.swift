// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import LineJSON

extension IndexRequest {
  /// Reads the request that a line holds, all but its `id`.
  ///
  /// - Parameter batchLimit: more documents than this in one request are `too-large`.
  package init(_ line: JSONObject, batchLimit: Int) throws(WireFailure) {
    guard let name = line["op"] else { throw .badRequest("op is missing") }
    guard name.kind == .string else { throw .badRequest("op is a string") }
    guard let operation = IndexOperation(name) else {
      throw WireFailure(.unknownOperation, "an index has no such operation")
    }
    switch operation {
    case .hello: self = .hello(try IndexHello(line))
    case .add: self = .add(try Self.batch(line, batchLimit, Document.init))
    case .remove: self = .remove(try Self.batch(line, batchLimit, RecordID.init))
    case .lookup: self = .lookup(try Lookup(line))
    case .list: self = .list(try ListQuery(line))
    case .peers: self = .peers(try PeersQuery(line))
    case .stats: self = .stats
    case .ping: self = .ping
    }
  }

  private static func batch<Element>(
    _ line: JSONObject, _ limit: Int, _ element: (JSONObject) throws(WireFailure) -> Element
  ) throws(WireFailure) -> [Element] {
    let documents = try line.array("documents")
    guard documents.count <= limit else {
      throw WireFailure(
        .tooLarge, "one request takes at most \(limit) documents", limit: .init("batch", limit))
    }
    var elements = [Element]()
    elements.reserveCapacity(documents.count)
    for value in documents {
      guard let object = value.object else { throw .badRequest("documents is an array of objects") }
      elements.append(try element(object))
    }
    return elements
  }
}

extension IndexHello {
  init(_ line: JSONObject) throws(WireFailure) {
    try HelloProtocol.check(line)
    self.init(
      peer: try line.peerID("peer"), name: try line.peerName(),
      port: try line.optionalInteger("port", in: 1...65_535).map { UInt16($0) },
      advertise: try line.optionalString("advertise"))
  }
}

extension Document {
  init(_ object: JSONObject) throws(WireFailure) {
    self.init(
      key: try object.key(), title: try object.title(), content: try object.content(),
      modified: try object.modified())
  }
}

extension IndexRequest.RecordID {
  init(_ object: JSONObject) throws(WireFailure) {
    self.init(key: try object.key(), content: try object.content())
  }
}

extension IndexRequest.Lookup {
  init(_ line: JSONObject) throws(WireFailure) {
    let peer = try line.optionalDigest("peer").map(PeerID.init(digest:))
    switch (try line.optionalString("key"), line["content"]) {
    case (let key?, nil): self.init(.key(try JSONObject.key(key)), peer: peer)
    case (nil, _?): self.init(.content(try line.content()), peer: peer)
    default: throw .badRequest("lookup takes either key, or content and size")
    }
  }
}

extension IndexRequest.ListQuery {
  /// More than this many bytes of words find nothing that fewer would not.
  static let maximumWordsLength = 1024

  init(_ line: JSONObject) throws(WireFailure) {
    let collection = try line.optionalString("collection")
    if let collection, !DocumentKey.isCollection(collection) {
      throw .badRequest("collection: a collection is 1 to 32 of a-z, 0-9 and -")
    }
    let words = try line.optionalString("words") ?? ""
    guard words.utf8.count <= Self.maximumWordsLength else {
      throw .badRequest("words has at most \(Self.maximumWordsLength) bytes")
    }
    self.init(
      collection: collection, words: words,
      limit: try line.optionalInteger("limit", in: 1...Int64(Int32.max)).map(Int.init),
      after: try line.optionalString("after"))
  }
}

extension IndexRequest.PeersQuery {
  init(_ line: JSONObject) throws(WireFailure) {
    self.init(
      limit: try line.optionalInteger("limit", in: 1...Int64(Int32.max)).map(Int.init),
      after: try line.optionalString("after"))
  }
}
