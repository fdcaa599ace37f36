// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What the configuration says of the processes to start.
package struct SupervisorSettings: Sendable, Equatable {
  package struct Peer: Sendable, Equatable {
    package let name: PeerName
    package var listen: Endpoint?
    /// Under which address others reach it, where that is not the one it comes from.
    package var advertise: HostAddress?
    /// The user as whom it runs in the system's layout: a login name or `uid:gid`; `nil` means the user of its name.
    package var user: String?

    package init(name: PeerName, listen: Endpoint? = nil, advertise: HostAddress? = nil, user: String? = nil) {
      self.name = name
      self.listen = listen
      self.advertise = advertise
      self.user = user
    }
  }

  /// Where an index is served; `nil` where none is.
  package var serveIndex: Endpoint?
  /// Whether somebody has said that an index be served, or where. What nobody asked for may be one that serves already.
  package var asksForIndex = true
  /// The index that peers use; `nil` means the served one, and without one the default.
  package var index: Endpoint?
  /// The user as whom the served index runs in the system's layout; `nil` leaves the choice to the rules.
  package var indexUser: String?
  /// Addresses that peers may advertise at the served index though they do not come from them.
  package var allowAdvertise: [AddressRange] = []
  package var peers: [Peer]
  /// What a peer listens at and advertises that stands nowhere by its own name.
  package var peerListen: Endpoint?
  package var peerAdvertise: HostAddress?
  /// After how long a silent child is killed; `nil` for never.
  package var killUnresponsiveAfter: Duration?

  package init(serveIndex: Endpoint? = nil, index: Endpoint? = nil, peers: [Peer] = []) {
    self.serveIndex = serveIndex
    self.index = index
    self.peers = peers
  }
}
