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
    guard !invitation.barred.contains(peer) else { throw .revoked }
    // A ticket that brings nothing new keeps its use for another.
    if let role = role(of: peer), role >= invitation.role { return Decision(role) }
    guard now.seconds < invitation.expires.seconds else { throw .expiredTicket(invitation.expires) }
    guard invitation.left > 0 else { throw .usedTicket }
    guard member != nil || members.count < limits.members else { throw .tooMany("members", limits.members) }
    invitation.left -= 1
    let joined = Member(
      peer: peer, role: invitation.role, since: member?.since ?? now, name: name ?? member?.name,
      tickets: (member?.tickets ?? []) + [hash])
    var entry = AuditEntry(.joined, at: now, peer: peer, by: invitation.by)
    (entry.role, entry.ticket) = (invitation.role, invitation.shortName)
    return Decision(
      max(role(of: peer) ?? joined.role, joined.role), changes: [.member(joined), .invitation(invitation)],
      entries: [entry])
  }

  /// Ends a membership. The tickets by which the member joined and rose do not let it in again.
  package func revoke(
    _ prefix: DigestPrefix, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Member> {
    try authorize(actor, as: .admin)
    let missing = "no member has this id"
    let peer = try find(prefix, among: members.keys, missing)
    guard let member = members[peer] else {
      guard own.contains(peer) else { throw .notFound(missing) }
      throw .invalid("this peer belongs to the supervisor of the index: ban it, or remove it there")
    }
    var entry = AuditEntry(.revoked, at: now, peer: peer, by: actor.peer)
    entry.role = member.role
    return Decision(member, changes: removal(of: member), entries: [entry])
  }

  func removal(of member: Member) -> [MembershipChange] {
    let barred = member.tickets.compactMap { invitations[$0] }.map { invitation in
      var invitation = invitation
      invitation.barred.insert(member.peer)
      return MembershipChange.invitation(invitation)
    }
    return [.noMember(member.peer)] + barred
  }

  // MARK: Bans

  /// Turns a peer away for good, member or not.
  /// - Parameter connected: peers that are known although they are no members.
  package func ban(
    _ prefix: DigestPrefix, connected: [PeerID] = [], reason: String?, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Ban> {
    try authorize(actor, as: .admin)
    let known = Array(members.keys) + Array(own) + connected
    let peer = try find(prefix, among: known, "no member has this id: a peer that is none is banned by its whole id")
    guard actor.peer != peer else { throw .invalid("nobody bans itself: revoke the membership instead") }
    if let ban = bans[peer] { return Decision(ban) }
    guard bans.count < limits.bans else { throw .tooMany("bans", limits.bans) }
    let ban = Ban(peer: peer, since: now, reason: reason)
    var entry = AuditEntry(.banned, at: now, peer: peer, by: actor.peer)
    entry.reason = reason
    return Decision(ban, changes: (members[peer].map(removal) ?? []) + [.ban(ban)], entries: [entry])
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
