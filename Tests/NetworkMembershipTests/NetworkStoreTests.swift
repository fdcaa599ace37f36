// SPDX-License-Identifier: Apache-2.0

import CSQLite
import DocumentModel
import Glibc
import NetworkMembership
import TestSupport
import Testing
import WireProtocol

@Suite struct NetworkStoreTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("network.sqlite") }

  private static let index = peer(99)

  init() throws {
    directory = try TemporaryDirectory()
  }

  private static let full: [MembershipChange] = {
    let name = try? PeerName("alice")
    return [
      .member(
        Member(peer: peer(1), role: .admin, since: time(1), name: name, tickets: [hash(3), hash(1)], by: peer(7))),
      .member(Member(peer: peer(2), role: .reader, since: time(2), name: nil, tickets: [hash(2)])),
      .invitation(
        Invitation(
          hash: hash(1), role: .admin, uses: 3, left: 1, made: time(0), expires: time(9), by: peer(7),
          barred: [peer(5), peer(6)])),
      .invitation(
        Invitation(hash: hash(2), role: .reader, uses: 1, left: 0, made: time(0), expires: time(9), by: nil)),
      .ban(Ban(peer: peer(3), since: time(3), reason: "flood's \u{1F30A}")),
      .ban(Ban(peer: peer(4), since: time(3), reason: nil)),
      .claim(Claim(prefix: "data/çats/", owner: peer(1), allowed: [peer(2), peer(3)], since: time(4))),
      .claim(Claim(prefix: "data/dogs/", owner: peer(2), since: time(4))),
      .claim(Claim(prefix: "data/çats/x/", owner: peer(2), since: time(5), above: "data/çats/")),
    ]
  }()

  private func execute(_ sql: String) throws {
    var handle: OpaquePointer?
    try #require(sqlite3_open(path, &handle) == SQLITE_OK)
    defer { sqlite3_close(handle) }
    try #require(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK)
  }

  private func reason(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func `what is committed is loaded again`() throws {
    var expected = Membership()
    expected.apply(Self.full)
    do {
      let store = try NetworkStore(path: path, of: Self.index)
      #expect(try store.load() == Membership())
      try store.commit(Self.full, [])
    }
    do {
      let store = try NetworkStore(path: path, of: Self.index)
      #expect(try store.load() == expected)
      let removals: [MembershipChange] = [
        .noMember(peer(1)), .noInvitation(hash(1)), .noBan(peer(3)), .noClaim("data/çats/"),
      ]
      try store.commit(removals, [])
      expected.apply(removals)
    }
    #expect(try NetworkStore(path: path, of: Self.index).load() == expected)
  }

  @Test func `random operations leave the same state in the database and in memory`() throws {
    var random = SeededGenerator(seed: 12)
    var membership = Membership()
    let store = try NetworkStore(path: path, of: Self.index)
    for step in 0..<150 {
      let subject = peer(Int.random(in: 1...5, using: &random))
      let decided: Membership.Decision<MemberRole>? =
        random.once(in: 4) ? nil : try? membership.join(subject, name: nil, with: hash(step / 4), at: time(1))
      let invited = try membership.invite(
        hash(step + 1), role: random.pick(MemberRole.allCases), uses: 2, lifetime: 3600, by: .operator, at: time(0))
      for changes in [decided?.changes ?? [], invited.changes] {
        try store.commit(changes, [])
        membership.apply(changes)
      }
    }
    #expect(try store.load() == membership)
  }

  @Test func `two indexes do not share a database`() throws {
    let first = try NetworkStore(path: path, of: Self.index)
    #expect(try #require(reason { _ = try NetworkStore(path: path, of: Self.index) }).contains("another process"))
    #expect(try first.load() == Membership())
  }

  @Test func `a later version and damage are refused with the cure`() throws {
    do {
      let store = try NetworkStore(path: path, of: Self.index)
      try store.commit(Self.full, [])
    }
    try execute("PRAGMA user_version = 6")
    #expect(try #require(reason { _ = try NetworkStore(path: path, of: Self.index) }).contains("later version"))
    try execute("PRAGMA user_version = 5")
    for sql in [
      "UPDATE members SET role = 'king'", "UPDATE bans SET peer = x'00' WHERE reason IS NULL",
      "UPDATE claims SET allowed = x'0011'", "UPDATE invitations SET left = -1",
    ] {
      try execute(sql)
      let problem = reason { _ = try NetworkStore(path: path, of: Self.index).load() }
      #expect(try #require(problem, "\(sql)").contains("invite the members again"))
      try execute("DELETE FROM members; DELETE FROM bans; DELETE FROM claims; DELETE FROM invitations")
      let store = try NetworkStore(path: path, of: Self.index)
      try store.commit(Self.full, [])
    }
    let bytes = [UInt8](repeating: 0x41, count: 8192)
    unlink(path)
    _ = try directory.write("network.sqlite", bytes)
    chmod(path, 0o600)
    #expect(try #require(reason { _ = try NetworkStore(path: path, of: Self.index) }).contains("damaged"))
  }

  @Test func `a failed commit changes nothing`() throws {
    do { _ = try NetworkStore(path: path, of: Self.index) }
    try execute("CREATE TRIGGER full BEFORE INSERT ON bans BEGIN SELECT RAISE(FAIL, 'disk full'); END")
    let store = try NetworkStore(path: path, of: Self.index)
    #expect(reason { try store.commit(Self.full, [AuditEntry(.banned, at: time(0))]) } != nil)
    #expect(try store.load() == Membership())
    #expect(try store.entries(limit: 10).entries.isEmpty)
    try store.commit([Self.full[0]], [])
    #expect(try store.load().members.count == 1)
  }

  // MARK: The audit log

  private static func entry(_ number: Int, padding: Int = 0) -> AuditEntry {
    var entry = AuditEntry(.joined, at: time(Int64(number)), peer: peer(number + 1))
    entry.reason = padding > 0 ? String(repeating: "x", count: padding) : nil
    return entry
  }

  @Test func `the log is read backwards in pages`() throws {
    let store = try NetworkStore(path: path, of: Self.index)
    try store.commit([], (0..<25).map { Self.entry($0) })
    var (page, first) = try store.entries(limit: 10)
    #expect(page == (15..<25).map { Self.entry($0) })
    (page, first) = try store.entries(limit: 10, before: first)
    #expect(page == (5..<15).map { Self.entry($0) })
    (page, first) = try store.entries(limit: 10, before: first)
    #expect(page == (0..<5).map { Self.entry($0) })
    #expect(first == nil)
  }

  @Test func `the log is bounded, and loses its oldest entries`() throws {
    let bound: Int64 = 128 << 10
    let store = try NetworkStore(path: path, of: Self.index, maxLogBytes: bound)
    for number in 0..<1000 { try store.commit([], [Self.entry(number, padding: 300)]) }
    let (page, _) = try store.entries(limit: 2000)
    #expect(page.last == Self.entry(999, padding: 300))
    #expect((100..<160).contains(page.count))
    #expect(page == (1000 - page.count..<1000).map { Self.entry($0, padding: 300) })
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_size < 2 * bound)
  }

  @Test func `what members cause pushes out neither who joined nor who was revoked`() throws {
    let store = try NetworkStore(path: path, of: Self.index, maxLogBytes: 32 << 10)
    var revoked = AuditEntry(.revoked, at: time(1), peer: peer(9))
    revoked.role = .reader
    try store.commit([], [revoked])
    for number in 0..<600 {
      var claimed = AuditEntry([.claimed, .released, .refused][number % 3], at: time(2), by: peer(1))
      claimed.reason = String(repeating: "x", count: 300)
      try store.commit([], [claimed])
    }
    try store.commit([], [Self.entry(1)])
    let page = try store.entries(limit: 1000).entries
    #expect(page.first == revoked && page.last == Self.entry(1))
    #expect((20..<60).contains(page.count))
  }

  /// Makes the tables of the present version those of the first one.
  private static let back = """
    ALTER TABLE log DROP COLUMN part; ALTER TABLE members DROP COLUMN by; ALTER TABLE claims DROP COLUMN above;
    DROP TABLE network; PRAGMA user_version = 1
    """

  @Test func `a database of the first version is taken over`() throws {
    do { try NetworkStore(path: path, of: Self.index).commit(Self.full, [Self.entry(1)]) }
    try execute(Self.back)
    let store = try NetworkStore(path: path, of: Self.index)
    try store.commit([], [AuditEntry(.refused, at: time(2))])
    #expect(try store.load().members.count == 2)
    #expect(try store.entries(limit: 10).entries == [Self.entry(1), AuditEntry(.refused, at: time(2))])
  }

  @Test func `who let members in is found out, and tickets of those who are no admins any more end`() throws {
    var expected = Membership()
    for (number, maker) in [(1, peer(1)), (2, peer(2)), (3, peer(7)), (4, nil)] {
      expected.apply([
        .invitation(
          Invitation(hash: hash(number), role: .admin, uses: 3, left: 1, made: time(0), expires: time(9), by: maker))
      ])
    }
    for (number, role, tickets) in [(1, MemberRole.admin, [hash(4)]), (2, .reader, [hash(4), hash(1)])] {
      expected.apply([
        .member(Member(peer: peer(number), role: role, since: time(1), name: nil, tickets: tickets, by: nil))
      ])
    }
    do { try NetworkStore(path: path, of: Self.index).commit(expected.changes, []) }
    try execute(Self.back)
    expected.apply([.noInvitation(hash(2)), .noInvitation(hash(3))])
    var member = try #require(expected.members[peer(2)])
    member.by = peer(1)
    expected.apply([.member(member)])
    #expect(try NetworkStore(path: path, of: Self.index).load() == expected)
  }

  @Test func `on which claims others rest is found out`() throws {
    let (alice, bob, carol) = (peer(1), peer(2), peer(3))
    let claims = [
      Claim(prefix: "data/ä/", owner: alice, allowed: [carol, bob], since: time(5)),
      Claim(prefix: "data/ä/x/", owner: bob, allowed: [carol], since: time(6), above: "data/ä/"),
      Claim(prefix: "data/ä/x/y/", owner: carol, since: time(6), above: "data/ä/x/"),
      Claim(prefix: "data/ä/mine/", owner: alice, since: time(7), above: "data/ä/"),
      Claim(prefix: "data/ä/first/", owner: bob, since: time(1)),
      Claim(prefix: "data/ä/given/", owner: peer(4), since: time(8)),
      Claim(prefix: "data/ää/", owner: bob, since: time(9)),
    ]
    do { try NetworkStore(path: path, of: Self.index).commit(claims.map { .claim($0) }, []) }
    try execute(Self.back)
    #expect(try Set(NetworkStore(path: path, of: Self.index).load().claims.values) == Set(claims))
  }

  @Test func `the log survives a restart with its bound`() throws {
    for round in 0..<10 {
      let store = try NetworkStore(path: path, of: Self.index, maxLogBytes: 16 << 10)
      for number in 0..<10 { try store.commit([], [Self.entry(round * 10 + number, padding: 300)]) }
    }
    let page = try NetworkStore(path: path, of: Self.index, maxLogBytes: 16 << 10).entries(limit: 1000).entries
    #expect((10..<24).contains(page.count) && page.last == Self.entry(99, padding: 300))
  }
}
