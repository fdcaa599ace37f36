// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import ProcessSupport
package import ProcessSupervision
package import WireProtocol

/// The processes to run, where they listen, and when a silent one is killed. It depends only on flags, configuration and
/// user.
package struct RunPlan: Sendable, Equatable {
  package struct Index: Sendable, Equatable {
    package let listen: Endpoint
    /// Whether nobody asked for it explicitly: an index that already listens there may be used instead.
    package let isDefault: Bool
    /// The user as which it runs in the system's layout; `nil` for p2p, else nobody.
    package let user: String?
    package var allowAdvertise: [AddressRange]
    package var bounds: IndexBounds

    package init(
      listen: Endpoint, isDefault: Bool, user: String? = nil, allowAdvertise: [AddressRange] = [],
      bounds: IndexBounds = IndexBounds()
    ) {
      self.listen = listen
      self.isDefault = isDefault
      self.user = user
      self.allowAdvertise = allowAdvertise
      self.bounds = bounds
    }
  }

  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    /// Port 0 means the remembered port, else any free one.
    package let listen: Endpoint
    /// Whether nobody chose where it listens.
    package let isAutomatic: Bool
    /// The address under which others reach it; `nil` for the one from which it connects.
    package var advertise: HostAddress?
    /// The user as which it runs in the system's layout; `nil` for the user of its name.
    package let user: String?

    package init(
      name: PeerName, listen: Endpoint, isAutomatic: Bool = false, advertise: HostAddress? = nil, user: String?
    ) {
      self.name = name
      self.listen = listen
      self.isAutomatic = isAutomatic
      self.advertise = advertise
      self.user = user
    }
  }

  /// The index that peers use.
  package enum IndexChoice: Sendable, Equatable {
    /// The one of this plan, at its actual address.
    case served
    case at(Endpoint)
  }

  package internal(set) var index: Index?
  package internal(set) var peers: [Peer]
  package internal(set) var peersIndex: IndexChoice
  /// Which connections index and peers take without TLS.
  package internal(set) var plain: PlainConnections
  /// Whether the served index admits everybody, as it is set; `nil` to decide by where it listens.
  package internal(set) var open: Bool?
  /// Seconds for which peers honour passes after their end while their index cannot be reached; `nil` for the default.
  package internal(set) var grace: Int?
  /// Whether peers forget the index that their users chose with `connect` when they start for the first time.
  package internal(set) var forgetsConnect: Bool
  /// `nil` for never.
  package internal(set) var killUnresponsiveAfter: Duration?
  /// `nil` to decide by what standard error is.
  package internal(set) var logDestination: LogDestination?
  package internal(set) var logStyle: LogStyle
  /// Settings that were read and have no effect, for the log.
  package internal(set) var warnings: [String] = []

  /// Whether the served index admits everybody, not only members.
  package var isOpen: Bool { open ?? index?.listen.isLoopback ?? true }

  /// The restart rules of children.
  package var policy: RestartPolicy {
    var policy = RestartPolicy()
    policy.killUnresponsiveAfter = killUnresponsiveAfter
    return policy
  }

  /// - Parameters:
  ///   - settings: `nil` if there is no configuration.
  ///   - ownName: the name of the default peer; `nil` if there is none.
  package init(flags: RunFlags, settings: SupervisorSettings?, ownName: PeerName?) throws(SupervisorError) {
    let wanted: SupervisorSettings
    if flags.nameProcesses {
      wanted = try Self.wanted(flags: flags, settings: settings ?? SupervisorSettings(), ownName: ownName)
    } else {
      wanted =
        settings ?? SupervisorSettings(serveIndex: .defaultIndex, peers: ownName.map { [.init(name: $0)] } ?? [])
    }
    let isDefault = !flags.nameProcesses && settings?.asksForIndex != true
    try Self.checkNames(wanted.peers)
    index = wanted.serveIndex.map {
      Index(
        listen: $0, isDefault: isDefault, user: wanted.indexUser, allowAdvertise: wanted.allowAdvertise,
        bounds: wanted.indexBounds)
    }
    peersIndex = wanted.index.map { .at($0) } ?? (wanted.serveIndex == nil ? .at(.defaultIndex) : .served)
    let used = wanted.index ?? wanted.serveIndex ?? .defaultIndex
    let automatic = Endpoint(host: used.defaultPeerHost, port: 0)
    peers = wanted.peers.map {
      Peer(
        name: $0.name, listen: $0.listen ?? automatic, isAutomatic: $0.listen == nil, advertise: $0.advertise,
        user: $0.user)
    }
    plain = wanted.plain
    open = flags.open ? true : wanted.open
    grace = wanted.grace
    killUnresponsiveAfter = wanted.killUnresponsiveAfter
    logDestination = wanted.logDestination
    logStyle = wanted.logStyle
    forgetsConnect = flags.index != nil && !flags.keepsConnect
    if flags.open, index == nil {
      throw SupervisorError(.usage, "--open is about an index that is served here: add --serve-index")
    }
    if !isOpen, plain == .always {
      throw SupervisorError(
        .usage,
        "the index serves members only, which takes no plain connections: remove plain = \"always\" under [network], or "
          + "set open = true there")
    }
  }

  /// The flags decide which processes run and where; other settings come from the configuration.
  private static func wanted(
    flags: RunFlags, settings: SupervisorSettings, ownName: PeerName?
  ) throws(SupervisorError) -> SupervisorSettings {
    var wanted = settings
    wanted.serveIndex = flags.serveIndex
    wanted.index = flags.index
    if flags.serveIndex == nil, flags.index == nil { wanted.index = settings.index ?? settings.serveIndex }
    func peer(_ name: PeerName) -> SupervisorSettings.Peer {
      settings.peers.first { $0.name == name }
        ?? .init(name: name, listen: settings.peerListen, advertise: settings.peerAdvertise)
    }
    wanted.peers = flags.peers.map { flag in
      var peer = peer(flag.name)
      if let listen = flag.listen { peer.listen = listen }
      return peer
    }
    if flags.peers.isEmpty, flags.index != nil { wanted.peers = [peer(try required(ownName))] }
    return wanted
  }

  private static func required(_ name: PeerName?) throws(SupervisorError) -> PeerName {
    guard let name else {
      throw SupervisorError(.usage, "cannot name a peer after the user: name one with --peer NAME")
    }
    return name
  }

  private static func checkNames(_ peers: [SupervisorSettings.Peer]) throws(SupervisorError) {
    var seen: Set<PeerName> = []
    for peer in peers where !seen.insert(peer.name).inserted {
      throw SupervisorError(.usage, "the peer \(peer.name) is named twice")
    }
  }
}

