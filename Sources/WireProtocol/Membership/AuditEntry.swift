// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// What happened to the membership of a network, or was refused: one entry of its audit log.
package struct AuditEntry: WireMessage, Hashable {
  package enum Event: String, CaseIterable, Sendable {
    case invited, joined, revoked, banned, unbanned, claimed, released
    /// An invitation was withdrawn.
    case withdrawn
    /// Something that a peer was not allowed to do.
    case refused
  }

  package var time: Timestamp
  package var event: Event
  /// Whom it concerns.
  package var peer: PeerID?
  /// Who did it; `nil` for the operator, at the machine of the index.
  package var by: PeerID?
  package var role: MemberRole?
  /// The first digits of a ticket's hash.
  package var ticket: String?
  package var prefix: String?
  /// The address from which it was asked.
  package var host: String?
  /// A reason, in words.
  package var reason: String?
  /// The number of refusals that the entry stands for, if there are several.
  package var count: Int?
  /// The number of tickets that went with a membership, because the peer had made them.
  package var tickets: Int?

  package init(_ event: Event, at time: Timestamp, peer: PeerID? = nil, by: PeerID? = nil) {
    self.time = time
    self.event = event
    self.peer = peer
    self.by = by
  }

  package init(_ fields: some FieldReader) throws(WireFailure) {
    time = try fields.timestamp("time")
    event = try fields.word("event")
    peer = try fields.optionalPeerID("peer")
    by = try fields.optionalPeerID("by")
    role = try fields.optionalWord("role")
    ticket = try fields.optionalString("ticket")
    prefix = try fields.optionalString("prefix")
    host = try fields.optionalString("host")
    reason = try fields.optionalString("reason")
    count = try fields.optionalCount("count")
    tickets = try fields.optionalCount("tickets")
  }

  package func write(to fields: inout some FieldWriter) {
    fields.member("time", time)
    fields.member("event", event.rawValue)
    if let peer { fields.member("peer", peer) }
    if let by { fields.member("by", by) }
    if let role { fields.member("role", role.rawValue) }
    if let ticket { fields.member("ticket", ticket) }
    if let prefix { fields.member("prefix", prefix) }
    if let host { fields.member("host", host) }
    if let reason { fields.member("reason", reason) }
    if let count { fields.member("count", count) }
    if let tickets { fields.member("tickets", tickets) }
  }
}
