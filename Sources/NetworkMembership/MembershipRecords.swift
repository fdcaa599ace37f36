// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// A member of the network.
package struct Member: Hashable, Sendable {
  package let peer: PeerID
  package var role: MemberRole
  package let since: Timestamp
  /// As it called itself when it joined.
  package var name: PeerName?
  /// The hashes of the secrets by which it joined and rose: at most one for each role.
  package var tickets: [Digest]
  /// Who made the last of them; `nil` for the operator.
  package var by: PeerID?

  package init(
    peer: PeerID, role: MemberRole, since: Timestamp, name: PeerName?, tickets: [Digest], by: PeerID? = nil
  ) {
    self.peer = peer
    self.role = role
    self.since = since
    self.name = name
    self.tickets = tickets
    self.by = by
  }
}

/// A ticket as the index knows it: without its secret.
package struct Invitation: Hashable, Sendable {
  /// SHA-256 of the secret's 16 bytes.
  package let hash: Digest
  package let role: MemberRole
  package let uses: Int
  package var left: Int
  package let made: Timestamp
  /// From this second on nobody joins by it.
  package let expires: Timestamp
  /// Who invited; `nil` for the operator.
  package let by: PeerID?
  /// It does not let these in: they joined by it and were revoked, or showed it when they belonged already.
  package var barred: Set<PeerID>

  package init(
    hash: Digest, role: MemberRole, uses: Int, left: Int, made: Timestamp, expires: Timestamp, by: PeerID?,
    barred: Set<PeerID> = []
  ) {
    self.hash = hash
    self.role = role
    self.uses = uses
    self.left = left
    self.made = made
    self.expires = expires
    self.by = by
    self.barred = barred
  }

  /// Whether anybody can still join by it.
  package func isOpen(at now: Timestamp) -> Bool { left > 0 && now.seconds < expires.seconds }

  /// Names it in lists and in the audit log.
  package var shortName: String { String(hash.hex.prefix(16)) }
}

/// The end of a membership, and what goes with it.
package struct Expulsion: Hashable, Sendable {
  package let peer: PeerID
  /// Whether it belongs to the supervisor of the index.
  package let isOwn: Bool
  /// The number of tickets that the peer had made and that could still be used. They are withdrawn.
  package let withdrawn: Int
  /// The number of its claims. They stay, and keep others out.
  package let claims: Int
  /// Tickets of others that the peer knows and that can still be used, though not by it: by another key, or by whoever else
  /// has them. They stay.
  package let open: [Invitation]
}

/// A peer that the index turns away whatever ticket it has.
package struct Ban: Hashable, Sendable {
  package let peer: PeerID
  package let since: Timestamp
  package let reason: String?

  package init(peer: PeerID, since: Timestamp, reason: String?) {
    self.peer = peer
    self.since = since
    self.reason = reason
  }
}

/// Keys that begin with a prefix, and who introduces documents there.
package struct Claim: Hashable, Sendable {
  /// The beginning of keys, ending in `/`.
  package let prefix: String
  package var owner: PeerID
  /// Others that the owner names.
  package var allowed: Set<PeerID>
  package let since: Timestamp
  /// The prefix of the claim below which it was made, by somebody whom that one admits. It ends with that one, or when that
  /// one no longer admits the owner. `nil` for one that needs no other: it was there first, or an admin made it.
  package var above: String?

  package init(
    prefix: String, owner: PeerID, allowed: Set<PeerID> = [], since: Timestamp, above: String? = nil
  ) {
    self.prefix = prefix
    self.owner = owner
    self.allowed = allowed
    self.since = since
    self.above = above
  }

  package func admits(_ peer: PeerID) -> Bool { owner == peer || allowed.contains(peer) }
}

/// A change of one record. Durable and in memory alike, the state is what the changes made so far leave.
package enum MembershipChange: Hashable, Sendable {
  case member(Member)
  case noMember(PeerID)
  case invitation(Invitation)
  case noInvitation(Digest)
  case ban(Ban)
  case noBan(PeerID)
  case claim(Claim)
  case noClaim(String)
}

/// How much a network may have.
package struct MembershipLimits: Hashable, Sendable {
  package var members = 100_000
  package var invitations = 1000
  /// Of one invitation.
  package var uses = 10_000
  package var bans = 100_000
  package var claims = 10_000
  /// Of one owner that is not an admin.
  package var claimsPerMember = 100
  /// Whom an owner may name.
  package var allowed = 64

  package init() {}
}
