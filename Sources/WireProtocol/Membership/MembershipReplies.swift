// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// The reply to `invite`.
package struct InviteReply: WireReply {
  /// The whole line for the one who is invited. It contains the secret.
  package let ticket: String
  /// Names the ticket later, without its secret.
  package let number: String
  package let role: MemberRole
  package let uses: Int
  package let expires: Timestamp
  /// Those in the ticket.
  package let addresses: [Endpoint]

  package init(_ ticket: Ticket, number: String, uses: Int) {
    self.ticket = ticket.text
    self.number = number
    self.uses = uses
    role = ticket.role
    expires = ticket.expires
    addresses = ticket.addresses
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    ticket = try fields.string("ticket")
    number = try fields.string("number")
    role = try fields.word("role")
    uses = try fields.count("uses")
    expires = try fields.timestamp("expires")
    addresses = try fields.destinations("addresses")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("ticket", ticket)
    fields.member("number", number)
    fields.member("role", role.rawValue)
    fields.member("uses", uses)
    fields.member("expires", expires)
    if !addresses.isEmpty { fields.strings("addresses", addresses.map(\.description)) }
  }
}

/// One member of the network.
package struct MemberListing: WireMessage, Hashable {
  package let peer: PeerID
  package let name: PeerName?
  package let role: MemberRole
  /// `nil` for the peers of the index's own supervisor, which did not join.
  package let since: Timestamp?
  /// Who made the ticket that gave it this role; `nil` for the operator.
  package let by: PeerID?
  /// Sessions at the index now.
  package let sessions: Int

  package init(peer: PeerID, name: PeerName?, role: MemberRole, since: Timestamp?, by: PeerID?, sessions: Int) {
    self.peer = peer
    self.name = name
    self.role = role
    self.since = since
    self.by = by
    self.sessions = sessions
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    peer = try fields.peerID("peer")
    name = try fields.value("name") == nil ? nil : fields.peerName()
    role = try fields.word("role")
    since = try fields.value("since") == nil ? nil : fields.timestamp("since")
    by = try fields.optionalPeerID("by")
    sessions = try fields.count("sessions")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("peer", peer)
    if let name { fields.member("name", name.text) }
    fields.member("role", role.rawValue)
    if let since { fields.member("since", since) }
    if let by { fields.member("by", by) }
    fields.member("sessions", sessions)
  }
}

/// One ticket, without its secret.
package struct TicketListing: WireMessage, Hashable {
  package let number: String
  package let role: MemberRole
  /// How often it can still be used.
  package let left: Int
  package let uses: Int
  package let expires: Timestamp
  /// Who made it; `nil` for the operator.
  package let by: PeerID?

  package init(number: String, role: MemberRole, left: Int, uses: Int, expires: Timestamp, by: PeerID?) {
    self.number = number
    self.role = role
    self.left = left
    self.uses = uses
    self.expires = expires
    self.by = by
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    number = try fields.string("number")
    role = try fields.word("role")
    left = try fields.count("left")
    uses = try fields.count("uses")
    expires = try fields.timestamp("expires")
    by = try fields.optionalPeerID("by")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("number", number)
    fields.member("role", role.rawValue)
    fields.member("left", left)
    fields.member("uses", uses)
    fields.member("expires", expires)
    if let by { fields.member("by", by) }
  }
}

/// One page of `members`.
package struct MembersReply: WireReply {
  package let members: [MemberListing]
  /// Those that can still be used; on the first page.
  package let tickets: [TicketListing]
  package let next: PeerID?

  package init(members: [MemberListing], tickets: [TicketListing] = [], next: PeerID? = nil) {
    self.members = members
    self.tickets = tickets
    self.next = next
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    members = try fields.elements("members")
    tickets = try fields.optionalElements("tickets")
    next = try fields.optionalPeerID("next")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.array("members", members)
    if !tickets.isEmpty { fields.array("tickets", tickets) }
    if let next { fields.member("next", next) }
  }
}

