// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

/// What the supervisor tells an index.
package struct IndexSettings: Sendable, Hashable {
  /// Where its held listener listens, for people to read.
  package let address: Endpoint
  /// Addresses that peers may advertise though they do not come from them.
  package var allowAdvertise: [AddressRange]

  package init(address: Endpoint, allowAdvertise: [AddressRange] = []) {
    self.address = address
    self.allowAdvertise = allowAdvertise
  }

  fileprivate var json: JSONValue {
    var members: JSONMembers = ["address": .string("\(address)")]
    if !allowAdvertise.isEmpty {
      members["allow_advertise"] = .array(allowAdvertise.map { .string($0.text) })
    }
    return .object(members)
  }

  fileprivate init(_ fields: MessageFields) throws(WireFailure) {
    address = try fields.endpoint("address")
    allowAdvertise = try fields.addressRanges("allow_advertise")
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
  /// Where downloads go that name no place. It exists, but for the system's layout, where it lies in the state.
  package let downloads: String
  /// Under which address others reach it, where that is not the one it comes from.
  package var advertise: HostAddress?

  package init(
    state: String, control: String, index: Endpoint, downloads: String, advertise: HostAddress? = nil
  ) {
    self.state = state
    self.control = control
    self.index = index
    self.downloads = downloads
    self.advertise = advertise
  }

  fileprivate var json: JSONValue {
    var members: JSONMembers = [
      "state": .string(state), "control": .string(control), "index": .string("\(index)"),
      "downloads": .string(downloads),
    ]
    if let advertise { members["advertise"] = .string(advertise.text) }
    return .object(members)
  }

  fileprivate init(_ fields: MessageFields) throws(WireFailure) {
    state = try fields.string("state")
    control = try fields.string("control")
    index = try fields.endpoint("index")
    downloads = try fields.string("downloads")
    advertise = try fields.optionalHostAddress("advertise")
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
    case .index(let settings): settings.json
    case .peer(let settings): settings.json
    }
  }

  package init(_ json: JSONValue, role: ProcessRole) throws(WireFailure) {
    let fields = try MessageFields(json)
    switch role {
    case .index:
      self = .index(try IndexSettings(fields))
    case .peer:
      self = .peer(try PeerSettings(fields))
    case .supervisor:
      throw .badRequest("a child is an index or a peer")
    }
  }
}
