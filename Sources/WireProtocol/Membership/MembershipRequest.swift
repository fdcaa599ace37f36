// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A request about the membership of a closed network. Operators send these to the control socket of their index, members
/// on the index plane.
package enum MembershipRequest: Hashable, Sendable {
  /// Lets the peer of this session in.
  case join(TicketSecret)
  case claim(ClaimRequest)
  case invite(InviteRequest)
  case members(PageRequest)
  /// Ends the membership of the peer whose id begins so.
  case revoke(DigestPrefix)
  /// Takes the ticket back whose number begins so.
  case withdraw(DigestPrefix)
  case ban(DigestPrefix, reason: String?)
  case unban(DigestPrefix)
  case bans(PageRequest)
  case log(LogRequest)
  case limits

  package var operation: IndexOperation {
    switch self {
    case .join: .join
    case .claim: .claim
    case .invite: .invite
    case .members: .members
    case .revoke, .withdraw: .revoke
    case .ban: .ban
    case .unban: .unban
    case .bans: .bans
    case .log: .log
    case .limits: .limits
    }
  }

  /// Fewest digits of an id that names a peer.
  package static let fewestDigits = 8
  /// Of the reason for a ban, in bytes.
  package static let maxReason = 256

  /// - Throws: also for an operation of another kind.
  package init(_ operation: IndexOperation, _ fields: some FieldReader) throws(WireFailure) {
    switch operation {
    case .join: self = .join(try fields.ticketSecret("secret"))
    case .claim: self = .claim(try ClaimRequest(fields))
    case .invite: self = .invite(try InviteRequest(fields))
    case .members: self = .members(try PageRequest(fields))
    case .revoke where fields.value("ticket") != nil:
      self = .withdraw(try fields.idPrefix("ticket"))
    case .revoke:
      guard fields.value("peer") != nil else { throw .badRequest("revoke takes peer or ticket") }
      self = .revoke(try fields.idPrefix("peer"))
    case .ban: self = .ban(try fields.idPrefix("peer"), reason: try fields.optionalReason("reason"))
    case .unban: self = .unban(try fields.idPrefix("peer"))
    case .bans: self = .bans(try PageRequest(fields))
    case .log: self = .log(try LogRequest(fields))
    case .limits: self = .limits
    case .hello, .add, .remove, .lookup, .list, .peers, .stats, .ping, .watch, .unwatch:
      throw WireFailure(.unknownOperation, "not an operation of the membership")
    }
  }

  /// Reads a request that is part of another message: with its `op`.
  package init(nested fields: some FieldReader) throws(WireFailure) {
    try self.init(try fields.word("op"), fields)
  }

  package func write(nestedIn fields: inout some FieldWriter) {
    fields.member("op", operation.rawValue)
    write(to: &fields)
  }

  package func write(to fields: inout some FieldWriter) {
    switch self {
    case .join(let secret): fields.member("secret", secret.hex)
    case .claim(let claim): claim.write(to: &fields)
    case .invite(let invite): invite.write(to: &fields)
    case .members(let page), .bans(let page): page.write(to: &fields)
    case .revoke(let peer), .unban(let peer): fields.member("peer", peer.hex)
    case .withdraw(let ticket): fields.member("ticket", ticket.hex)
    case .ban(let peer, let reason):
      fields.member("peer", peer.hex)
      if let reason { fields.member("reason", reason) }
    case .log(let log): log.write(to: &fields)
    case .limits: break
    }
  }
}

/// What is to become of a claim.
package enum ClaimChange: String, CaseIterable, Sendable {
  /// It belongs to the one who asks, or to the peer that is named.
  case own
  /// The peer that is named introduces documents there as well.
  case allow
  /// It does so no longer.
  case deny
  /// Nobody owns the prefix any more.
  case release
}

