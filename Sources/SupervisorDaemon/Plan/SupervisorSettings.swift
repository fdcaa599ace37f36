// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import ProcessSupport
import ProcessSupervision
package import WireProtocol

/// The settings of the configuration that concern the processes to start.
package struct SupervisorSettings: Sendable, Equatable {
  package typealias Peer = ConfigurationFile.Peer

  /// Where an index is served; `nil` for none.
  package var serveIndex: Endpoint?
  /// Whether serving an index, or its address, is set explicitly. Otherwise an index that already runs may be used.
  package var asksForIndex = true
  /// The index that peers use; `nil` for the served one, else the default.
  package var index: Endpoint?
  /// The user as which the served index runs in the system's layout; `nil` for p2p, else nobody.
  package var indexUser: String?
  /// Addresses that peers may advertise at the served index without connecting from them.
  package var allowAdvertise: [AddressRange] = []
  /// Of the served index.
  package var indexBounds = IndexBounds()
  /// Which connections index and peers take without TLS.
  package var plain = PlainConnections.loopback
  /// Whether the served index admits everybody; `nil` to decide by where it listens.
  package var open: Bool?
  /// Seconds for which peers honour passes after their end while their index cannot be reached; `nil` for the default.
  package var grace: Int?
  package var peers: [Peer]
  /// Used for peers that have no table of their own.
  package var peerListen: Endpoint?
  package var peerAdvertise: HostAddress?
  /// A child that has been silent for this long is killed; `nil` for never.
  package var killUnresponsiveAfter: Duration? = RestartPolicy.minTimeoutBeforeKill
  /// `nil` to decide by what standard error is.
  package var logDestination: LogDestination?
  package var logStyle = LogStyle()

  package init(serveIndex: Endpoint? = nil, index: Endpoint? = nil, peers: [Peer] = []) {
    self.serveIndex = serveIndex
    self.index = index
    self.peers = peers
  }
}

extension SupervisorSettings {
  /// - Parameter ownName: the peer that runs if the file names none.
  package init(_ file: ConfigurationFile, ownName: PeerName?) {
    let serves = file.index.serve ?? (file.index.address == nil)
    let own = ownName.map { [Peer(name: $0)] } ?? []
    self.init(
      serveIndex: serves ? file.index.listen ?? .defaultIndex : nil, index: file.index.address,
      peers: (file.peers.isEmpty ? own : file.peers).map { peer in
        Peer(
          name: peer.name, listen: peer.listen ?? file.peer.listen, advertise: peer.advertise ?? file.peer.advertise,
          user: peer.user)
      })
    asksForIndex = file.index.serve != nil || file.index.listen != nil
    indexUser = file.index.user
    allowAdvertise = file.index.allowAdvertise ?? []
    indexBounds = file.index.bounds
    plain = file.network.plain ?? .loopback
    (open, grace) = (file.network.open, file.network.grace)
    peerListen = file.peer.listen
    peerAdvertise = file.peer.advertise
    logDestination = file.log.to
    if let level = file.log.level { logStyle.level = level }
    if let format = file.log.format { logStyle.format = format }
    if let seconds = file.supervisor.killUnresponsiveAfter {
      killUnresponsiveAfter = seconds > 0 ? .seconds(seconds) : nil
    }
  }
}
