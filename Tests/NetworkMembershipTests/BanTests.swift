// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import Testing

@Suite struct BanTests {
  private static func ban(_ id: PeerID, in membership: inout Membership, connected: [PeerID] = []) throws {
    try membership.take { membership throws(MembershipRefusal) in
      try membership.ban(prefix(id), connected: connected, reason: "spam", by: .operator, at: time(3))
    }
  }

  @Test func `a ban ends the membership, and no ticket helps`() throws {
    var membership = try Membership.with([(peer(1), .admin)])
    try membership.invite(1, uses: 5)
    try Self.ban(peer(1), in: &membership)
    #expect(membership.role(of: peer(1)) == nil)
    #expect(membership.members.isEmpty)
    #expect(throws: MembershipRefusal.banned) { try membership.join(peer(1), by: 1) }
    #expect(throws: MembershipRefusal.banned) { try membership.invite(2, by: .peer(peer(1))) }
  }

  @Test func `an ended ban gives no membership back, but lets a new ticket count`() throws {
    var membership = try Membership.with([(peer(1), .admin)])
    try Self.ban(peer(1), in: &membership)
    try membership.take { membership throws(MembershipRefusal) in
      try membership.unban(prefix(peer(1)), by: .operator, at: time(4))
    }
    #expect(membership.role(of: peer(1)) == nil)
    #expect(throws: MembershipRefusal.revoked) { try membership.join(peer(1), by: 1000) }
    try membership.invite(1)
    #expect(try membership.join(peer(1), by: 1) == .reader)
    #expect(throws: MembershipRefusal.self) { try membership.unban(prefix(peer(1)), by: .operator, at: time(4)) }
  }

  @Test func `strangers are banned by their whole id, or while they are connected`() throws {
    var membership = Membership()
    try Self.ban(peer(0xabcd_ef01), in: &membership)
    #expect(membership.bans[peer(0xabcd_ef01)]?.reason == "spam")
    let short = try #require(DigestPrefix(hex: "12345678"))
    #expect(throws: MembershipRefusal.self) { try membership.ban(short, reason: nil, by: .operator, at: time(0)) }
    let banned = try membership.ban(
      short, connected: [peer(0x1234_5678)], reason: nil, by: .operator, at: time(0)
    ).outcome
    #expect(banned.peer == peer(0x1234_5678))
  }

  @Test func `peers of the supervisor are publishers, unless they are banned`() throws {
    var membership = Membership()
    membership.setOwn([peer(1), peer(2)])
    #expect(membership.role(of: peer(1)) == .publisher)
    try membership.invite(1, .admin)
    try membership.invite(2, .reader)
    #expect(try membership.join(peer(1), by: 2) == .publisher)
    #expect(try membership.join(peer(1), by: 1) == .admin)
    #expect(throws: MembershipRefusal.self) { try membership.revoke(prefix(peer(2)), by: .operator, at: time(0)) }
    let ban = try membership.ban(prefix(peer(2)), reason: nil, by: .operator, at: time(0))
    #expect(ban.outcome.isOwn)
    membership.apply(ban.changes)
    #expect(membership.role(of: peer(2)) == nil)
    membership.setOwn([])
    #expect(membership.role(of: peer(1)) == .admin)
  }

  @Test func `nobody bans itself, and a ban twice is one`() throws {
    var membership = try Membership.with([(peer(1), .admin)])
    #expect(throws: MembershipRefusal.self) {
      try membership.ban(prefix(peer(1)), reason: nil, by: .peer(peer(1)), at: time(0))
    }
    try Self.ban(peer(7), in: &membership)
    let again = try membership.ban(prefix(peer(7)), reason: "other", by: .operator, at: time(9))
    #expect(again.changes.isEmpty && membership.bans[peer(7)]?.reason == "spam")
  }
}
