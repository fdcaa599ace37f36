// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// A download or an upload that is under way.
package struct RunningTransfer: ControlMessage {
  package enum Direction: String, CaseIterable, Sendable {
    case download
    case upload
  }

  package var direction: Direction
  /// `nil` for an upload: the other side asks by content.
  package var key: DocumentKey?
  package var content: Content
  /// Bytes moved so far.
  package var done: Int64
  /// The name of the other peer; empty where it is not known.
  package var peer: String
  package var host: String
  /// How long it has been running.
  package var seconds: Double

  package init(
    direction: Direction, key: DocumentKey?, content: Content, done: Int64, peer: String, host: String, seconds: Double
  ) {
    self.direction = direction
    self.key = key
    self.content = content
    self.done = done
    self.peer = peer
    self.host = host
    self.seconds = seconds
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    direction = try fields.word("direction")
    key = try fields.value("key") == nil ? nil : fields.key()
    content = try fields.content()
    done = try fields.integer("done")
    peer = try fields.optionalString("peer") ?? ""
    host = try fields.optionalString("host") ?? ""
    seconds = try fields.real("seconds")
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["direction": .string(direction.rawValue)]
    if let key { members["key"] = .string(key.text) }
    members["content"] = .string(content.root.hex)
    members["size"] = .integer(content.size)
    members["done"] = .integer(done)
    members["peer"] = .string(peer)
    members["host"] = .string(host)
    members["seconds"] = .real(seconds)
    return members
  }
}
