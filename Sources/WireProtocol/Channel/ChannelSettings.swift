package import DocumentModel
package import LineJSON

/// What the supervisor tells an index.
package struct IndexSettings: Sendable, Hashable {
  /// Where its held listener listens, for people to read.
  package let address: Endpoint

  package init(address: Endpoint) {
    self.address = address
  }
}

/// What the supervisor tells a peer. All paths are absolute.
package struct PeerSettings: Sendable, Hashable {
  /// The directory of its catalogue and key, which exists.
  package let state: String
  /// The path of its held control socket.
  package let control: String
  /// The index it uses until its user says otherwise.
  package var index: Endpoint
  /// Where downloads go that name no place, which exists.
  package let downloads: String

  package init(state: String, control: String, index: Endpoint, downloads: String) {
    self.state = state
    self.control = control
    self.index = index
    self.downloads = downloads
  }
}

/// The settings of a child, by its role.
package enum ChildSettings: Sendable, Hashable {
  case index(IndexSettings)
  case peer(PeerSettings)

  package var role: ProcessRole {
    switch self {
    case .index: .index
    case .peer: .peer
    }
  }

  package var json: JSONValue {
    switch self {
    case .index(let settings):
      ["address": .string("\(settings.address)")]
    case .peer(let settings):
      [
        "state": .string(settings.state), "control": .string(settings.control), "index": .string("\(settings.index)"),
        "downloads": .string(settings.downloads),
      ]
    }
  }

  package init(_ json: JSONValue, role: ProcessRole) throws(WireFailure) {
    let fields = try MessageFields(json)
    switch role {
    case .index:
      self = .index(IndexSettings(address: try fields.endpoint("address")))
    case .peer:
      self = .peer(
        PeerSettings(
          state: try fields.string("state"), control: try fields.string("control"),
          index: try fields.endpoint("index"), downloads: try fields.string("downloads")))
    case .supervisor:
      throw .badRequest("a child is an index or a peer")
    }
  }
}
