package import DocumentModel
import TOMLKit

/// The settings of `p2p.toml`, as they stand there: `nil` is what is not said. Every name must be known, every value of
/// its type and in its range.
package struct ConfigurationFile: Sendable, Equatable {
  package struct Supervisor: Sendable, Equatable {
    /// In seconds, 60…86,400; 0 never kills.
    package var killUnresponsiveAfter: Int?
  }

  package struct Index: Sendable, Equatable {
    /// Whether one is served here.
    package var serve: Bool?
    package var listen: Endpoint?
    /// The index that peers use.
    package var address: Endpoint?
  }

  /// What holds for every peer that says nothing else.
  package struct PeerDefaults: Sendable, Equatable {
    package var listen: Endpoint?
  }

  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    package var listen: Endpoint?
    /// A login name or `uid:gid`.
    package var user: String?

    package init(name: PeerName, listen: Endpoint? = nil, user: String? = nil) {
      self.name = name
      self.listen = listen
      self.user = user
    }
  }

  package private(set) var supervisor = Supervisor()
  package private(set) var index = Index()
  package private(set) var peer = PeerDefaults()
  /// By name.
  package private(set) var peers: [Peer] = []

  /// - Parameter text: TOML 1.0.
  package init(_ text: String) throws(ConfigurationError) {
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
  }

  private mutating func read(_ root: TableReader) throws(ConfigurationError) {
    try root.allow(["supervisor", "index", "peer", "peers"])
    if let table = try root.table("supervisor") {
      try table.allow(["kill_unresponsive_after"])
      supervisor.killUnresponsiveAfter = try table.integer("kill_unresponsive_after") {
        $0 == 0 || (60...86_400).contains($0)
      }
    }
    if let table = try root.table("index") {
      try table.allow(["serve", "listen", "address"])
      index.serve = try table.boolean("serve")
      index.listen = try table.endpoint("listen", defaultPort: Endpoint.defaultIndexPort)
      index.address = try table.destination("address", defaultPort: Endpoint.defaultIndexPort)
    }
    if let table = try root.table("peer") {
      try table.allow(["listen"])
      peer.listen = try table.endpoint("listen")
    }
    guard let table = try root.table("peers") else { return }
    for name in table.names { peers.append(try Self.peer(name, in: table)) }
  }

  private static func peer(_ name: String, in peers: TableReader) throws(ConfigurationError) -> Peer {
    let peerName: PeerName
    do {
      peerName = try PeerName(name)
    } catch {
      throw peers.error(name, error.reason)
    }
    guard let table = try peers.table(name) else { return Peer(name: peerName) }
    try table.allow(["listen", "user"])
    return Peer(name: peerName, listen: try table.endpoint("listen"), user: try table.string("user"))
  }
}
