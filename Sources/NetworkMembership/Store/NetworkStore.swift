// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON
package import WireProtocol

/// The durable state of a closed network: its members, tickets, bans and claims, and the audit log.
///
/// For one thread at a time; calls block.
package final class NetworkStore {
  /// The parts of the audit log. Each has half of the room: what any member can cause as often as it likes does not push out
  /// who joined and who was revoked.
  private enum LogPart: Int64, CaseIterable {
    case membership, claimsAndRefusals

    init(_ event: AuditEntry.Event) {
      switch event {
      case .invited, .joined, .revoked, .banned, .unbanned, .withdrawn: self = .membership
      case .claimed, .released, .refused: self = .claimsAndRefusals
      }
    }
  }

  private let database: Database
  private let maxBytesOfPart: Int64
  /// Of the lines of each part of the log; their rows and pages need about a third more.
  private var logBytes: [LogPart: Int64] = [:]

  /// Opens the database, or creates it for a network that begins; its directory must exist.
  ///
  /// - Parameters:
  ///   - index: whose network it is.
  ///   - maxLogBytes: of the audit log; the oldest entries go first. With what SQLite needs, 64 MiB by default.
  /// - Throws: if it is damaged, of a later version, of another index, used by another process, or lost.
  package init(path: String, of index: PeerID, maxLogBytes: Int64 = 44 << 20) throws(NetworkStoreError) {
    let mark = NetworkMark(database: path)
    try mark.check()
    database = try Database(path: path)
    try NetworkTables.prepare(database, of: index, mark)
    maxBytesOfPart = maxLogBytes / Int64(LogPart.allCases.count)
    var bytes: [LogPart: Int64] = [:]
    try database.query("SELECT part, sum(length(line)) FROM log GROUP BY part") { row throws(NetworkStoreError) in
      guard let part = row.first?.integer.flatMap(LogPart.init) else { return }
      bytes[part] = row.last?.integer ?? 0
    }
    logBytes = bytes
  }

  // MARK: Writing

  /// Makes changes and entries of the audit log durable, all or none.
  package func commit(_ changes: [MembershipChange], _ entries: [AuditEntry]) throws(NetworkStoreError) {
    guard !changes.isEmpty || !entries.isEmpty else { return }
    let lines = entries.map { (part: LogPart($0.event), bytes: Self.line($0)) }
    var bytes = logBytes
    for line in lines { bytes[line.part, default: 0] += Int64(line.bytes.count) }
    try database.transaction { database throws(NetworkStoreError) in
      for change in changes { try Self.write(change, to: database) }
      for line in lines {
        try database.execute(
          "INSERT INTO log (part, line) VALUES (?, ?)", [.integer(line.part.rawValue), .bytes(line.bytes)])
      }
      for (part, sum) in bytes where sum > maxBytesOfPart {
        // Much at a time: it is rarely done then.
        let excess = sum - maxBytesOfPart + maxBytesOfPart / 16
        bytes[part] = sum - (try Self.dropOldest(atLeast: excess, of: part, from: database))
      }
    }
    logBytes = bytes
  }

  private static func line(_ entry: AuditEntry) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    entry.write(to: &writer)
    writer.endObject()
    return writer.bytes
  }

  /// - Returns: the bytes of what was dropped.
  private static func dropOldest(
    atLeast excess: Int64, of part: LogPart, from database: Database
  ) throws(NetworkStoreError) -> Int64 {
    var (sum, last): (Int64, Int64) = (0, 0)
    try database.query(
      """
      SELECT max(number), sum(length(line)) FROM log WHERE part = ?1 AND number <= (
        SELECT number FROM (
          SELECT number, sum(length(line)) OVER (ORDER BY number) AS total FROM log WHERE part = ?1
        ) WHERE total >= ?2 ORDER BY number LIMIT 1)
      """, [.integer(part.rawValue), .integer(excess)]
    ) { row throws(NetworkStoreError) in
      (last, sum) = (row.first?.integer ?? 0, row.last?.integer ?? 0)
    }
    try database.execute(
      "DELETE FROM log WHERE part = ? AND number <= ?", [.integer(part.rawValue), .integer(last)])
    return sum
  }

  private static func write(_ change: MembershipChange, to database: Database) throws(NetworkStoreError) {
    switch change {
    case .member(let member):
      try database.execute(
        "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?)",
        [
          .bytes(member.peer), .text(member.role.rawValue), .integer(member.since.seconds),
          member.name.map { .text($0.text) } ?? .null, .bytes(member.tickets.flatMap(\.bytes)),
          member.by.map(Database.Value.bytes) ?? .null,
        ])
    case .noMember(let peer): try database.execute("DELETE FROM members WHERE peer = ?", [.bytes(peer)])
    case .invitation(let invitation):
      try database.execute(
        "INSERT OR REPLACE INTO invitations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
          .bytes(invitation.hash.bytes), .text(invitation.role.rawValue), .integer(Int64(invitation.uses)),
          .integer(Int64(invitation.left)), .integer(invitation.made.seconds), .integer(invitation.expires.seconds),
          invitation.by.map(Database.Value.bytes) ?? .null, .bytes(invitation.barred),
        ])
    case .noInvitation(let hash):
      try database.execute("DELETE FROM invitations WHERE hash = ?", [.bytes(hash.bytes)])
    case .ban(let ban):
      try database.execute(
        "INSERT OR REPLACE INTO bans VALUES (?, ?, ?)",
        [.bytes(ban.peer), .integer(ban.since.seconds), ban.reason.map { .text($0) } ?? .null])
    case .noBan(let peer): try database.execute("DELETE FROM bans WHERE peer = ?", [.bytes(peer)])
    case .claim(let claim):
      try database.execute(
        "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)",
        [
          .text(claim.prefix), .bytes(claim.owner), .bytes(claim.allowed), .integer(claim.since.seconds),
          claim.above.map { .text($0) } ?? .null,
        ])
    case .noClaim(let prefix): try database.execute("DELETE FROM claims WHERE prefix = ?", [.text(prefix)])
    }
  }

  // MARK: Reading

  /// Everything but the log. A row that makes no sense fails it: a member too few is a nuisance, a ban too few a danger.
  package func load(limits: MembershipLimits = MembershipLimits()) throws(NetworkStoreError) -> Membership {
    var changes: [MembershipChange] = []
    for (sql, read) in Self.readers {
      try database.query(sql) { row throws(NetworkStoreError) in
        guard let change = read(row) else { throw NetworkStoreError(database.path, NetworkTables.damage) }
        changes.append(change)
      }
    }
    var membership = Membership(limits: limits)
    membership.apply(changes)
    return membership
  }

  private static let readers: [(StaticString, @Sendable ([Database.Value]) -> MembershipChange?)] = [
    (
      "SELECT peer, role, since, name, ticket, by FROM members",
      { row in
        guard row.count == 6, let peer = row[0].peer, let role = row[1].role, let since = row[2].time,
          let tickets = row[4].digests, !tickets.isEmpty, row[5] == .null || row[5].peer != nil
        else { return nil }
        let name = row[3].text.flatMap { try? PeerName($0) }
        return .member(
          Member(peer: peer, role: role, since: since, name: name, tickets: tickets, by: row[5].peer))
      }
    ),
    (
      "SELECT hash, role, uses, left, made, expires, by, barred FROM invitations",
      { row in
        guard row.count == 8, let hash = row[0].digest, let role = row[1].role, let uses = row[2].count,
          let left = row[3].count, let made = row[4].time, let expires = row[5].time, let barred = row[7].peers,
          row[6] == .null || row[6].peer != nil
        else { return nil }
        return .invitation(
          Invitation(
            hash: hash, role: role, uses: uses, left: left, made: made, expires: expires, by: row[6].peer,
            barred: barred))
      }
    ),
    (
      "SELECT peer, since, reason FROM bans",
      { row in
        guard row.count == 3, let peer = row[0].peer, let since = row[1].time else { return nil }
        return .ban(Ban(peer: peer, since: since, reason: row[2].text))
      }
    ),
    (
      "SELECT prefix, owner, allowed, since, above FROM claims",
      { row in
        guard row.count == 5, let prefix = row[0].text, let owner = row[1].peer, let allowed = row[2].peers,
          let since = row[3].time
        else { return nil }
        return .claim(Claim(prefix: prefix, owner: owner, allowed: allowed, since: since, above: row[4].text))
      }
    ),
  ]

  /// The newest entries of the audit log, in their order.
  ///
  /// - Parameter before: only entries with a lower number.
  /// - Returns: `first` is the number of the first one, if there may be earlier ones.
  package func entries(
    limit: Int, before: Int64? = nil
  ) throws(NetworkStoreError) -> (entries: [AuditEntry], first: Int64?) {
    var rows: [(number: Int64, entry: AuditEntry)] = []
    var last: Int64?
    var reader = JSONReader()
    try database.query(
      "SELECT number, line FROM log WHERE number < ? ORDER BY number DESC LIMIT ?",
      [.integer(before ?? .max), .integer(Int64(limit))]
    ) { row throws(NetworkStoreError) in
      guard let number = row.first?.integer, case .bytes(let line) = row.last else { return }
      last = number
      // An entry of a later version may have an event that this one does not know.
      if let entry = try? reader.read(line, { try AuditEntry($0) }) { rows.append((number, entry)) }
    }
    return (rows.reversed().map(\.entry), last.flatMap { $0 > 1 ? $0 : nil })
  }
}

