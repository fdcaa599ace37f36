// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import Testing
import WireProtocol

@Suite struct ClaimTests {
  private let reader = peer(1)
  private let alice = peer(2)
  private let bob = peer(3)
  private let admin = peer(4)
  private let start: Membership

  init() throws {
    start = try Membership.with([(reader, .reader), (alice, .publisher), (bob, .publisher), (admin, .admin)])
  }

  private func change(
    _ membership: inout Membership, _ change: ClaimChange = .own, of text: String = "data/cats/",
    for subject: PeerID? = nil,
    by actor: MembershipActor
  ) throws {
    try membership.take { membership throws(MembershipRefusal) in
      try membership.change(change, of: text, for: subject.map(prefix), by: actor, at: time(0))
    }
  }

  private func introduces(_ membership: Membership, _ key: String) throws -> [PeerID] {
    let key = try DocumentKey(key)
    return [reader, alice, bob, admin, peer(9)].filter { membership.introduces($0, key) }
  }

  @Test func `without claims all publishers and admins introduce documents`() throws {
    #expect(try introduces(start, "data/cats/1") == [alice, bob, admin])
  }

  /// With the slash before it each is one character, which no claim ends in.
  @Test(arguments: ["\u{301}", "\u{200D}", "\u{FE0F}", "\u{1F3FD}", "\u{E0061}", "\u{600}"])
  func `no sign after the slash of a claim leads out of it`(_ sign: String) throws {
    var membership = start
    try change(&membership, by: .peer(alice))
    #expect(try introduces(membership, "data/cats/\(sign)1") == [alice])
    #expect(try introduces(membership, "data/cats/deep/\(sign)1") == [alice])
    #expect(throws: MembershipRefusal.claimed(prefix: "data/cats/", owner: alice)) {
      try change(&membership, of: "data/cats/\(sign)sub/", by: .peer(bob))
    }
  }

  @Test func `below a claim only its owner does, and whom it names`() throws {
    var membership = start
    try change(&membership, by: .peer(alice))
    #expect(try introduces(membership, "data/cats/1") == [alice])
    #expect(try introduces(membership, "data/cats/deep/er/1") == [alice])
    #expect(try introduces(membership, "data/catsandmore/1") == [alice, bob, admin])
    #expect(try introduces(membership, "data/cats") == [alice, bob, admin])
    try change(&membership, .allow, for: bob, by: .peer(alice))
    #expect(try introduces(membership, "data/cats/1") == [alice, bob])
    try change(&membership, .allow, for: reader, by: .peer(alice))
    #expect(try introduces(membership, "data/cats/1") == [alice, bob], "a reader stays one")
    try change(&membership, .deny, for: bob, by: .peer(alice))
    #expect(try introduces(membership, "data/cats/1") == [alice])
    try change(&membership, .release, by: .peer(alice))
    #expect(membership.claims.isEmpty)
    #expect(try introduces(membership, "data/cats/1") == [alice, bob, admin])
  }

  @Test func `first come, an admin may change it`() throws {
    var membership = start
    try change(&membership, by: .peer(alice))
    for text in ["data/cats/", "data/cats/small/"] {
      #expect(throws: MembershipRefusal.claimed(prefix: "data/cats/", owner: alice)) {
        try change(&membership, of: text, by: .peer(bob))
      }
    }
    for step in [ClaimChange.allow, .deny, .release] {
      #expect(throws: MembershipRefusal.self) { try change(&membership, step, for: bob, by: .peer(bob)) }
    }
    try change(&membership, for: bob, by: .peer(admin))
    #expect(membership.claims["data/cats/"]?.owner == bob)
    #expect(throws: MembershipRefusal.self, "an owner gives nothing to others, whose number of claims is limited") {
      try change(&membership, for: alice, by: .peer(bob))
    }
    #expect(throws: MembershipRefusal.needs(.admin)) {
      try change(&membership, of: "data/dogs/", for: alice, by: .peer(bob))
    }
    try change(&membership, .release, by: .operator)
    #expect(membership.claims.isEmpty)
  }

  @Test func `the longest claim governs`() throws {
    var membership = start
    try change(&membership, by: .peer(alice))
    try change(&membership, .allow, for: bob, by: .peer(alice))
    try change(&membership, of: "data/cats/small/", by: .peer(bob))
    try change(&membership, of: "data/", for: admin, by: .operator)
    #expect(try introduces(membership, "data/cats/small/1") == [bob])
    #expect(try introduces(membership, "data/cats/1") == [alice, bob])
    #expect(try introduces(membership, "data/dogs/1") == [admin])
    try change(&membership, .release, of: "data/cats/small/", by: .operator)
    #expect(try introduces(membership, "data/cats/small/1") == [alice, bob])
  }

  @Test func `who is admitted no longer loses what it claimed below`() throws {
    var membership = start
    try change(&membership, by: .peer(alice))
    try change(&membership, .allow, for: bob, by: .peer(alice))
    try change(&membership, of: "data/cats/small/", by: .peer(bob))
    try change(&membership, of: "data/cats/small/grey/", by: .peer(bob))
    try change(&membership, of: "data/catsandmore/", by: .peer(bob))
    try change(&membership, of: "data/cats/old/", for: admin, by: .operator)
    let decision = try membership.change(
      .deny, of: "data/cats/", for: prefix(bob), by: .peer(alice), at: time(0))
    #expect(decision.entries.map(\.event) == [.claimed, .released, .released])
    #expect(decision.entries.dropFirst().allSatisfy { $0.peer == bob && $0.by == alice })
    membership.apply(decision.changes)
    #expect(membership.claims.keys.sorted() == ["data/cats/", "data/cats/old/", "data/catsandmore/"])
    #expect(try introduces(membership, "data/cats/small/1") == [alice])
    // What an admin gave to somebody else stays, also when the claim above it goes to another.
    try change(&membership, for: bob, by: .operator)
    #expect(membership.claims["data/cats/old/"]?.owner == admin)
  }

  @Test func `readers claim nothing, publishers no whole collection, and nobody what is no prefix`() throws {
    var membership = start
    #expect(throws: MembershipRefusal.needs(.publisher)) { try change(&membership, by: .peer(reader)) }
    #expect(throws: MembershipRefusal.needs(.publisher)) { try change(&membership, by: .peer(peer(9))) }
    #expect(throws: MembershipRefusal.self) { try change(&membership, of: "data/", by: .peer(alice)) }
    for text in ["", "/", "data", "data/cats", "data//", "DATA/cats/", "data/../", "rfc/7/", "data/a\u{7}/"] {
      #expect(throws: MembershipRefusal.self, "\(text)") { try change(&membership, of: text, by: .peer(admin)) }
    }
    #expect(throws: MembershipRefusal.self) { try change(&membership, for: reader, by: .peer(admin)) }
    #expect(throws: MembershipRefusal.self) { try change(&membership, by: .operator) }
    try change(&membership, of: "data/", by: .peer(admin))
  }

  @Test func `a revoked owner keeps others out until an admin decides`() throws {
    var membership = start
    try change(&membership, by: .peer(alice))
    try membership.take { membership throws(MembershipRefusal) in
      try membership.revoke(prefix(alice), by: .operator, at: time(1))
    }
    #expect(try introduces(membership, "data/cats/1") == [])
    #expect(throws: MembershipRefusal.self) { try change(&membership, by: .peer(bob)) }
    try change(&membership, for: bob, by: .operator)
    #expect(try introduces(membership, "data/cats/1") == [bob])
  }

  @Test func `claims are bounded`() throws {
    var limits = MembershipLimits()
    (limits.claims, limits.claimsPerMember, limits.allowed) = (3, 2, 1)
    var membership = Membership(limits: limits)
    membership.setOwn([alice, bob])
    try change(&membership, of: "data/1/", by: .peer(alice))
    try change(&membership, of: "data/2/", by: .peer(alice))
    #expect(throws: MembershipRefusal.tooMany("claims_per_member", 2)) {
      try change(&membership, of: "data/3/", by: .peer(alice))
    }
    try change(&membership, of: "data/3/", by: .peer(bob))
    #expect(throws: MembershipRefusal.tooMany("claims", 3)) { try change(&membership, of: "data/4/", by: .peer(bob)) }
    try change(&membership, .allow, of: "data/1/", for: bob, by: .peer(alice))
    #expect(throws: MembershipRefusal.tooMany("allowed", 1)) {
      try change(&membership, .allow, of: "data/1/", for: peer(77), by: .peer(alice))
    }
  }
}
