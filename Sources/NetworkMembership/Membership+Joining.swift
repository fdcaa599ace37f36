// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import WireProtocol

/// Tickets, and who joins by them.
extension Membership {
  /// Seconds between now and the end of a ticket.
  package static let lifetimes: ClosedRange<Int64> = 60...366 * 86_400

  /// Makes a ticket.
  ///
  /// - Parameters:
  ///   - hash: of its secret.
  ///   - lifetime: in seconds.
  package func invite(
    _ hash: Digest, role: MemberRole, uses: Int, lifetime: Int64, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Invitation> {
    try authorize(actor, as: .admin)
    guard (1...limits.uses).contains(uses) else {
      throw .invalid("a ticket has 1 to \(limits.uses) uses")
    }
    guard Self.lifetimes.contains(lifetime) else {
      throw .invalid("a ticket expires after 1 minute to 366 days")
    }
    guard invitations[hash] == nil else { throw .invalid("a ticket with this secret exists") }
    let invitation = Invitation(
      hash: hash, role: role, uses: uses, left: uses, made: now, expires: Timestamp(seconds: now.seconds + lifetime),
      by: actor.peer)
    var entry = AuditEntry(.invited, at: now, by: actor.peer)
    (entry.role, entry.ticket) = (role, invitation.shortName)
    return Decision(
      invitation, changes: try roomForInvitation(at: now) + [.invitation(invitation)], entries: [entry])
  }

  /// Removes the ticket that is of no use for the longest time, if there are as many as there may be.
  private func roomForInvitation(at now: Timestamp) throws(MembershipRefusal) -> [MembershipChange] {
    guard invitations.count >= limits.invitations else { return [] }
    let over = invitations.values.filter { $0.left == 0 || $0.expires.seconds <= now.seconds }
    guard let oldest = over.min(by: { ($0.made.seconds, $0.hash) < ($1.made.seconds, $1.hash) }) else {
      throw .tooMany("invitations", limits.invitations)
    }
    return [.noInvitation(oldest.hash)]
  }

  /// Takes a ticket back.
  /// - Parameter prefix: the first digits of its hash.
  package func withdraw(
    _ prefix: DigestPrefix, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Invitation> {
    try authorize(actor, as: .admin)
    let found = invitations.values.filter { prefix.contains($0.hash) }
    guard let invitation = found.first else { throw .notFound("no ticket has this number") }
    guard found.count == 1 else { throw .invalid("several tickets have a number that begins so") }
    var entry = AuditEntry(.withdrawn, at: now, by: actor.peer)
    entry.ticket = invitation.shortName
    return Decision(invitation, changes: [.noInvitation(invitation.hash)], entries: [entry])
  }

  /// Lets a peer in by the secret of a ticket. The same peer with the same ticket is let in again, without a further use:
  /// it may not have heard the first answer.
  package func join(
    _ peer: PeerID, name: PeerName?, with hash: Digest, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<MemberRole> {
    guard bans[peer] == nil else { throw .banned }
    let member = members[peer]
    if let member, member.tickets.contains(hash) { return Decision(role(of: peer) ?? member.role) }
    guard var invitation = invitations[hash] else { throw .unknownTicket }
    if let role = role(of: peer), role >= invitation.role {
      return keep(invitation, shownBy: peer, role, at: now)
    }
    guard !invitation.barred.contains(peer) else { throw .revoked }
    guard now.seconds < invitation.expires.seconds else { throw .expiredTicket(invitation.expires) }
    guard invitation.left > 0 else { throw .usedTicket }
    guard member != nil || members.count < limits.members else { throw .tooMany("members", limits.members) }
    invitation.left -= 1
    let joined = Member(
      peer: peer, role: invitation.role, since: member?.since ?? now, name: name ?? member?.name,
      tickets: (member?.tickets ?? []) + [hash], by: invitation.by)
    var entry = AuditEntry(.joined, at: now, peer: peer, by: invitation.by)
    (entry.role, entry.ticket) = (invitation.role, invitation.shortName)
    return Decision(
      max(role(of: peer) ?? joined.role, joined.role), changes: [.member(joined), .invitation(invitation)],
      entries: [entry])
  }

  /// A ticket that brings nothing new keeps its use for another. It does not let this peer in later either, when its membership
  /// has ended: the peer would have it in reserve.
  private func keep(
    _ invitation: Invitation, shownBy peer: PeerID, _ role: MemberRole, at now: Timestamp
  ) -> Decision<MemberRole> {
    guard !invitation.barred.contains(peer) else { return Decision(role) }
    var invitation = invitation
    invitation.barred.insert(peer)
    var entry = AuditEntry(.joined, at: now, peer: peer, by: invitation.by)
    (entry.role, entry.ticket) = (role, invitation.shortName)
    entry.reason = "belonged already: the ticket keeps its use"
    return Decision(role, changes: [.invitation(invitation)], entries: [entry])
  }
}
