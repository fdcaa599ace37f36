package import DocumentModel
package import LineJSON

/// What a daemon sends between a request and its reply: rows of a result, and progress where it was asked for.
package enum ControlEvent: Equatable, Sendable {
  case hashing(HashingProgress)
  case added(Document, path: String)
  /// A file that could not be shared while others of the same `add` could.
  case failed(PathProblem)
  case document(ListedDocument)
  case progress(DownloadProgress)
  case peer(ConnectedPeer)
  case transfer(RunningTransfer)
  /// Of a kind that this version does not know, to be ignored.
  case unknown(String)

  /// `nil` where the line is no event but a reply.
  package init?(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    guard let kind = try fields.optionalString("event") else { return nil }
    self =
      switch kind {
      case "hashing": .hashing(try HashingProgress(json))
      case "added": .added(try fields.document(), path: try fields.string("path"))
      case "failed": .failed(try PathProblem(json))
      case "document": .document(try ListedDocument(json))
      case "progress": .progress(try DownloadProgress(json))
      case "peer": .peer(try ConnectedPeer(json))
      case "transfer": .transfer(try RunningTransfer(json))
      default: .unknown(kind)
      }
  }

  /// The whole line.
  package var json: JSONValue {
    switch self {
    case .hashing(let progress): Self.line("hashing", progress.members)
    case .added(let document, let path):
      Self.line("added", document.controlMembers, ["path": .string(path)])
    case .failed(let problem): Self.line("failed", problem.members)
    case .document(let document): Self.line("document", document.members)
    case .progress(let progress): Self.line("progress", progress.members)
    case .peer(let peer): Self.line("peer", peer.members)
    case .transfer(let transfer): Self.line("transfer", transfer.members)
    case .unknown(let kind): Self.line(kind, [:])
    }
  }

  private static func line(_ kind: String, _ parts: JSONMembers...) -> JSONValue {
    var line: JSONMembers = ["event": .string(kind)]
    for part in parts {
      for member in part { line[member.key] = member.value }
    }
    return .object(line)
  }
}

/// How far an `add` has come.
package struct HashingProgress: ControlMessage {
  package var path: String
  /// Bytes of this file that are hashed.
  package var done: Int64
  /// The size of this file.
  package var total: Int64
  /// The number of this file, from 1.
  package var file: Int
  package var files: Int

  package init(path: String, done: Int64, total: Int64, file: Int, files: Int) {
    self.path = path
    self.done = done
    self.total = total
    self.file = file
    self.files = files
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    path = try fields.string("path")
    done = try fields.integer("done")
    total = try fields.integer("total")
    file = try fields.count("file")
    files = try fields.count("files")
  }

  package var members: JSONMembers {
    [
      "path": .string(path), "done": .integer(done), "total": .integer(total), "file": .integer(Int64(file)),
      "files": .integer(Int64(files)),
    ]
  }
}

/// How far a `get` has come.
package struct DownloadProgress: ControlMessage {
  package var received: Int64
  package var size: Int64
  /// The name of the peer that gave last; `nil` where none has given yet.
  package var peer: String?

  package init(received: Int64, size: Int64, peer: String?) {
    self.received = received
    self.size = size
    self.peer = peer
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    received = try fields.integer("received")
    size = try fields.integer("size")
    peer = try fields.optionalString("peer")
  }

  package var members: JSONMembers {
    var members: JSONMembers = ["received": .integer(received), "size": .integer(size)]
    if let peer { members["peer"] = .string(peer) }
    return members
  }
}

/// A peer that is connected to the index.
package struct ConnectedPeer: ControlMessage {
  package var peer: PeerID
  package var name: PeerName
  package var host: String
  package var port: UInt16
  package var documents: Int

  package init(peer: PeerID, name: PeerName, host: String, port: UInt16, documents: Int) {
    self.peer = peer
    self.name = name
    self.host = host
    self.port = port
    self.documents = documents
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    peer = try fields.peerID("peer")
    name = try fields.peerName("name")
    host = try fields.string("host")
    port = try fields.port("port")
    documents = try fields.count("documents")
  }

  package var members: JSONMembers {
    [
      "peer": .string(peer.hex), "name": .string(name.text), "host": .string(host), "port": .integer(Int64(port)),
      "documents": .integer(Int64(documents)),
    ]
  }
}

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
