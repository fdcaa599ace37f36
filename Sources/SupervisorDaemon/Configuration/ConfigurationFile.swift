// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import ProcessSupport
import TOMLKit
package import WireProtocol

/// The settings of `p2p.toml`; `nil` if not set. Every name must be known, and every value of the right type and in range.
package struct ConfigurationFile: Sendable, Equatable {
  package struct Supervisor: Sendable, Equatable {
    /// In seconds, 60…86,400; 0 never kills.
    package var killUnresponsiveAfter: Int?
  }

  package struct Log: Sendable, Equatable {
    package var to: LogDestination?
    package var level: LogStyle.Level?
    package var format: LogStyle.Format?
  }

  package struct Index: Sendable, Equatable {
    /// Whether to serve an index.
    package var serve: Bool?
    package var listen: Endpoint?
    /// The index that peers use.
    package var address: Endpoint?
    /// The user of the served index: a login name or `uid:gid`.
    package var user: String?
    /// Addresses that peers may advertise without connecting from them.
    package var allowAdvertise: [AddressRange]?
    package var bounds = IndexBounds()
  }

  package struct Network: Sendable, Equatable {
    /// Which connections index and peers take without TLS.
    package var plain: PlainConnections?
    /// Whether the served index admits everybody.
    package var open: Bool?
    /// In seconds, 0…86,400.
    package var grace: Int?
  }

  /// Defaults for all peers.
  package struct PeerDefaults: Sendable, Equatable {
    package var listen: Endpoint?
    package var advertise: HostAddress?
  }

  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    package var listen: Endpoint?
    /// The address under which others reach it, if not the one from which it connects.
    package var advertise: HostAddress?
    /// The user as which it runs in the system's layout: a login name or `uid:gid`; `nil` for the user of its name.
    package var user: String?

    package init(name: PeerName, listen: Endpoint? = nil, advertise: HostAddress? = nil, user: String? = nil) {
      self.name = name
      self.listen = listen
      self.advertise = advertise
      self.user = user
    }
  }

  package private(set) var supervisor = Supervisor()
  package private(set) var log = Log()
  package private(set) var index = Index()
  package private(set) var network = Network()
  package private(set) var peer = PeerDefaults()
  /// By name.
  package private(set) var peers: [Peer] = []
  /// Removed settings that are still set: they are ignored.
  package private(set) var warnings: [ConfigurationError] = []

  /// - Parameters:
  ///   - text: TOML 1.0.
  ///   - environment: variables that name a setting (`EnvironmentSettings`) override the text.
  package init(_ text: String, environment: [String: String] = [:]) throws(ConfigurationError) {
    let lines = KeyLines(text)
    let document: TOMLTable
    do {
      document = try TOMLTable(string: text)
    } catch let error as TOMLParseError {
      throw ConfigurationError(path: "", line: error.source.begin.line, reason: error.description)
    } catch {
      throw ConfigurationError(path: "", line: nil, reason: "\(error)")
    }
    try read(TableReader(document, path: [], lines: lines))
    do throws(ConfigurationError) {
      try read(TableReader(EnvironmentSettings.table(environment), path: [], lines: KeyLines("")))
    } catch {
      throw ConfigurationError(path: EnvironmentSettings.variable(error.path), line: nil, reason: error.reason)
    }
    warnings = Self.removedSettings(document, lines, environment)
  }

  private static func removedSettings(
    _ document: TOMLTable, _ lines: KeyLines, _ environment: [String: String]
  ) -> [ConfigurationError] {
    let reason = "this setting was removed and is ignored"
    var warnings: [ConfigurationError] = []
    for (table, name) in SettingNames.removed {
      if document[table]?.table?[name] != nil {
        warnings.append(.init(path: "\(table).\(name)", line: lines.line(of: [table, name]), reason: reason))
      }
      let variable = EnvironmentSettings.variable("\(table).\(name)")
      if environment[variable]?.isEmpty == false { warnings.append(.init(path: variable, line: nil, reason: reason)) }
    }
    return warnings
  }

  /// Overwrites the settings that are set in the tables.
  private mutating func read(_ root: TableReader) throws(ConfigurationError) {
    try root.allow(SettingNames.tables)
    if let table = try root.table("supervisor") {
      try table.allow(SettingNames.supervisor)
      supervisor.killUnresponsiveAfter =
        try table.integer("kill_unresponsive_after", in: 60...86_400, takesZero: true)
        ?? supervisor.killUnresponsiveAfter
    }
    if let table = try root.table("log") {
      try table.allow(SettingNames.log)
      log.to = try table.word("to") ?? log.to
      log.level = try table.word("level") ?? log.level
      log.format = try table.word("format") ?? log.format
    }
    if let table = try root.table("index") { try read(index: table) }
    if let table = try root.table("network") {
      try table.allow(SettingNames.network + ["limits"])
      network.plain = try table.word("plain") ?? network.plain
      network.open = try table.boolean("open") ?? network.open
      network.grace = try table.integer("grace", in: 0...86_400) ?? network.grace
      if let limits = try table.table("limits") { try read(limits: limits) }
    }
    if let table = try root.table("peer") {
      try table.allow(SettingNames.peer)
      peer.listen = try table.endpoint("listen") ?? peer.listen
      peer.advertise = try table.hostAddress("advertise") ?? peer.advertise
    }
    guard let table = try root.table("peers") else { return }
    for name in table.names { peers.append(try Self.peer(name, in: table)) }
  }

  private mutating func read(index table: TableReader) throws(ConfigurationError) {
    try table.allow(SettingNames.index)
    index.serve = try table.boolean("serve") ?? index.serve
    index.listen = try table.endpoint("listen", defaultPort: Endpoint.defaultIndexPort) ?? index.listen
    index.address = try table.destination("address", defaultPort: Endpoint.defaultIndexPort) ?? index.address
    index.user = try table.string("user") ?? index.user
    index.allowAdvertise = try table.addressRanges("allow_advertise") ?? index.allowAdvertise
    try read(bounds: table)
  }

  private mutating func read(bounds table: TableReader) throws(ConfigurationError) {
    // In MiB; at most an exbibyte.
    let (least, most) = (16, 1 << 40)
    if let wanted = try table.integer("memory", in: least...most) {
      index.bounds.memory = wanted << 20
    }
    if let wanted = try table.integer("memory_per_address", in: 1...most) {
      index.bounds.memoryPerAddress = wanted << 20
    }
    let counts = 1...1_000_000_000
    index.bounds.recordsPerAddress =
      try table.integer("records_per_address", in: counts) ?? index.bounds.recordsPerAddress
    index.bounds.requestsPerAddress =
      try table.integer("requests_per_address", in: counts) ?? index.bounds.requestsPerAddress
  }

  private mutating func read(limits table: TableReader) throws(ConfigurationError) {
    try table.allow(SettingNames.networkLimits)
    func limit(_ name: String, fewest: Int = 1, _ known: Int?) throws(ConfigurationError) -> Int? {
      try table.integer(name, in: fewest...1_000_000_000) ?? known
    }
    var bounds = index.bounds
    // A peer may come back before the index has dropped its old session.
    bounds.member.sessions = try limit("sessions_per_member", fewest: 2, bounds.member.sessions)
    bounds.member.requests = try limit("requests_per_member", bounds.member.requests)
    bounds.member.records = try limit("records_per_member", bounds.member.records)
    bounds.member.bytes = try limit("bytes_per_member", bounds.member.bytes)
    bounds.connectionsPerAddress = try limit("connections_per_address", bounds.connectionsPerAddress)
    bounds.bytesPerAddress = try limit("bytes_per_address", bounds.bytesPerAddress)
    index.bounds = bounds
  }

  private static func peer(_ name: String, in peers: TableReader) throws(ConfigurationError) -> Peer {
    let peerName: PeerName
    do {
      peerName = try PeerName(name)
    } catch {
      throw peers.error(name, error.reason)
    }
    guard let table = try peers.table(name) else { return Peer(name: peerName) }
    try table.allow(SettingNames.ofPeer)
    return Peer(
      name: peerName, listen: try table.endpoint("listen"), advertise: try table.hostAddress("advertise"),
      user: try table.string("user"))
  }
}

/// An error in the configuration: where, and which rule it breaks.
package struct ConfigurationError: Error, Equatable {
  /// The setting, such as `peers.alice.listen`; empty for a syntax error.
  package let path: String
  /// Counted from 1; `nil` if unknown.
  package let line: Int?
  package let reason: String

  package init(path: String, line: Int?, reason: String) {
    self.path = path
    self.line = line
    self.reason = reason
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// `line 7: peers.alice.listen: an address is HOST:PORT …`
  package var description: String {
    [line.map { "line \($0)" }, path.isEmpty ? nil : path, reason].compactMap { $0 }.joined(separator: ": ")
  }
}
