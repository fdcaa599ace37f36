// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON

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

  package var json: JSONValue { .object(.written { write(to: &$0) }) }

  package init(_ json: JSONValue, role: ProcessRole) throws(WireFailure) {
    guard let fields = json.fields else { throw .badRequest("a message is a JSON object") }
    try self.init(fields, role: role)
  }

  init(_ fields: some FieldReader, role: ProcessRole) throws(WireFailure) {
    switch role {
    case .index: self = .index(try IndexSettings(fields))
    case .peer: self = .peer(try PeerSettings(fields))
    case .supervisor: throw .badRequest("a child is an index or a peer")
    }
  }

  func write(to fields: inout some FieldWriter) {
    switch self {
    case .index(let settings): settings.write(to: &fields)
    case .peer(let settings): settings.write(to: &fields)
    }
  }
}

/// The settings of an index.
package struct IndexSettings: WireMessage, Hashable {
  /// The address of its listener, for people to read.
  package let address: Endpoint
  /// Addresses that peers may advertise although they connect from others.
  package var allowAdvertise: [AddressRange]
  package var bounds: IndexBounds
  /// The directory of its key, which exists; `nil` to run without a key and so without TLS.
  package var state: String?
  package var plain = PlainConnections.loopback
  /// The user that decides who belongs to the network of the index, besides root; `nil` if the network is open.
  package var operatorUser: UInt32?

  package init(
    address: Endpoint, allowAdvertise: [AddressRange] = [], bounds: IndexBounds = IndexBounds(), state: String? = nil
  ) {
    self.state = state
    self.address = address
    self.allowAdvertise = allowAdvertise
    self.bounds = bounds
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    address = try fields.endpoint("address")
    allowAdvertise = try fields.addressRanges("allow_advertise")
    bounds = IndexBounds()
    bounds.memory = try fields.optionalCount("memory")
    bounds.memoryPerAddress = try fields.optionalCount("memory_per_address")
    bounds.recordsPerAddress = try fields.optionalCount("records_per_address")
    bounds.requestsPerAddress = try fields.optionalCount("requests_per_address")
    bounds.connectionsPerAddress = try fields.optionalCount("connections_per_address")
    bounds.bytesPerAddress = try fields.optionalCount("bytes_per_address")
    bounds.member.sessions = try fields.optionalCount("sessions_per_member")
    bounds.member.requests = try fields.optionalCount("requests_per_member")
    bounds.member.records = try fields.optionalCount("records_per_member")
    bounds.member.bytes = try fields.optionalCount("bytes_per_member")
    state = try fields.optionalString("state")
    plain = try fields.plainConnections()
    operatorUser = try fields.optionalInteger("operator", in: 0 ... .max)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("address", address.description)
    if !allowAdvertise.isEmpty { fields.strings("allow_advertise", allowAdvertise.map(\.text)) }
    if let memory = bounds.memory { fields.member("memory", memory) }
    if let memory = bounds.memoryPerAddress { fields.member("memory_per_address", memory) }
    if let records = bounds.recordsPerAddress { fields.member("records_per_address", records) }
    if let requests = bounds.requestsPerAddress { fields.member("requests_per_address", requests) }
    if let connections = bounds.connectionsPerAddress { fields.member("connections_per_address", connections) }
    if let bytes = bounds.bytesPerAddress { fields.member("bytes_per_address", bytes) }
    if let sessions = bounds.member.sessions { fields.member("sessions_per_member", sessions) }
    if let requests = bounds.member.requests { fields.member("requests_per_member", requests) }
    if let records = bounds.member.records { fields.member("records_per_member", records) }
    if let bytes = bounds.member.bytes { fields.member("bytes_per_member", bytes) }
    if let state { fields.member("state", state) }
    if plain != .loopback { fields.member("plain", plain.rawValue) }
    if let operatorUser { fields.member("operator", operatorUser) }
  }
}

/// What an index lets its clients have; `nil` for the default. Memory in bytes.
package struct IndexBounds: Hashable, Sendable {
  package var memory: Int?
  package var memoryPerAddress: Int?
  package var recordsPerAddress: Int?
  /// In a second.
  package var requestsPerAddress: Int?
  package var connectionsPerAddress: Int?
  /// Of replies in a second.
  package var bytesPerAddress: Int?
  package var member = MemberLimits()

  package init() {}
}

