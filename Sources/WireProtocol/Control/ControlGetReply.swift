// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// The end of a `get`: the file is whole, verified and durable.
package struct ControlGetReply: ControlReply {
  /// What one peer gave.
  package struct Source: ControlMessage {
    package var name: String
    package var id: PeerID
    package var bytes: Int64

    package init(name: String, id: PeerID, bytes: Int64) {
      self.name = name
      self.id = id
      self.bytes = bytes
    }

    package init(_ json: JSONValue) throws(WireFailure) {
      let fields = try MessageFields(json)
      name = try fields.string("peer")
      id = try fields.peerID("id")
      bytes = try fields.integer("bytes")
    }

    package var members: JSONMembers {
      ["peer": .string(name), "id": .string(id.hex), "bytes": .integer(bytes)]
    }
  }

  package var key: DocumentKey
  package var content: Content
  /// Where the file lies: absolute.
  package var path: String
  /// Bytes that came over the network; less than the size where a part was here already.
  package var received: Int64
  package var sources: [Source]
  package var seconds: Double

  package init(
    key: DocumentKey, content: Content, path: String, received: Int64, sources: [Source], seconds: Double
  ) {
    self.key = key
    self.content = content
    self.path = path
    self.received = received
    self.sources = sources
    self.seconds = seconds
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    key = try fields.key()
    content = try fields.content()
    path = try fields.string("path")
    received = try fields.integer("received")
    sources = try fields.elements("sources")
    seconds = try fields.real("seconds")
  }

  package var members: JSONMembers {
    [
      "key": .string(key.text), "content": .string(content.root.hex), "size": .integer(content.size),
      "path": .string(path), "received": .integer(received), "sources": .array(sources.map(\.json)),
      "seconds": .real(seconds),
    ]
  }
}
