// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import ProcessSupport
import WireProtocol

/// The changes that a new plan makes while the supervisor runs. Peers are added and removed, and all learn a new index
/// address; a changed listening address or user waits for the next start of the supervisor, which holds the sockets.
package struct PlanChange: Sendable, Equatable {
  package let added: [RunPlan.Peer]
  package let removed: [PeerName]
  /// The settings that apply from now on, by their names in the file: `index.address`, `peers.alice`.
  package let applied: [String]
  /// The settings whose changes apply at the next start.
  package let postponed: [String]
  /// The plan that applies from now on.
  package let result: RunPlan

  package init(from old: RunPlan, to new: RunPlan) {
    var applied: [String] = []
    var postponed: [String] = []
    var result = old
    Self.compare(old.killUnresponsiveAfter, new.killUnresponsiveAfter, "supervisor.kill_unresponsive_after", &applied)
    result.killUnresponsiveAfter = new.killUnresponsiveAfter
    Self.compare(old.logDestination, new.logDestination, "log.to", &postponed)
    Self.compare(old.logStyle.level, new.logStyle.level, "log.level", &postponed)
    Self.compare(old.logStyle.format, new.logStyle.format, "log.format", &postponed)
    Self.compare(old.plain, new.plain, "network.plain", &postponed)
    Self.compare(old.open, new.open, "network.open", &postponed)
    Self.compare(old.grace, new.grace, "network.grace", &postponed)
    if let index = old.index, let wanted = new.index {
      Self.compare(index.listen, wanted.listen, "index.listen", &postponed)
      Self.compare(index.user, wanted.user, "index.user", &postponed)
      Self.compare(index.allowAdvertise, wanted.allowAdvertise, "index.allow_advertise", &applied)
      result.index?.allowAdvertise = wanted.allowAdvertise
      let (bounds, others) = (index.bounds, wanted.bounds)
      Self.compare(bounds.memory, others.memory, "index.memory", &applied)
      Self.compare(bounds.memoryPerAddress, others.memoryPerAddress, "index.memory_per_address", &applied)
      Self.compare(bounds.recordsPerAddress, others.recordsPerAddress, "index.records_per_address", &applied)
      Self.compare(bounds.requestsPerAddress, others.requestsPerAddress, "index.requests_per_address", &applied)
      Self.compareLimits(bounds, others, &applied, &postponed)
      result.index?.bounds = wanted.bounds
      result.index?.bounds.connectionsPerAddress = bounds.connectionsPerAddress
    } else {
      Self.compare(old.index == nil, new.index == nil, "index.serve", &postponed)
    }
    // An index that is not served until the next start cannot be used now.
    if new.peersIndex == .served, old.index == nil {
      Self.compare(old.peersIndex, new.peersIndex, "index.address", &postponed)
    } else {
      Self.compare(old.peersIndex, new.peersIndex, "index.address", &applied)
      result.peersIndex = new.peersIndex
    }
    let wanted = Dictionary(new.peers.map { ($0.name, $0) }) { first, _ in first }
    removed = old.peers.map(\.name).filter { wanted[$0] == nil }
    result.peers = old.peers.compactMap { peer in
      guard let new = wanted[peer.name] else { return nil }
      Self.compare(peer.listen, new.listen, "peers.\(peer.name).listen", &postponed)
      Self.compare(peer.user, new.user, "peers.\(peer.name).user", &postponed)
      Self.compare(peer.advertise, new.advertise, "peers.\(peer.name).advertise", &applied)
      var kept = peer
      kept.advertise = new.advertise
      return kept
    }
    let known = Set(old.peers.map(\.name))
    added = new.peers.filter { !known.contains($0.name) }
    result.peers += added
    self.applied = applied + removed.map { "peers.\($0)" } + added.map { "peers.\($0.name)" }
    self.postponed = postponed
    self.result = result
  }

  /// Those of `[network.limits]`.
  private static func compareLimits(
    _ old: IndexBounds, _ new: IndexBounds, _ applied: inout [String], _ postponed: inout [String]
  ) {
    let table = "network.limits"
    compare(old.member.sessions, new.member.sessions, "\(table).sessions_per_member", &applied)
    compare(old.member.requests, new.member.requests, "\(table).requests_per_member", &applied)
    compare(old.member.records, new.member.records, "\(table).records_per_member", &applied)
    compare(old.member.bytes, new.member.bytes, "\(table).bytes_per_member", &applied)
    compare(old.bytesPerAddress, new.bytesPerAddress, "\(table).bytes_per_address", &applied)
    compare(old.connectionsPerAddress, new.connectionsPerAddress, "\(table).connections_per_address", &postponed)
  }

  private static func compare<Value: Equatable>(_ old: Value, _ new: Value, _ name: String, _ list: inout [String]) {
    if old != new { list.append(name) }
  }
}
