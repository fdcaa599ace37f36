// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import WireProtocol

/// Who belongs to a closed network and what each may do.
///
/// A value that decides: what may be done is a function of it, which returns the changes that do it; `apply` carries them
/// out, here and in the database alike. Between a decision and its `apply` there must be no other one.
package struct Membership: Equatable, Sendable {
  /// What is to be done, and what the audit log says about it.
  package struct Decision<Outcome: Sendable>: Sendable {
    package var changes: [MembershipChange]
    package var entries: [AuditEntry]
    package let outcome: Outcome

    init(_ outcome: Outcome, changes: [MembershipChange] = [], entries: [AuditEntry] = []) {
      self.changes = changes
      self.entries = entries
      self.outcome = outcome
    }
  }

  package let limits: MembershipLimits
  package private(set) var members: [PeerID: Member] = [:]
  package private(set) var invitations: [Digest: Invitation] = [:]
  package private(set) var bans: [PeerID: Ban] = [:]
  package private(set) var claims: [String: Claim] = [:]
  /// The peers of the index's own supervisor. They are publishers without a ticket; told at each start, not stored.
  package private(set) var own: Set<PeerID> = []
  /// Of the longest prefix in `claims`, in bytes.
  private(set) var longestClaim = 0

  package init(limits: MembershipLimits = MembershipLimits()) {
    self.limits = limits
  }

  /// What a peer may do; `nil` for one that does not belong.
  package func role(of peer: PeerID) -> MemberRole? {
    guard bans[peer] == nil else { return nil }
    let role = members[peer]?.role
    return own.contains(peer) ? max(role ?? .publisher, .publisher) : role
  }

  package mutating func apply(_ changes: [MembershipChange]) {
    for change in changes { apply(change) }
  }

  private mutating func apply(_ change: MembershipChange) {
    switch change {
    case .member(let member): members[member.peer] = member
    case .noMember(let peer): members[peer] = nil
    case .invitation(let invitation): invitations[invitation.hash] = invitation
    case .noInvitation(let hash): invitations[hash] = nil
    case .ban(let ban): bans[ban.peer] = ban
    case .noBan(let peer): bans[peer] = nil
    case .claim(let claim):
      claims[claim.prefix] = claim
      longestClaim = max(longestClaim, claim.prefix.utf8.count)
    case .noClaim(let prefix):
      claims[prefix] = nil
      // Many may end at once.
      if prefix.utf8.count == longestClaim { longestClaim = claims.keys.lazy.map(\.utf8.count).max() ?? 0 }
    }
  }

  package mutating func setOwn(_ peers: some Sequence<PeerID>) {
    own = Set(peers)
  }

  /// - Throws: if the role of `actor` is not enough.
  package func authorize(_ actor: MembershipActor, as needed: MemberRole) throws(MembershipRefusal) {
    guard case .peer(let peer) = actor else { return }
    guard bans[peer] == nil else { throw .banned }
    guard let role = role(of: peer), role >= needed else { throw .needs(needed) }
  }

  /// The one of `peers` whose id begins so; a whole id needs none.
  func find(
    _ prefix: DigestPrefix, among peers: some Sequence<PeerID>, _ missing: String
  ) throws(MembershipRefusal) -> PeerID {
    if prefix.isWhole { return PeerID(digest: prefix.first) }
    let found = Set(peers.lazy.filter { prefix.contains($0.digest) })
    guard let peer = found.first else { throw .notFound(missing) }
    guard found.count == 1 else { throw .ambiguous(found.sorted()) }
    return peer
  }
}
