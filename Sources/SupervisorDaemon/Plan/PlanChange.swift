package import DocumentModel

/// What a new plan changes while the supervisor runs. Peers come and go, and all are told of another index; what has
/// another address or another user has to wait for the supervisor's next start, since its sockets are held.
package struct PlanChange: Sendable, Equatable {
  package let added: [RunPlan.Peer]
  package let removed: [PeerName]
  /// Names of what differs but stays as it was until the next start.
  package let postponed: [String]

  package init(from old: RunPlan, to new: RunPlan) {
    let known = Dictionary(old.peers.map { ($0.name, $0) }) { first, _ in first }
    let wanted = Set(new.peers.map(\.name))
    added = new.peers.filter { known[$0.name] == nil }
    removed = old.peers.map(\.name).filter { !wanted.contains($0) }
    let changed = new.peers.filter { peer in known[peer.name].map { $0 != peer } ?? false }
    postponed = (old.index?.listen == new.index?.listen ? [] : ["index"]) + changed.map(\.name.text)
  }
}