/// Changes a claim, or asks for all claims.
package struct ClaimRequest: WireMessage, Hashable {
  /// `nil` to list the claims.
  package let prefix: String?
  package let change: ClaimChange
  package let peer: DigestPrefix?
  /// Of a list: the last prefix of the previous page.
  package let after: String?

  package init(
    prefix: String? = nil, change: ClaimChange = .own, peer: DigestPrefix? = nil, after: String? = nil
  ) {
    self.prefix = prefix
    self.change = change
    self.peer = peer
    self.after = after
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    prefix = try fields.value("prefix") == nil ? nil : fields.keyPrefix("prefix")
    change = try fields.optionalWord("change") ?? .own
    peer = try fields.optionalDigestPrefix("peer", fewest: MembershipRequest.fewestDigits)
    after = try fields.value("after") == nil ? nil : fields.keyPrefix("after")
  }

  package func write(to fields: inout some FieldWriter) {
    if let prefix { fields.member("prefix", prefix) }
    if change != .own { fields.member("change", change.rawValue) }
    if let peer { fields.member("peer", peer.hex) }
    if let after { fields.member("after", after) }
  }
}

/// Asks for a ticket.
package struct InviteRequest: WireMessage, Hashable {
  package static let defaultLifetime: Int64 = 7 * 86_400

  package let role: MemberRole
  package let uses: Int
  /// In seconds.
  package let lifetime: Int64
  /// Where the index can be reached; empty for all that the index knows.
  package let addresses: [Endpoint]

  package init(
    role: MemberRole = .reader, uses: Int = 1, lifetime: Int64 = defaultLifetime, addresses: [Endpoint] = []
  ) {
    self.role = role
    self.uses = uses
    self.lifetime = lifetime
    self.addresses = addresses
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    role = try fields.optionalWord("role") ?? .reader
    uses = try fields.optionalInteger("uses", in: 1...Int(Int32.max)) ?? 1
    lifetime = try fields.optionalInteger("lifetime", in: 1...Int64(Int32.max)) ?? Self.defaultLifetime
    addresses = try fields.destinations("addresses")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("role", role.rawValue)
    fields.member("uses", uses)
    fields.member("lifetime", lifetime)
    if !addresses.isEmpty { fields.strings("addresses", addresses.map(\.description)) }
  }
}

/// A page of rows that are in the order of peer ids.
package struct PageRequest: WireMessage, Hashable {
  package let limit: Int?
  /// The last id of the previous page.
  package let after: PeerID?

  package init(limit: Int? = nil, after: PeerID? = nil) {
    self.limit = limit
    self.after = after
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    limit = try fields.optionalInteger("limit", in: 1...Int(Int32.max))
    after = try fields.optionalPeerID("after")
  }

  package func write(to fields: inout some FieldWriter) {
    if let limit { fields.member("limit", limit) }
    if let after { fields.member("after", after) }
  }
}

/// The newest entries of the audit log, or those before them.
package struct LogRequest: WireMessage, Hashable {
  package let limit: Int?
  package let before: Int64?

  package init(limit: Int? = nil, before: Int64? = nil) {
    self.limit = limit
    self.before = before
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    limit = try fields.optionalInteger("limit", in: 1...Int(Int32.max))
    before = try fields.optionalInteger("before", in: 0...Content.maximumSize)
  }

  package func write(to fields: inout some FieldWriter) {
    if let limit { fields.member("limit", limit) }
    if let before { fields.member("before", before) }
  }
}

extension FieldReader {
  fileprivate func idPrefix(_ name: StaticString) throws(WireFailure) -> DigestPrefix {
    guard let prefix = try optionalDigestPrefix(name, fewest: MembershipRequest.fewestDigits) else {
      throw .badRequest("\(name) is missing")
    }
    return prefix
  }

  fileprivate func optionalReason(_ name: StaticString) throws(WireFailure) -> String? {
    guard let text = try optionalString(name) else { return nil }
    guard text.utf8.count <= MembershipRequest.maxReason, (try? Title(text)) != nil else {
      throw .badRequest("\(name) has at most \(MembershipRequest.maxReason) bytes, in NFC, without control characters")
    }
    return text
  }

  /// At most as many as a ticket has; empty if the array is missing.
  func destinations(_ name: StaticString) throws(WireFailure) -> [Endpoint] {
    let texts = try optionalStrings(name)
    guard texts.count <= Ticket.maxAddresses else {
      throw .badRequest("\(name) is an array of at most \(Ticket.maxAddresses) addresses")
    }
    var addresses = [Endpoint]()
    for text in texts {
      do throws(InvalidValue) {
        addresses.append(try Endpoint(destination: text))
      } catch {
        throw .badRequest("\(name): \(error.reason)")
      }
    }
    return addresses
  }
}