extension Database.Value {
  var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  fileprivate var text: String? { if case .text(let value) = self { value } else { nil } }
  var digest: Digest? { if case .bytes(let value) = self { Digest(bytes: value) } else { nil } }
  var peer: PeerID? { digest.map(PeerID.init(digest:)) }
  fileprivate var role: MemberRole? { text.flatMap(MemberRole.init(rawValue:)) }
  fileprivate var time: Timestamp? { integer.map(Timestamp.init(seconds:)) }
  fileprivate var count: Int? { integer.flatMap { $0 >= 0 ? Int(exactly: $0) : nil } }

  /// One after the other.
  fileprivate var digests: [Digest]? {
    guard case .bytes(let value) = self, value.count % Digest.byteCount == 0 else { return nil }
    return stride(from: 0, to: value.count, by: Digest.byteCount).compactMap { start in
      Digest(bytes: value[start..<start + Digest.byteCount])
    }
  }

  fileprivate var peers: Set<PeerID>? { digests.map { Set($0.map(PeerID.init(digest:))) } }

  static func bytes(_ peer: PeerID) -> Self { .bytes(peer.digest.bytes) }
  fileprivate static func bytes(_ peers: Set<PeerID>) -> Self { .bytes(peers.sorted().flatMap(\.digest.bytes)) }
}
