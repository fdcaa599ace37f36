// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import TestSupport
import Testing
import WireProtocol

/// Random operations by random peers.
@Suite struct MembershipPropertyTests {
  private static func operate(
    _ step: Int, on membership: Membership, at now: Timestamp, using random: inout SeededGenerator
  ) -> (changes: [MembershipChange], entries: [AuditEntry])? {
    let subject = peer(Int.random(in: 1...8, using: &random))
    let actor = random.once(in: 3) ? MembershipActor.operator : .peer(peer(Int.random(in: 1...8, using: &random)))
    let ticket = random.pick(membership.invitations.keys.sorted() + [hash(5000)])
    let text = random.pick(["data/", "data/a/", "data/a/b/", "data/a/b/c/", "data/a/b/c/d/", "file/x/"])
    do {
      switch Int.random(in: 0..<12, using: &random) {
      case 0, 1:
        let role = random.pick(MemberRole.allCases)
        let decision = try membership.invite(
          hash(step), role: role, uses: Int.random(in: 1...3, using: &random), lifetime: 100, by: actor, at: now)
        return (decision.changes, decision.entries)
      case 2:
        let decision = try membership.withdraw(DigestPrefix(ticket), by: actor, at: now)
        return (decision.changes, decision.entries)
      case 3:
        let decision = try membership.revoke(prefix(subject), by: actor, at: now)
        return (decision.changes, decision.entries)
      case 4:
        let decision = try membership.ban(prefix(subject), reason: nil, by: actor, at: now)
        return (decision.changes, decision.entries)
      case 5:
        let decision = try membership.unban(prefix(subject), by: actor, at: now)
        return (decision.changes, decision.entries)
      case 6, 7:
        let other = random.once(in: 2) ? prefix(peer(Int.random(in: 1...8, using: &random))) : nil
        let decision = try membership.change(
          random.pick(ClaimChange.allCases), of: text, for: other, by: actor, at: now)
        return (decision.changes, decision.entries)
      default:
        let decision = try membership.join(subject, name: nil, with: ticket, at: now)
        return (decision.changes, decision.entries)
      }
    } catch {
      return nil
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `no operation breaks what always holds`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var limits = MembershipLimits()
    (limits.invitations, limits.members, limits.bans, limits.claims) = (4, 5, 3, 5)
    var membership = Membership(limits: limits)
    var journal: [MembershipChange] = []
    for step in 0..<600 {
      let now = time(Int64(step * 2) + (random.once(in: 20) ? Int64.random(in: -5000...5000, using: &random) : 0))
      guard let (changes, entries) = Self.operate(step, on: membership, at: now, using: &random) else { continue }
      #expect(changes.isEmpty == entries.isEmpty, "what changes is in the audit log, and nothing else")
      journal += changes
      membership.apply(changes)
      Self.check(membership)
    }
    var replayed = Membership(limits: limits)
    replayed.apply(journal)
    #expect(replayed == membership)
  }

  private static func check(_ membership: Membership) {
    let limits = membership.limits
    #expect(membership.members.count <= limits.members && membership.invitations.count <= limits.invitations)
    #expect(membership.bans.count <= limits.bans && membership.claims.count <= limits.claims)
    for peer in membership.bans.keys {
      #expect(membership.role(of: peer) == nil)
      #expect(membership.members[peer] == nil)
    }
    for invitation in membership.invitations.values {
      #expect((0...invitation.uses).contains(invitation.left))
      let joined = membership.members.values.count { $0.tickets.contains(invitation.hash) }
      #expect(joined + invitation.left <= invitation.uses, "no more members than uses")
      #expect(invitation.by.map { membership.role(of: $0) == .admin } ?? true, "only admins have tickets")
    }
    for claim in membership.claims.values {
      guard let above = claim.above else { continue }
      #expect(claim.prefix.hasPrefix(above) && claim.prefix != above)
      #expect(membership.claims[above]?.admits(claim.owner) == true, "\(claim) rests on one that admits its owner")
    }
    for member in membership.members.values {
      #expect(membership.role(of: member.peer) == member.role)
    }
  }
}