/// The reply to `revoke`, `ban` and `unban`: whom it concerned; or which ticket.
package struct AffectedReply: WireReply {
  package let peer: PeerID?
  package let number: String?
  /// Whether the supervisor of the index runs the peer, which therefore belongs again under another key.
  package let isOwn: Bool
  /// The number of tickets that went with a membership, because the peer had made them.
  package let withdrawn: Int
  /// The number of claims of the peer that stay, and keep others out.
  package let claims: Int
  /// Tickets that the peer knows and that others can still use.
  package let tickets: [TicketListing]

  package init(
    peer: PeerID? = nil, number: String? = nil, isOwn: Bool = false, withdrawn: Int = 0, claims: Int = 0,
    tickets: [TicketListing] = []
  ) {
    self.peer = peer
    self.number = number
    self.isOwn = isOwn
    self.withdrawn = withdrawn
    self.claims = claims
    self.tickets = tickets
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    peer = try fields.optionalPeerID("peer")
    number = try fields.optionalString("number")
    isOwn = try fields.optionalBool("own") ?? false
    withdrawn = try fields.optionalCount("withdrawn") ?? 0
    claims = try fields.optionalCount("claims") ?? 0
    tickets = try fields.optionalElements("tickets")
  }

  package func write(to fields: inout some FieldWriter) {
    if let peer { fields.member("peer", peer) }
    if let number { fields.member("number", number) }
    if isOwn { fields.member("own", true) }
    if withdrawn > 0 { fields.member("withdrawn", withdrawn) }
    if claims > 0 { fields.member("claims", claims) }
    if !tickets.isEmpty { fields.array("tickets", tickets) }
  }
}

/// One peer that is turned away.
package struct BanListing: WireMessage, Hashable {
  package let peer: PeerID
  package let since: Timestamp
  package let reason: String?

  package init(peer: PeerID, since: Timestamp, reason: String?) {
    self.peer = peer
    self.since = since
    self.reason = reason
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    peer = try fields.peerID("peer")
    since = try fields.timestamp("since")
    reason = try fields.optionalString("reason")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("peer", peer)
    fields.member("since", since)
    if let reason { fields.member("reason", reason) }
  }
}

/// One page of `bans`.
package struct BansReply: WireReply {
  package let bans: [BanListing]
  package let next: PeerID?

  package init(bans: [BanListing], next: PeerID? = nil) {
    self.bans = bans
    self.next = next
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    bans = try fields.elements("bans")
    next = try fields.optionalPeerID("next")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.array("bans", bans)
    if let next { fields.member("next", next) }
  }
}

/// One claim of a prefix.
package struct ClaimListing: WireMessage, Hashable {
  package let prefix: String
  package let owner: PeerID
  /// Whom the owner names.
  package let allowed: [PeerID]
  package let since: Timestamp

  package init(prefix: String, owner: PeerID, allowed: [PeerID], since: Timestamp) {
    self.prefix = prefix
    self.owner = owner
    self.allowed = allowed
    self.since = since
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    prefix = try fields.keyPrefix("prefix")
    owner = try fields.peerID("owner")
    since = try fields.timestamp("since")
    var allowed = [PeerID]()
    for text in try fields.optionalStrings("allowed") {
      guard let peer = PeerID(hex: text) else { throw .badRequest("allowed is an array of ids") }
      allowed.append(peer)
    }
    self.allowed = allowed
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("prefix", prefix)
    fields.member("owner", owner)
    if !allowed.isEmpty { fields.strings("allowed", allowed.map(\.hex)) }
    fields.member("since", since)
  }
}

/// The reply to `claim`: the claim as it is now, none if it was released; or all claims.
package struct ClaimsReply: WireReply {
  package let claims: [ClaimListing]
  /// Where the next page begins; `nil` after the last.
  package let next: String?

  package init(_ claims: [ClaimListing], next: String? = nil) {
    self.claims = claims
    self.next = next
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    claims = try fields.elements("claims")
    next = try fields.value("next") == nil ? nil : fields.keyPrefix("next")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.array("claims", claims)
    if let next { fields.member("next", next) }
  }
}

/// A page of the audit log, oldest entry first.
package struct LogReply: WireReply {
  package let entries: [AuditEntry]
  /// To be sent as `before`, for the entries before these; `nil` if there are none.
  package let before: Int64?

  package init(entries: [AuditEntry], before: Int64?) {
    self.entries = entries
    self.before = before
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    entries = try fields.elements("entries")
    before = try fields.optionalInteger("before", in: 0...Content.maximumSize)
  }

  package func write(to fields: inout some FieldWriter) {
    fields.array("entries", entries)
    if let before { fields.member("before", before) }
  }
}

/// A limit and what it counts for.
package struct LimitListing: WireMessage, Hashable {
  package enum Scope: String, CaseIterable, Sendable {
    case network, session, member, address
  }

  /// As in refusals.
  package let limit: String
  /// `nil` for no limit.
  package let value: Int?
  package let per: Scope

  package init(_ limit: String, _ value: Int?, per: Scope) {
    self.limit = limit
    self.value = value
    self.per = per
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    limit = try fields.string("limit")
    value = try fields.optionalCount("value")
    per = try fields.word("per")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("limit", limit)
    if let value { fields.member("value", value) }
    fields.member("per", per.rawValue)
  }
}

/// The reply to `limits`.
package struct LimitsReply: WireReply {
  package let limits: [LimitListing]

  package init(_ limits: [LimitListing]) {
    self.limits = limits
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    limits = try fields.elements("limits")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.array("limits", limits)
  }
}
