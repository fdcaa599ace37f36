/// What each module may import. An edge that is not here is a failure: add it here and in Package.swift together, with a
/// reason there.
enum ModuleGraph {
  static let edges: [String: Set<String>] = [
    // L0
    "CJansson": [], "CEditLine": [], "CProcess": [],
    "DocumentModel": [],
    // L1
    "LineJSON": ["CJansson"],
    "DocumentIndex": ["DocumentModel"],
    "Places": ["DocumentModel"],
    "DocumentTitles": ["DocumentModel"],
    "ProcessSupervision": ["CProcess", "SystemPackage"],
    "Configuration": ["DocumentModel", "TOMLKit"],
    // L2
    "WireProtocol": ["LineJSON", "DocumentModel"],
    "ContentStore": ["CProcess", "DocumentModel", "Crypto", "GRDB"],
    "PeerIdentity": ["DocumentModel", "Crypto"],
    // L3
    "LineTransport": ["LineJSON", "NIOCore", "NIOPosix"],
    "SupervisorChannel": ["LineJSON", "WireProtocol", "SystemPackage"],
    "ServerProcess": ["CProcess", "DocumentModel", "SupervisorChannel", "NIOCore"],
    // L4
    "IndexServer": [
      "DocumentModel", "DocumentIndex", "LineJSON", "WireProtocol", "LineTransport", "ServerProcess",
      "SupervisorChannel", "NIOCore", "NIOPosix",
    ],
    "PeerDaemon": [
      "DocumentModel", "DocumentIndex", "DocumentTitles", "LineJSON", "WireProtocol", "ContentStore", "PeerIdentity",
      "LineTransport", "ServerProcess", "SupervisorChannel", "NIOCore", "NIOPosix", "Logging",
    ],
    "SupervisorDaemon": [
      "Configuration", "CProcess", "DocumentModel", "LineJSON", "Places", "WireProtocol", "ProcessSupervision",
      "SystemPackage",
    ],
    "ControlClient": ["CProcess", "DocumentModel", "LineJSON", "Places", "WireProtocol"],
    // L5
    "ConsoleCommands": [
      "ControlClient", "WireProtocol", "DocumentModel", "LineJSON", "Places", "ProcessSupervision", "CEditLine",
      "ArgumentParser", "SystemPackage",
    ],
    // L6
    "p2p-index": ["IndexServer", "DocumentModel", "WireProtocol", "ArgumentParser"],
    "p2p-peer": ["PeerDaemon", "DocumentModel", "WireProtocol", "ArgumentParser"],
    "p2p-supervisor": ["SupervisorDaemon", "DocumentModel", "ArgumentParser"],
    "p2pctl": ["ConsoleCommands"],
  ]

  /// What comes with the compiler and the C library and costs no one anything.
  static let everywhere: Set<String> = ["Swift", "Synchronization", "Glibc"]

  /// Parts of the system that some modules have a need for.
  static let system: [String: Set<String>] = [
    // GRDB hands out and takes types of Foundation.
    "ContentStore": ["Foundation", "Dispatch"],
    // Signal sources.
    "ServerProcess": ["Dispatch"],
  ]

  /// What the process that is least likely to die, and the one that starts most often, must do without.
  static let heavy: Set<String> = [
    "NIOCore", "NIOPosix", "NIOEmbedded", "Crypto", "GRDB", "Foundation", "FoundationEssentials", "Logging",
    "DocumentIndex", "LineTransport",
  ]

  static func allowed(in module: String) -> Set<String> {
    (edges[module] ?? []).union(everywhere).union(system[module] ?? [])
  }

  /// A module and all that it stands on, among our own.
  static func closure(of module: String) -> Set<String> {
    var (closure, waiting) = (Set<String>(), [module])
    while let next = waiting.popLast() {
      guard edges[next] != nil, closure.insert(next).inserted else { continue }
      waiting += edges[next] ?? []
    }
    return closure
  }
}
