// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing

/// Its id begins with the number in 8 hex digits.
func peer(_ number: Int) -> PeerID {
  let digits = String(number, radix: 16)
  let id = String(repeating: "0", count: 8 - digits.utf8.count) + digits + String(repeating: "0", count: 56)
  return PeerID(digest: Digest(hex: id) ?? .zero)
}

/// The hash of a secret of its own.
func hash(_ number: Int) -> Digest {
  let digits = String(number, radix: 16)
  return Digest(hex: String(repeating: "e", count: 64 - digits.utf8.count) + digits) ?? .zero
}

func prefix(_ peer: PeerID) -> DigestPrefix { DigestPrefix(peer.digest) }

func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

func identity(in directory: TemporaryDirectory, _ name: String = "key.pem") throws -> PeerIdentity {
  try PeerIdentity.loadOrCreate(at: directory.file(name))
}

extension Membership {
  /// Decides and applies.
  @discardableResult
  mutating func take<Outcome>(
    _ decide: (Membership) throws(MembershipRefusal) -> Decision<Outcome>
  ) throws(MembershipRefusal) -> Outcome {
    let decision = try decide(self)
    apply(decision.changes)
    return decision.outcome
  }

  mutating func invite(
    _ number: Int, _ role: MemberRole = .reader, uses: Int = 1, lifetime: Int64 = 3600,
    by actor: MembershipActor = .operator, at seconds: Int64 = 0
  ) throws(MembershipRefusal) {
    _ = try take { membership throws(MembershipRefusal) in
      try membership.invite(hash(number), role: role, uses: uses, lifetime: lifetime, by: actor, at: time(seconds))
    }
  }

  @discardableResult
  mutating func join(_ id: PeerID, by number: Int, at seconds: Int64 = 1) throws(MembershipRefusal) -> MemberRole {
    try take { membership throws(MembershipRefusal) in
      try membership.join(id, name: nil, with: hash(number), at: time(seconds))
    }
  }

  /// A network with a peer in a role.
  static func with(_ roles: [(PeerID, MemberRole)]) throws -> Membership {
    var membership = Membership()
    for (number, (peer, role)) in roles.enumerated() {
      try membership.invite(1000 + number, role)
      try membership.join(peer, by: 1000 + number)
    }
    return membership
  }
}

extension Membership {
  /// What makes it of an empty one.
  var changes: [MembershipChange] {
    members.values.map { .member($0) } + invitations.values.map { .invitation($0) } + bans.values.map { .ban($0) }
      + claims.values.map { .claim($0) }
  }
}
