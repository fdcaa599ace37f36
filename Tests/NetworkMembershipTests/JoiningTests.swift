// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import TestSupport
import Testing
import WireProtocol

@Suite struct JoiningTests {
  @Test func `a ticket lets in as many peers as it has uses`() throws {
    var membership = Membership()
    try membership.invite(1, .publisher, uses: 2)
    #expect(membership.role(of: peer(1)) == nil)
    #expect(try membership.join(peer(1), by: 1) == .publisher)
    #expect(try membership.join(peer(2), by: 1) == .publisher)
    #expect(throws: MembershipRefusal.usedTicket) { try membership.join(peer(3), by: 1) }
    #expect(membership.members.count == 2)
    #expect(membership.role(of: peer(3)) == nil)
  }

  @Test func `of many peers with a ticket for one use one gets in`() throws {
    var membership = Membership()
    try membership.invite(1)
    let outcomes = (0..<100).map { number in Result { try membership.join(peer(number + 1), by: 1) } }
    #expect(outcomes.count { (try? $0.get()) != nil } == 1)
    #expect(membership.members.count == 1)
  }

  @Test func `the same peer with the same secret is let in again`() throws {
    var membership = Membership()
    try membership.invite(1)
    try membership.join(peer(1), by: 1)
    let before = membership
    #expect(try membership.join(peer(1), by: 1) == .reader)
    #expect(try membership.join(peer(1), by: 1, at: 1_000_000) == .reader, "even after the end of the ticket")
    #expect(membership == before)
  }

  @Test func `secrets that are no ticket's are refused`() throws {
    var membership = Membership()
    try membership.invite(1)
    #expect(throws: MembershipRefusal.unknownTicket) { try membership.join(peer(1), by: 2) }
  }

  @Test func `a ticket ends with its last second`() throws {
    var membership = Membership()
    try membership.invite(1, uses: 3, lifetime: 60)
    try membership.join(peer(1), by: 1, at: 59)
    #expect(throws: MembershipRefusal.expiredTicket(time(60))) { try membership.join(peer(2), by: 1, at: 60) }
  }

  /// A wrong clock that is set right again costs no ticket.
  @Test func `steps of the clock burn no ticket`() throws {
    var membership = Membership()
    try membership.invite(1, uses: 3)
    #expect(throws: MembershipRefusal.self) { try membership.join(peer(1), by: 1, at: 1_000_000_000) }
    #expect(try membership.join(peer(1), by: 1, at: 10) == .reader)
    #expect(try membership.join(peer(2), by: 1, at: -1_000_000_000) == .reader)
  }

  @Test func `a revoked member does not come back with its ticket, but with another`() throws {
    var membership = Membership()
    try membership.invite(1, uses: 10)
    try membership.invite(2, .publisher)
    try membership.join(peer(1), by: 1)
    let revoked = try membership.take { membership throws(MembershipRefusal) in
      try membership.revoke(prefix(peer(1)), by: .operator, at: time(5))
    }
    #expect(revoked.peer == peer(1))
    #expect(membership.role(of: peer(1)) == nil)
    #expect(throws: MembershipRefusal.revoked) { try membership.join(peer(1), by: 1) }
    #expect(try membership.join(peer(2), by: 1) == .reader)
    #expect(try membership.join(peer(1), by: 2) == .publisher)
  }

  @Test func `none of the tickets of a membership brings it back`() throws {
    for isRevoked in [true, false] {
      var membership = Membership()
      for (number, role) in MemberRole.allCases.enumerated() {
        try membership.invite(number, role, uses: 5)
        try membership.join(peer(1), by: number)
      }
      if isRevoked {
        try membership.take { membership throws(MembershipRefusal) in
          try membership.revoke(prefix(peer(1)), by: .operator, at: time(5))
        }
      } else {
        try membership.take { membership throws(MembershipRefusal) in
          try membership.ban(prefix(peer(1)), reason: nil, by: .operator, at: time(5))
        }
        try membership.take { membership throws(MembershipRefusal) in
          try membership.unban(prefix(peer(1)), by: .operator, at: time(6))
        }
      }
      for number in MemberRole.allCases.indices {
        #expect(throws: MembershipRefusal.revoked) { try membership.join(peer(1), by: number) }
        #expect(membership.invitations[hash(number)]?.left == 4)
      }
    }
  }

