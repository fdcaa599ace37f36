// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import WireProtocol

/// How a membership ends.
extension Membership {
  /// Ends a membership. The tickets by which the member joined and rose do not let it in again, and those that it made let
  /// nobody in any more, under whatever key.
  package func revoke(
    _ prefix: DigestPrefix, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Expulsion> {
    try authorize(actor, as: .admin)
    let missing = "no member has this id"
    let peer = try find(prefix, among: Array(members.keys) + Array(own), missing)
    guard let member = members[peer] else {
      guard own.contains(peer) else { throw .notFound(missing) }
      throw .invalid("this peer belongs to the supervisor of the index: ban it, or remove it there")
    }
    var entry = AuditEntry(.revoked, at: now, peer: peer, by: actor.peer)
    entry.role = member.role
    return expulsion(of: peer, entry, at: now)
  }

  private func expulsion(of peer: PeerID, _ entry: AuditEntry, at now: Timestamp) -> Decision<Expulsion> {
    let tickets = Set(members[peer]?.tickets ?? [])
    var (made, barred, open): ([MembershipChange], [MembershipChange], [Invitation]) = ([], [], [])
    var withdrawn = 0
    for var invitation in invitations.values.sorted(by: { $0.hash < $1.hash }) {
      let isOpen = invitation.isOpen(at: now)
      if invitation.by == peer {
        // Those that are over go as well: a clock that is set back would open them again.
        made.append(.noInvitation(invitation.hash))
        withdrawn += isOpen ? 1 : 0
      } else if tickets.contains(invitation.hash) || invitation.barred.contains(peer) {
        if invitation.barred.insert(peer).inserted { barred.append(.invitation(invitation)) }
        if isOpen { open.append(invitation) }
      }
    }
    let expulsion = Expulsion(
      peer: peer, isOwn: own.contains(peer), withdrawn: withdrawn, claims: claimCount(of: peer), open: open)
    var entry = entry
    if expulsion.withdrawn > 0 { entry.tickets = expulsion.withdrawn }
    return Decision(
      expulsion, changes: (members[peer] == nil ? [] : [.noMember(peer)]) + barred + made, entries: [entry])
  }

  private func claimCount(of peer: PeerID) -> Int { claims.values.count { $0.owner == peer } }

  // MARK: Bans

  /// Turns a peer away for good, member or not.
  /// - Parameter connected: peers that are known although they are no members.
  package func ban(
    _ prefix: DigestPrefix, connected: [PeerID] = [], reason: String?, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Expulsion> {
    try authorize(actor, as: .admin)
    let known = Array(members.keys) + Array(own) + connected
    let peer = try find(prefix, among: known, "no member has this id: a peer that is none is banned by its whole id")
    guard actor.peer != peer else { throw .invalid("nobody bans itself: revoke the membership instead") }
    guard bans[peer] == nil else {
      return Decision(
        Expulsion(peer: peer, isOwn: own.contains(peer), withdrawn: 0, claims: claimCount(of: peer), open: []))
    }
    guard bans.count < limits.bans else { throw .tooMany("bans", limits.bans) }
    var entry = AuditEntry(.banned, at: now, peer: peer, by: actor.peer)
    entry.reason = reason
    var decision = expulsion(of: peer, entry, at: now)
    decision.changes.append(.ban(Ban(peer: peer, since: now, reason: reason)))
    return decision
  }

  /// Ends a ban. A membership that the ban has ended does not come back.
  package func unban(
    _ prefix: DigestPrefix, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<PeerID> {
    try authorize(actor, as: .admin)
    let missing = "no ban is of this id"
    let peer = try find(prefix, among: bans.keys, missing)
    guard bans[peer] != nil else { throw .notFound(missing) }
    let entry = AuditEntry(.unbanned, at: now, peer: peer, by: actor.peer)
    return Decision(peer, changes: [.noBan(peer)], entries: [entry])
  }
}
