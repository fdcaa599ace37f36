// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import Testing
import WireProtocol

/// What goes with a membership.
@Suite struct ExpulsionTests {
  private let admin = peer(1)
  private let start: Membership

  /// Tickets of the admin: one for two uses, one that is used up, one that has expired by now; and one of the operator.
  init() throws {
    var membership = try Membership.with([(admin, .admin), (peer(2), .admin)])
    try membership.invite(1, .admin, uses: 2, by: .peer(admin))
    try membership.invite(2, .publisher, by: .peer(admin))
    try membership.join(peer(3), by: 2)
    try membership.invite(3, lifetime: 60, by: .peer(admin))
    try membership.invite(4)
    try membership.invite(5, by: .peer(peer(2)))
    start = membership
  }

  private func decide(_ isBanned: Bool, by actor: MembershipActor) throws -> Membership.Decision<Expulsion> {
    isBanned
      ? try start.ban(prefix(admin), reason: nil, by: actor, at: time(100))
      : try start.revoke(prefix(admin), by: actor, at: time(100))
  }

  @Test(arguments: [false, true])
  func `tickets that a revoked or banned admin made let nobody in`(isBanned: Bool) throws {
    var membership = start
    let decision = try decide(isBanned, by: .peer(peer(2)))
    #expect(decision.outcome.withdrawn == 1, "of those that could still be used")
    #expect(decision.entries.map(\.tickets) == [1])
    membership.apply(decision.changes)
    for newKey in [peer(8), peer(9)] {
      for number in 1...3 {
        #expect(throws: MembershipRefusal.unknownTicket) { try membership.join(newKey, by: number, at: 0) }
      }
    }
    #expect(try membership.join(peer(8), by: 4) == .reader, "the operator's tickets stay")
    #expect(try membership.join(peer(9), by: 5) == .reader, "those of other admins as well")
    #expect(membership.role(of: peer(3)) == .publisher, "whom they let in before belongs to the network")
  }

  @Test func `a peer of the index's supervisor is refused with the reason, by its first digits as well`() throws {
    var membership = start
    membership.setOwn([peer(7)])
    let reason = "this peer belongs to the supervisor of the index: ban it, or remove it there"
    for prefix in [prefix(peer(7)), try #require(DigestPrefix(hex: String(peer(7).hex.prefix(8))))] {
      #expect(throws: MembershipRefusal.invalid(reason)) {
        try membership.revoke(prefix, by: .operator, at: time(100))
      }
    }
  }

  @Test(arguments: [false, true])
  func `claims stay, and are counted`(isBanned: Bool) throws {
    var membership = start
    for (prefix, owner) in [("data/a/", admin), ("data/b/", admin), ("data/c/", peer(2))] {
      membership.apply(
        try membership.change(.own, of: prefix, for: nil, by: .peer(owner), at: time(1)).changes)
    }
    let decision =
      isBanned
      ? try membership.ban(prefix(admin), reason: nil, by: .operator, at: time(100))
      : try membership.revoke(prefix(admin), by: .operator, at: time(100))
    #expect(decision.outcome.claims == 2)
    membership.apply(decision.changes)
    #expect(membership.claims.count == 3)
  }

  @Test func `an admin that ends its own membership takes its tickets along`() throws {
    #expect(try decide(false, by: .peer(admin)).outcome.withdrawn == 1)
  }

  /// It stays a publisher, as a peer of the supervisor.
  @Test func `tickets end with the role that made them`() throws {
    var membership = start
    membership.setOwn([admin])
    membership.apply(try decide(false, by: .operator).changes)
    #expect(membership.role(of: admin) == .publisher)
    #expect(throws: MembershipRefusal.unknownTicket) { try membership.join(peer(8), by: 1) }
  }

  @Test func `a ticket of its own making does not survive by being used by its maker`() throws {
    var membership = start
    membership.setOwn([admin])
    try membership.join(admin, by: 1)
    membership.apply(try decide(true, by: .operator).changes)
    #expect(membership.invitations[hash(1)] == nil)
  }

  @Test func `a member is of the one who made the ticket of its role`() throws {
    var membership = start
    #expect(membership.members[peer(3)]?.by == admin)
    try membership.join(peer(8), by: 4)
    #expect(membership.members[peer(8)]?.by == nil)
    try membership.join(peer(8), by: 1)
    #expect(membership.members[peer(8)]?.by == admin)
  }

  @Test func `tickets by which others can still join are named`() throws {
    var membership = start
    for number in [10, 11, 12] { try membership.invite(number, [.reader, .publisher, .admin][number - 10], uses: 2) }
    for number in [10, 11, 12] { try membership.join(peer(8), by: number) }
    try membership.join(peer(9), by: 11)
    let open = try membership.revoke(prefix(peer(8)), by: .operator, at: time(1)).outcome.open
    #expect(open.map(\.hash) == [hash(10), hash(12)])
    let later = try membership.revoke(prefix(peer(8)), by: .operator, at: time(1_000_000)).outcome.open
    #expect(later.isEmpty, "they have expired")
  }

  @Test func `without tickets nothing is said about them`() throws {
    let decision = try start.revoke(prefix(peer(3)), by: .operator, at: time(1))
    #expect(decision.outcome.withdrawn == 0 && decision.outcome.open.isEmpty)
    #expect(decision.entries.map(\.tickets) == [nil])
  }
}
