// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import ProcessSupervision

/// Which processes shall run, where they listen, and how patient their supervisor is. It follows from flags,
/// configuration and user alone.
package struct RunPlan: Sendable, Equatable {
  package struct Index: Sendable, Equatable {
    package let listen: Endpoint
    /// Nobody asked for it by name: an index that serves there already may be joined instead.
    package let isDefault: Bool
    /// As whom it runs in the system's layout; `nil` leaves the choice to the rules.
    package let user: String?
    package var allowAdvertise: [AddressRange]

    package init(listen: Endpoint, isDefault: Bool, user: String? = nil, allowAdvertise: [AddressRange] = []) {
      self.listen = listen
      self.isDefault = isDefault
      self.user = user
      self.allowAdvertise = allowAdvertise
    }
  }

  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    /// Port 0 asks for the remembered one, or for any free one.
    package let listen: Endpoint
    /// Under which address others reach it; `nil` for the one it comes from.
    package var advertise: HostAddress?
    /// As whom it runs in the system's layout; `nil` means the user of its name.
    package let user: String?

    package init(name: PeerName, listen: Endpoint, advertise: HostAddress? = nil, user: String?) {
      self.name = name
      self.listen = listen
      self.advertise = advertise
      self.user = user
    }
  }

  /// What peers use as their index.
  package enum IndexChoice: Sendable, Equatable {
    /// The one of this plan, wherever it turns out to listen.
    case served
    case at(Endpoint)
  }

  package internal(set) var index: Index?
  package internal(set) var peers: [Peer]
  package internal(set) var peersIndex: IndexChoice
  /// `nil` for never.
  package internal(set) var killUnresponsiveAfter: Duration?
  /// Settings that were read and have no effect, for the log.
  package internal(set) var warnings: [String] = []

  /// When children are started again.
  package var policy: RestartPolicy {
    var policy = RestartPolicy()
    policy.killUnresponsiveAfter = killUnresponsiveAfter
    return policy
  }

  /// - Parameters:
  ///   - settings: `nil` where there is no configuration.
  ///   - ownName: the peer that is named after the user; `nil` where none may be.
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
      Index(listen: $0, isDefault: isDefault, user: wanted.indexUser, allowAdvertise: wanted.allowAdvertise)
    }
    peersIndex = wanted.index.map { .at($0) } ?? (wanted.serveIndex == nil ? .at(.defaultIndex) : .served)
    let used = wanted.index ?? wanted.serveIndex ?? .defaultIndex
    // Who can be reached by this machine alone need not be reachable by others.
    let automatic = Endpoint(host: used.isLoopback ? "127.0.0.1" : "", port: 0)
    peers = wanted.peers.map {
      Peer(name: $0.name, listen: $0.listen ?? automatic, advertise: $0.advertise, user: $0.user)
    }
    killUnresponsiveAfter = wanted.killUnresponsiveAfter
  }

  /// The flags decide which processes there are and where; what they do not say stands in the configuration.
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
      throw SupervisorError(.usage, "there is no user after whom a peer could be named: name one with --peer NAME")
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
