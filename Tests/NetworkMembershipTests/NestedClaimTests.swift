// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import Testing
import WireProtocol

/// Claims below others. Nobody is kept out below its own prefix by somebody that it does not admit, unless that one was there
/// first or an admin wants it so.
@Suite struct NestedClaimTests {
  private let alice = peer(1)
  private let bob = peer(2)
  private let carol = peer(3)
  private let admin = peer(4)
  private var membership: Membership

  init() throws {
    membership = try Membership.with([
      (alice, .publisher), (bob, .publisher), (carol, .publisher), (admin, .admin),
    ])
  }

  @discardableResult
  private mutating func change(
    _ change: ClaimChange, _ text: String, for subject: PeerID? = nil, by actor: PeerID?
  ) throws -> [AuditEntry] {
    let decision = try membership.change(
      change, of: text, for: subject.map(prefix), by: actor.map { .peer($0) } ?? .operator, at: time(0))
    membership.apply(decision.changes)
    return decision.entries
  }

  private mutating func claim(_ text: String, for subject: PeerID? = nil, by actor: PeerID?) throws {
    try change(.own, text, for: subject, by: actor)
  }

  private func introduces(_ key: String) throws -> [PeerID] {
    let key = try DocumentKey(key)
    return [alice, bob, carol, admin].filter { membership.introduces($0, key) }
  }

  /// Alice admits Bob, and Bob Carol below his own.
  private mutating func nest() throws {
    try claim("data/p/", by: alice)
    try change(.allow, "data/p/", for: bob, by: alice)
    try claim("data/p/x/", by: bob)
    try change(.allow, "data/p/x/", for: carol, by: bob)
    try claim("data/p/x/y/", by: carol)
  }

  @Test mutating func `who is denied loses what it claimed, and so does everybody that it let in`() throws {
    try nest()
    try claim("data/p/x/y/z/", by: carol)
    let entries = try change(.deny, "data/p/", for: bob, by: alice)
    #expect(entries.map(\.event) == [.claimed, .released, .released, .released])
    #expect(entries.dropFirst().map(\.prefix) == ["data/p/x/", "data/p/x/y/", "data/p/x/y/z/"])
    #expect(entries.dropFirst().map(\.peer) == [bob, carol, carol])
    #expect(Array(membership.claims.keys) == ["data/p/"])
    #expect(try introduces("data/p/x/y/1") == [alice])
  }

  @Test mutating func `what is claimed below a claim ends with it`() throws {
    try nest()
    try change(.release, "data/p/", by: alice)
    #expect(membership.claims.isEmpty)
    try claim("data/p/", by: alice)
    #expect(try introduces("data/p/x/y/1") == [alice])
  }

  @Test mutating func `who releases a claim keeps what it claimed below`() throws {
    try nest()
    try claim("data/p/mine/", by: alice)
    try claim("data/p/x/more/", by: bob)
    try change(.release, "data/p/x/", by: bob)
    #expect(membership.claims.keys.sorted() == ["data/p/", "data/p/mine/", "data/p/x/more/"])
    #expect(membership.claims["data/p/x/more/"]?.above == "data/p/")
    try change(.release, "data/p/", by: alice)
    #expect(Array(membership.claims.keys) == ["data/p/mine/"])
    #expect(membership.claims["data/p/mine/"]?.above == nil)
  }

  @Test mutating func `who is admitted above as well stays`() throws {
    try nest()
    try change(.allow, "data/p/", for: carol, by: alice)
    try change(.deny, "data/p/", for: bob, by: alice)
    #expect(membership.claims.keys.sorted() == ["data/p/", "data/p/x/y/"])
    try change(.deny, "data/p/", for: carol, by: alice)
    #expect(Array(membership.claims.keys) == ["data/p/"])
  }

  @Test mutating func `the denied of an inner claim lose it there`() throws {
    try nest()
    try change(.deny, "data/p/x/", for: carol, by: bob)
    #expect(membership.claims.keys.sorted() == ["data/p/", "data/p/x/"])
  }

  @Test mutating func `a new claim above takes nothing from those that were there`() throws {
    try claim("data/p/x/", by: bob)
    try claim("data/p/", by: alice)
    #expect(try introduces("data/p/x/1") == [bob])
    // Neither does admitting and denying their owner.
    try change(.allow, "data/p/", for: bob, by: alice)
    try change(.deny, "data/p/", for: bob, by: alice)
    #expect(try introduces("data/p/x/1") == [bob])
    // Below them their owner decides.
    try change(.allow, "data/p/x/", for: carol, by: bob)
    try claim("data/p/x/y/", by: carol)
    try change(.release, "data/p/", by: alice)
    #expect(membership.claims.keys.sorted() == ["data/p/x/", "data/p/x/y/"])
  }

  @Test mutating func `a claim in between takes nothing from those below it`() throws {
    try claim("data/p/", by: alice)
    for peer in [bob, carol] { try change(.allow, "data/p/", for: peer, by: alice) }
    try claim("data/p/x/y/", by: carol)
    try claim("data/p/x/", by: bob)
    try change(.release, "data/p/x/", by: bob)
    #expect(try introduces("data/p/x/y/1") == [carol])
    try change(.deny, "data/p/", for: carol, by: alice)
    #expect(Array(membership.claims.keys) == ["data/p/"])
  }

  @Test mutating func `what an admin decides stays`() throws {
    try nest()
    try claim("data/p/given/", for: carol, by: admin)
    try claim("data/p/x/", for: carol, by: nil)
    #expect(membership.claims.keys.sorted() == ["data/p/", "data/p/given/", "data/p/x/", "data/p/x/y/"])
    try change(.deny, "data/p/", for: bob, by: alice)
    #expect(try introduces("data/p/x/1") == [carol])
    try claim("data/p/", for: bob, by: admin)
    #expect(try introduces("data/p/given/1") == [carol])
    #expect(try introduces("data/p/1") == [bob])
  }
}