  @Test func `a ticket that a member showed without need does not bring it back`() throws {
    for isOwn in [false, true] {
      var membership = Membership()
      try membership.invite(1, .publisher, uses: 5)
      try membership.invite(2, .publisher, uses: 5)
      try membership.invite(3, .reader, uses: 5)
      if isOwn { membership.setOwn([peer(1)]) } else { try membership.join(peer(1), by: 1) }
      for number in [2, 3, 2, 3, 2] { #expect(try membership.join(peer(1), by: number) == .publisher) }
      #expect(try membership.join(peer(1), by: 3, at: 10_000) == .publisher, "also when it is over")
      let decision = try membership.ban(prefix(peer(1)), reason: nil, by: .operator, at: time(5))
      #expect(decision.outcome.open.map(\.hash) == (isOwn ? [] : [hash(1)]) + [hash(2), hash(3)])
      membership.apply(decision.changes)
      try membership.take { membership throws(MembershipRefusal) in
        try membership.unban(prefix(peer(1)), by: .operator, at: time(6))
      }
      membership.setOwn([])
      for number in [2, 3] {
        #expect(throws: MembershipRefusal.revoked) { try membership.join(peer(1), by: number) }
        #expect(membership.invitations[hash(number)]?.left == 5, "it keeps all uses for others")
      }
      #expect(try membership.join(peer(2), by: 2) == .publisher)
    }
  }

  @Test func `a ticket that is shown without need is in the log once`() throws {
    var membership = try Membership.with([(peer(1), .publisher)])
    try membership.invite(1)
    let first = try membership.join(peer(1), name: nil, with: hash(1), at: time(1))
    #expect(first.entries.count == 1 && first.entries.first?.reason?.contains("keeps its use") == true)
    membership.apply(first.changes)
    let second = try membership.join(peer(1), name: nil, with: hash(1), at: time(1))
    #expect(second.outcome == .publisher && second.changes.isEmpty && second.entries.isEmpty)
  }

  @Test func `a ticket for more raises the role, one for less or the same keeps its use`() throws {
    var membership = try Membership.with([(peer(1), .publisher)])
    for (number, role) in [MemberRole.reader, .publisher, .admin].enumerated() {
      try membership.invite(number + 1, role)
    }
    #expect(try membership.join(peer(1), by: 1) == .publisher)
    #expect(try membership.join(peer(1), by: 2) == .publisher)
    #expect(membership.invitations[hash(1)]?.left == 1)
    #expect(membership.invitations[hash(2)]?.left == 1)
    #expect(try membership.join(peer(1), by: 3) == .admin)
    #expect(membership.members[peer(1)]?.since == time(1))
    #expect(membership.invitations[hash(3)]?.left == 0)
  }

  @Test func `only admins and the operator invite, revoke, ban and withdraw`() throws {
    var membership = try Membership.with([(peer(1), .reader), (peer(2), .publisher), (peer(3), .admin)])
    for (actor, refusal) in [
      (MembershipActor.peer(peer(1)), MembershipRefusal.needs(.admin)), (.peer(peer(2)), .needs(.admin)),
      (.peer(peer(9)), .needs(.admin)),
    ] {
      #expect(throws: refusal) { try membership.invite(7, by: actor) }
      #expect(throws: refusal) { try membership.revoke(prefix(peer(1)), by: actor, at: time(0)) }
      #expect(throws: refusal) { try membership.withdraw(prefix(peer(1)), by: actor, at: time(0)) }
      #expect(throws: refusal) { try membership.ban(prefix(peer(1)), reason: nil, by: actor, at: time(0)) }
      #expect(throws: refusal) { try membership.unban(prefix(peer(1)), by: actor, at: time(0)) }
    }
    try membership.invite(7, by: .peer(peer(3)))
    #expect(membership.invitations[hash(7)]?.by == peer(3))
  }

  @Test func `a withdrawn ticket lets nobody in`() throws {
    var membership = Membership()
    try membership.invite(1)
    let number = try #require(DigestPrefix(hex: String(hash(1).hex)))
    try membership.take { membership throws(MembershipRefusal) in
      try membership.withdraw(number, by: .operator, at: time(1))
    }
    #expect(throws: MembershipRefusal.unknownTicket) { try membership.join(peer(1), by: 1) }
    #expect(throws: MembershipRefusal.self) { try membership.withdraw(number, by: .operator, at: time(1)) }
  }

  @Test(arguments: [(0, 3600), (-1, 3600), (10_001, 3600), (1, 59), (1, 367 * 86_400), (1, -5)] as [(Int, Int64)])
  func `tickets without use or end are refused`(uses: Int, lifetime: Int64) {
    var membership = Membership()
    #expect(throws: MembershipRefusal.self) { try membership.invite(1, uses: uses, lifetime: lifetime) }
  }

  @Test func `tickets that are over make room, others do not`() throws {
    var limits = MembershipLimits()
    limits.invitations = 3
    var membership = Membership(limits: limits)
    for number in 1...3 { try membership.invite(number, lifetime: 60, at: Int64(number)) }
    #expect(throws: MembershipRefusal.tooMany("invitations", 3)) { try membership.invite(4, at: 10) }
    try membership.join(peer(1), by: 2, at: 10)
    try membership.invite(4, at: 10)
    #expect(membership.invitations.count == 3 && membership.invitations[hash(2)] == nil)
    try membership.invite(5, at: 1000)
    #expect(membership.invitations[hash(1)] == nil)
  }

  @Test func `a full network takes nobody, but raises its members`() throws {
    var limits = MembershipLimits()
    limits.members = 1
    var membership = Membership(limits: limits)
    try membership.invite(1, uses: 5)
    try membership.invite(2, .admin, uses: 5)
    try membership.join(peer(1), by: 1)
    #expect(throws: MembershipRefusal.tooMany("members", 1)) { try membership.join(peer(2), by: 1) }
    #expect(try membership.join(peer(1), by: 2) == .admin)
  }

  @Test func `ids are named by their first digits`() throws {
    var membership = try Membership.with([(peer(0x1234_5678), .reader), (peer(0x1234_5679), .reader)])
    let both = try #require(DigestPrefix(hex: "1234567"))
    #expect(throws: MembershipRefusal.ambiguous([peer(0x1234_5678), peer(0x1234_5679)])) {
      try membership.revoke(both, by: .operator, at: time(0))
    }
    #expect(throws: MembershipRefusal.self) {
      try membership.revoke(try #require(DigestPrefix(hex: "9999")), by: .operator, at: time(0))
    }
    try membership.take { membership throws(MembershipRefusal) in
      guard let one = DigestPrefix(hex: "12345679") else { throw .banned }
      return try membership.revoke(one, by: .operator, at: time(0))
    }
    #expect(Array(membership.members.keys) == [peer(0x1234_5678)])
  }
}
