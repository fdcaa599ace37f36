// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

extension SupervisorSettings {
  /// What a configuration file means.
  ///
  /// - Parameter ownName: the peer that runs where the file names none.
  package init(_ file: ConfigurationFile, ownName: PeerName?) {
    let serves = file.index.serve ?? (file.index.address == nil)
    let own = ownName.map { [ConfigurationFile.Peer(name: $0)] } ?? []
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
    peerListen = file.peer.listen
    peerAdvertise = file.peer.advertise
    if let seconds = file.supervisor.killUnresponsiveAfter, seconds > 0 { killUnresponsiveAfter = .seconds(seconds) }
  }
}