/// The settings of a peer. All paths are absolute.
package struct PeerSettings: WireMessage, Hashable {
  /// The directory of its catalogue and key, which exists.
  package let state: String
  /// The path of its control socket, which it inherits.
  package let control: String
  /// The index it uses until its user chooses another.
  package var index: Endpoint
  /// Whether that is the index of the same supervisor.
  package var isOwnIndex = false
  /// The directory of downloads that name no other. It exists, except in the system's layout, where it is part of the
  /// state.
  package let downloads: String
  /// Whether nobody chose where it listens: it then also listens where its index reports it.
  package let isAutomatic: Bool
  /// The address at which others reach it, if it is not the one from which it connects.
  package var advertise: HostAddress?
  /// Whether it forgets the index that its user chose with `connect`, at its start.
  package var forgetsConnect = false
  /// The upload port of earlier runs, if another program has it now.
  package let portTaken: UInt16?
  /// Directories of the whole installation whose files are never shared or overwritten.
  package var privateDirectories: [String]
  package var plain = PlainConnections.loopback
  /// Seconds for which passes are honoured after their end while the index cannot be reached; `nil` for the default.
  package var grace: Int?

  package init(
    state: String, control: String, index: Endpoint, downloads: String, isAutomatic: Bool = false,
    advertise: HostAddress? = nil, portTaken: UInt16? = nil, privateDirectories: [String] = []
  ) {
    self.state = state
    self.control = control
    self.index = index
    self.downloads = downloads
    self.isAutomatic = isAutomatic
    self.advertise = advertise
    self.portTaken = portTaken
    self.privateDirectories = privateDirectories
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    state = try fields.string("state")
    control = try fields.string("control")
    index = try fields.endpoint("index")
    isOwnIndex = try fields.optionalBool("own_index") ?? false
    downloads = try fields.string("downloads")
    isAutomatic = try fields.optionalBool("automatic") ?? false
    advertise = try fields.optionalHostAddress("advertise")
    forgetsConnect = try fields.optionalBool("forget_connect") ?? false
    portTaken = try fields.optionalInteger("port_taken", in: 1 ... .max)
    privateDirectories = try fields.optionalStrings("private")
    plain = try fields.plainConnections()
    grace = try fields.optionalCount("grace")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("state", state)
    fields.member("control", control)
    fields.member("index", index.description)
    if isOwnIndex { fields.member("own_index", true) }
    fields.member("downloads", downloads)
    if isAutomatic { fields.member("automatic", true) }
    if let advertise { fields.member("advertise", advertise.text) }
    if forgetsConnect { fields.member("forget_connect", true) }
    if let portTaken { fields.member("port_taken", portTaken) }
    if !privateDirectories.isEmpty { fields.strings("private", privateDirectories) }
    if plain != .loopback { fields.member("plain", plain.rawValue) }
    if let grace { fields.member("grace", grace) }
  }
}

/// The descriptors of the listening sockets that a child inherits.
package struct ChannelListeners: WireMessage, Hashable {
  package var index: Int32?
  package var uploads: Int32?
  package var control: Int32?

  package init(index: Int32? = nil, uploads: Int32? = nil, control: Int32? = nil) {
    self.index = index
    self.uploads = uploads
    self.control = control
  }

  /// Those that exist, with their names.
  package var all: [(name: String, descriptor: Int32)] {
    [("index", index), ("uploads", uploads), ("control", control)].compactMap { name, descriptor in
      descriptor.map { (name, $0) }
    }
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    index = try fields.optionalInteger("index", in: 3...65_535)
    uploads = try fields.optionalInteger("uploads", in: 3...65_535)
    control = try fields.optionalInteger("control", in: 3...65_535)
  }

  package func write(to fields: inout some FieldWriter) {
    if let index { fields.member("index", index) }
    if let uploads { fields.member("uploads", uploads) }
    if let control { fields.member("control", control) }
  }
}

/// The addresses of a child: `HOST:PORT`, for the control socket its path.
package struct ChannelAddresses: WireMessage, Hashable {
  package var index: String?
  package var uploads: String?
  package var control: String?

  package init(index: String? = nil, uploads: String? = nil, control: String? = nil) {
    self.index = index
    self.uploads = uploads
    self.control = control
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    index = try fields.optionalString("index")
    uploads = try fields.optionalString("uploads")
    control = try fields.optionalString("control")
  }

  package func write(to fields: inout some FieldWriter) {
    if let index { fields.member("index", index) }
    if let uploads { fields.member("uploads", uploads) }
    if let control { fields.member("control", control) }
  }
}

extension FieldReader {
  fileprivate func plainConnections() throws(WireFailure) -> PlainConnections {
    try value("plain") == nil ? .loopback : word("plain")
  }
}
