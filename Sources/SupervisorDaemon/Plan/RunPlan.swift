package import DocumentModel

/// Which processes shall run, and where they listen. It follows from flags, configuration and user alone.
package struct RunPlan: Sendable, Equatable {
  package struct Index: Sendable, Equatable {
    package let listen: Endpoint
    /// Nobody asked for it by name: an index that serves there already may be joined instead.
    package let isDefault: Bool

    package init(listen: Endpoint, isDefault: Bool) {
      self.listen = listen
      self.isDefault = isDefault
    }
  }

  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    /// Port 0 asks for the remembered one, or for any free one.
    package let listen: Endpoint
    /// As whom it runs in the system's layout; `nil` means the user of its name.
    package let user: String?

    package init(name: PeerName, listen: Endpoint, user: String?) {
      self.name = name
      self.listen = listen
      self.user = user
    }
  }

  /// What peers use as their index.
  package enum IndexChoice: Sendable, Equatable {
    /// The one of this plan, wherever it turns out to listen.
    case served
    case at(Endpoint)
  }

  package let index: Index?
  package let peers: [Peer]
  package let peersIndex: IndexChoice

  /// - Parameters:
  ///   - settings: `nil` where there is no configuration.
  ///   - ownName: the peer that is named after the user.
  package init(flags: RunFlags, settings: SupervisorSettings?, ownName: PeerName?) throws(SupervisorError) {
    let wanted: SupervisorSettings
    var isDefault = false
    if flags.nameProcesses {
      wanted = try Self.wanted(flags: flags, settings: settings, ownName: ownName)
    } else if let settings {
      wanted = settings
    } else {
      wanted = SupervisorSettings(serveIndex: .defaultIndex, peers: [.init(name: try Self.required(ownName))])
      isDefault = true
    }
    try Self.checkNames(wanted.peers)
    index = wanted.serveIndex.map { Index(listen: $0, isDefault: isDefault) }
    peersIndex = wanted.index.map { .at($0) } ?? (wanted.serveIndex == nil ? .at(.defaultIndex) : .served)
    let used = wanted.index ?? wanted.serveIndex ?? .defaultIndex
    // Who can be reached by this machine alone need not be reachable by others.
    let automatic = Endpoint(host: used.isLoopback ? "127.0.0.1" : "", port: 0)
    peers = wanted.peers.map { Peer(name: $0.name, listen: $0.listen ?? automatic, user: $0.user) }
  }

  /// This plan after a change, with those peers that could be added.
  package func applying(_ change: PlanChange, added: [Peer], peersIndex: IndexChoice) -> RunPlan {
    RunPlan(
      index: index, peers: peers.filter { !change.removed.contains($0.name) } + added, peersIndex: peersIndex)
  }

  private init(index: Index?, peers: [Peer], peersIndex: IndexChoice) {
    self.index = index
    self.peers = peers
    self.peersIndex = peersIndex
  }

  private static func wanted(
    flags: RunFlags, settings: SupervisorSettings?, ownName: PeerName?
  ) throws(SupervisorError) -> SupervisorSettings {
    var wanted = SupervisorSettings(serveIndex: flags.serveIndex, index: flags.index)
    if flags.serveIndex == nil, flags.index == nil {
      wanted.index = settings?.index ?? settings?.serveIndex
    }
    let configured = settings?.peers ?? []
    wanted.peers = flags.peers.map { peer in
      let known = configured.first { $0.name == peer.name }
      return .init(name: peer.name, listen: peer.listen ?? known?.listen, user: known?.user)
    }
    if flags.peers.isEmpty, flags.index != nil {
      let name = try required(ownName)
      wanted.peers = [configured.first { $0.name == name } ?? .init(name: name)]
    }
    return wanted
  }

  private static func required(_ name: PeerName?) throws(SupervisorError) -> PeerName {
    guard let name else {
      throw SupervisorError(.usage, "the name of the user is not known: name a peer with --peer NAME")
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
