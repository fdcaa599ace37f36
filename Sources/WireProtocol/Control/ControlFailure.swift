package import DocumentModel
package import LineJSON

/// A refusal on the control plane: the failure, and what helps a person to put it right.
package struct ControlFailure: Error, Equatable, Sendable {
  package var failure: WireFailure
  /// With `no-input`: each path that cannot be shared.
  package var paths: [PathProblem]
  /// With `several-contents`: what stands under the key.
  package var choices: [HeldContent]
  /// With `ambiguous-peer`: the holders that the name or the prefix fits.
  package var peers: [NamedPeer]

  package init(
    _ failure: WireFailure, paths: [PathProblem] = [], choices: [HeldContent] = [], peers: [NamedPeer] = []
  ) {
    self.failure = failure
    self.paths = paths
    self.choices = choices
    self.peers = peers
  }

  /// Reads a line whose `status` is not 200. A code from a later version becomes `internal`, with its message kept.
  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    let code = try fields.string("error")
    failure = WireFailure(
      ErrorCode(rawValue: code) ?? .internal, try fields.optionalString("message") ?? code,
      retryAfter: try fields.optionalInteger("retry_after", in: 0...86_400))
    if let name = try fields.optionalString("limit") {
      failure.limit = WireFailure.Limit(name, try fields.count("value"))
    }
    paths = try fields.elements("paths")
    choices = try fields.elements("choices")
    peers = try fields.elements("peers")
  }

  /// The whole line.
  /// - Parameter id: that of the request; `nil` where it had none that could be read.
  package func reply(to id: Int64?) -> JSONValue {
    var details: JSONMembers = [:]
    if !paths.isEmpty { details["paths"] = .array(paths.map(\.json)) }
    if !choices.isEmpty { details["choices"] = .array(choices.map(\.json)) }
    if !peers.isEmpty { details["peers"] = .array(peers.map(\.json)) }
    return failure.json(id: id, details: details)
  }
}

/// A path and what is wrong with it.
package struct PathProblem: ControlMessage {
  package var path: String
  package var message: String

  package init(path: String, message: String) {
    self.path = path
    self.message = message
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    path = try fields.string("path")
    message = try fields.string("message")
  }

  package var members: JSONMembers { ["path": .string(path), "message": .string(message)] }
}

/// A peer by id and name.
package struct NamedPeer: ControlMessage {
  package var peer: PeerID
  package var name: PeerName

  package init(peer: PeerID, name: PeerName) {
    self.peer = peer
    self.name = name
  }

  package init(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    peer = try fields.peerID("peer")
    name = try fields.peerName("name")
  }

  package var members: JSONMembers { ["peer": .string(peer.hex), "name": .string(name.text)] }
}

/// The end of a request: what a daemon sends beside events.
package enum ControlOutcome: Equatable, Sendable {
  /// Status 200, with all its members.
  case success(id: Int64, JSONValue)
  case failure(id: Int64?, ControlFailure)

  /// `nil` where the line is an event.
  package init?(_ json: JSONValue) throws(WireFailure) {
    let fields = try MessageFields(json)
    guard fields.value("event") == nil else { return nil }
    let id = try fields.value("id") == nil ? nil : fields.requestID()
    guard try fields.integer("status", in: 100...599) == 200 else {
      self = .failure(id: id, try ControlFailure(json))
      return
    }
    guard let id else { throw .badRequest("id is missing") }
    self = .success(id: id, json)
  }
}
