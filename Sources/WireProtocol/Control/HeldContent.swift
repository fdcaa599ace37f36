package import DocumentModel
package import LineJSON

/// A peer that offers a content, as the index reports it.
package struct ReportedHolder: ControlMessage {
  package var peer: PeerID
  package var name: PeerName
  /// An address, IPv6 without brackets.
  package var host: String
  package var port: UInt16
  /// Whether it has all of the content.
  package var complete: Bool

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, complete: Bool) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.complete = complete
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    peer = try fields.peerID("peer")
    name = try fields.peerName("name")
    host = try fields.string("host")
    port = try fields.port("port")
    complete = try fields.optionalFlag("complete") ?? true
  }

  package var members: JSONMembers {
    [
      "peer": .string(peer.hex), "name": .string(name.text), "host": .string(host), "port": .integer(Int64(port)),
      "complete": .bool(complete),
    ]
  }
}

/// One content under a key and who holds it: an element of `lookup`, and a choice where several stand under one key.
package struct HeldContent: ControlMessage {
  package var content: Content
  package var title: Title
  package var modified: Timestamp
  /// How many hold it, including those that are not listed.
  package var total: Int
  package var holders: [ReportedHolder]

  package init(content: Content, title: Title, modified: Timestamp, total: Int, holders: [ReportedHolder]) {
    self.content = content
    self.title = title
    self.modified = modified
    self.total = total
    self.holders = holders
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    content = try fields.content()
    title = try fields.title()
    modified = try fields.timestamp("modified")
    total = try fields.count("total")
    holders = try fields.elements("holders")
  }

  package var members: JSONMembers {
    [
      "content": .string(content.root.hex), "title": .string(title.text), "size": .integer(content.size),
      "modified": .string(modified.text), "total": .integer(Int64(total)),
      "holders": .array(holders.map(\.json)),
    ]
  }
}

/// A document in a list, with what the network or the own catalogue knows of it.
package struct ListedDocument: ControlMessage {
  /// How a document of the own catalogue stands.
  package enum State: String, Sendable {
    case shared
    /// Its file changed or went away: it is not offered.
    case withdrawn
  }

  package var document: Document
  package var total: Int
  /// At most 3.
  package var holders: [ReportedHolder]
  /// Of the own catalogue only: the absolute path of the file.
  package var path: String?
  /// Of the own catalogue only.
  package var state: State?

  package init(
    document: Document, total: Int, holders: [ReportedHolder], path: String? = nil, state: State? = nil
  ) {
    self.document = document
    self.total = total
    self.holders = holders
    self.path = path
    self.state = state
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    document = try fields.document()
    total = try fields.optionalCount("total") ?? 0
    holders = try fields.elements("holders")
    path = try fields.optionalString("path")
    state = try fields.optionalString("state").flatMap(State.init(rawValue:))
  }

  package var members: JSONMembers {
    var members = document.controlMembers
    members["total"] = .integer(Int64(total))
    members["holders"] = .array(holders.map(\.json))
    if let path { members["path"] = .string(path) }
    if let state { members["state"] = .string(state.rawValue) }
    return members
  }
}

extension MessageFields {
  func document() throws(WireFailure) -> Document {
    Document(key: try key(), title: try title(), content: try content(), modified: try timestamp("modified"))
  }
}

extension Document {
  /// Its five members in the order of the written protocol.
  var controlMembers: JSONMembers {
    [
      "key": .string(key.text), "title": .string(title.text), "content": .string(content.root.hex),
      "size": .integer(content.size), "modified": .string(modified.text),
    ]
  }
}
