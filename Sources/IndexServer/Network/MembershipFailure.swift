// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import WireProtocol

extension WireFailure {
  /// To every request on a plain connection, but `ping`.
  static let unprovenInClosedNetwork = WireFailure(
    .forbidden, "this network is closed: connect by TLS, with the certificate of your key")
  /// On the end of a session.
  static let noLongerMember = WireFailure(
    .forbidden, "this peer is no longer a member of the network: ask an admin for a new ticket")
  static let banned = WireFailure(.forbidden, "this peer is banned from the network")
  static let openNetwork = WireFailure(.forbidden, "this network is open: every peer belongs to it")

  init(_ refusal: MembershipRefusal) {
    switch refusal {
    case .needs(.admin): self.init(.forbidden, "only an admin may do this: ask one")
    case .needs(.publisher):
      self.init(.forbidden, "only a publisher may do this: ask an admin for a ticket as publisher")
    case .needs(.reader): self = .notMember
    case .banned: self = .banned
    case .unknownTicket:
      self.init(.forbidden, "no ticket of this network has this secret, or it was withdrawn: ask for a new one")
    case .usedTicket: self.init(.forbidden, "all uses of the ticket are taken: ask for a new one")
    case .expiredTicket(let time): self.init(.forbidden, "the ticket ended at \(time): ask for a new one")
    case .revoked:
      self.init(.forbidden, "the membership has ended, and the ticket does not bring it back: ask for a new one")
    case .tooMany(let limit, let value):
      self.init(.tooMany, "the network has as many as the limit \(limit) allows", limit: .init(limit, value))
    case .notFound(let what): self.init(.notFound, what)
    case .ambiguous(let peers):
      let shown = peers.prefix(8).map { String($0.hex.prefix(16)) }.joined(separator: ", ")
      self.init(.ambiguousPeer, "\(peers.count) peers have an id that begins so: \(shown)")
    case .invalid(let reason): self.init(.usage, reason)
    case .claimed(let prefix, let owner):
      self.init(.forbidden, "\(prefix) belongs to \(owner.hex.prefix(8)): ask its owner or an admin")
    }
  }
}

extension MembershipRefusal {
  /// For the audit log: few words, always the same.
  var shortReason: String {
    switch self {
    case .needs(let role): "not \(role == .admin ? "an admin" : "a \(role.rawValue)")"
    case .banned: "banned"
    case .unknownTicket: "unknown ticket"
    case .usedTicket: "used ticket"
    case .expiredTicket: "expired ticket"
    case .revoked: "revoked"
    case .tooMany(let limit, _): "limit \(limit)"
    // Constant words, all of them.
    case .notFound(let what): what
    case .invalid(let reason): "invalid request: \(reason)"
    case .ambiguous: "several peers have an id that begins so"
    case .claimed: "claimed by another"
    }
  }
}
