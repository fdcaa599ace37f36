package import DocumentModel

/// What the configuration says of the processes to start.
package struct SupervisorSettings: Sendable, Equatable {
  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    package var listen: Endpoint?
    /// The user as whom it runs in the system's layout: a login name or `uid:gid`; `nil` means the user of its name.
    package var user: String?

    package init(name: PeerName, listen: Endpoint? = nil, user: String? = nil) {
      self.name = name
      self.listen = listen
      self.user = user
    }
  }

  /// Where an index is served; `nil` where none is.
  package var serveIndex: Endpoint?
  /// The index that peers use; `nil` means the served one, and without one the default.
  package var index: Endpoint?
  package var peers: [Peer]

  package init(serveIndex: Endpoint? = nil, index: Endpoint? = nil, peers: [Peer] = []) {
    self.serveIndex = serveIndex
    self.index = index
    self.peers = peers
  }
}