/// The flags of `p2p-supervisor run`.
package struct RunFlags: Sendable, Equatable {
  /// `--peer NAME[=HOST:PORT]`.
  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    /// Where it serves files to others; `nil` for the configured or default address.
    package let listen: Endpoint?

    package init(name: PeerName, listen: Endpoint? = nil) {
      self.name = name
      self.listen = listen
    }

    package init(_ text: String) throws(InvalidValue) {
      guard let sign = text.firstIndex(of: "=") else {
        self.init(name: try PeerName(text))
        return
      }
      let name = try PeerName(String(text[..<sign]))
      self.init(name: name, listen: try Endpoint(String(text[text.index(after: sign)...])))
    }
  }

  /// `--serve-index`: serve an index here.
  package var serveIndex: Endpoint?
  /// `--index`: use this index.
  package var index: Endpoint?
  package var peers: [Peer]
  /// `--keep-connect`: an index that a peer's user chose with `connect` wins over `index`.
  package var keepsConnect: Bool
  /// `--open`: the served index admits everybody.
  package var open: Bool

  package init(
    serveIndex: Endpoint? = nil, index: Endpoint? = nil, peers: [Peer] = [], keepsConnect: Bool = false,
    open: Bool = false
  ) {
    self.open = open
    self.serveIndex = serveIndex
    self.index = index
    self.peers = peers
    self.keepsConnect = keepsConnect
  }

  /// Whether the flags name the processes to run, instead of the configuration.
  package var nameProcesses: Bool { serveIndex != nil || index != nil || !peers.isEmpty }
}
