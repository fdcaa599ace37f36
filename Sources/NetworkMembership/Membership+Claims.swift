// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import WireProtocol

/// Claims of prefixes. The longest one that a key begins with governs it.
extension Membership {
  package func claim(governing key: DocumentKey) -> Claim? { claim(governing: key.text) }

  private func claim(governing text: String) -> Claim? {
    guard !claims.isEmpty else { return nil }
    let bytes = text.utf8
    var end = bytes.index(bytes.startIndex, offsetBy: longestClaim, limitedBy: bytes.endIndex) ?? bytes.endIndex
    while let slash = bytes[..<end].lastIndex(of: UInt8(ascii: "/")) {
      if let claim = claims[String(Substring(bytes[...slash]))] { return claim }
      end = slash
    }
    return nil
  }

  /// Whether a peer may bring a document under the key into the network.
  package func introduces(_ peer: PeerID, _ key: DocumentKey) -> Bool {
    introduces(peer, under: claim(governing: key))
  }

  /// The same for a key whose claim is known.
  package func introduces(_ peer: PeerID, under claim: Claim?) -> Bool {
    guard let role = role(of: peer), role >= .publisher else { return false }
    return claim?.admits(peer) ?? true
  }

  // MARK: Changes

  /// Changes who introduces documents below a prefix.
  ///
  /// - Parameter subject: the new owner, or the one whom the owner names; `nil` for the one who asks.
  /// - Returns: the claim as it is then; `nil` if it is released.
  package func change(
    _ change: ClaimChange, of prefix: String, for subject: DigestPrefix?, by actor: MembershipActor, at now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Claim?> {
    try authorize(actor, as: .publisher)
    guard prefix.utf8.last == UInt8(ascii: "/"), (try? DocumentKey("\(prefix)1")) != nil else {
      throw .invalid("a claim is of the beginning of keys that ends in /, such as data/cats/")
    }
    let peer = try subject.map { subject throws(MembershipRefusal) in
      try find(subject, among: Array(members.keys) + Array(own), "no member has this id")
    }
    switch change {
    case .own: return try takeOver(prefix, peer, actor, now)
    case .allow: return try name(prefix, peer, true, actor, now)
    case .deny: return try name(prefix, peer, false, actor, now)
    case .release:
      let claim = try ownClaim(prefix, actor)
      return put(nil, inPlaceOf: claim, Self.entry(.released, prefix, actor, now), actor, now)
    }
  }

  private static func entry(
    _ event: AuditEntry.Event, _ prefix: String, _ actor: MembershipActor, _ now: Timestamp
  ) -> AuditEntry {
    var entry = AuditEntry(event, at: now, by: actor.peer)
    entry.prefix = prefix
    return entry
  }

  /// Changes a claim or ends it, and what was claimed below it by those whom it no longer admits.
  private func put(
    _ claim: Claim?, inPlaceOf before: Claim, _ entry: AuditEntry, _ actor: MembershipActor, _ now: Timestamp
  ) -> Decision<Claim?> {
    var decision = Decision<Claim?>(
      claim, changes: [claim.map { .claim($0) } ?? .noClaim(before.prefix)], entries: [entry])
    // Claims as they are then; `nil` for those that have ended.
    var changed = [before.prefix: claim]
    // A claim comes after those above it.
    let below = claims.values.filter { $0.above != nil && $0.prefix.utf8.starts(with: before.prefix.utf8) }
      .sorted { ($0.prefix.utf8.count, $0.prefix) < ($1.prefix.utf8.count, $1.prefix) }
    for var lower in below where lower.prefix != before.prefix {
      let (stays, above) = support(of: lower, changed)
      if stays {
        guard above != lower.above else { continue }
        lower.above = above
        changed[lower.prefix] = lower
        decision.changes.append(.claim(lower))
      } else {
        changed[lower.prefix] = .some(nil)
        decision.changes.append(.noClaim(lower.prefix))
        var entry = Self.entry(.released, lower.prefix, actor, now)
        entry.peer = lower.owner
        decision.entries.append(entry)
      }
    }
    return decision
  }

  /// Whether a claim stays, and on which it rests then: on the one above one that has ended, if that admits its owner. What
  /// the owner of a claim has claimed below it takes its place.
  private func support(of claim: Claim, _ changed: [String: Claim?]) -> (stays: Bool, above: String?) {
    var above = claim.above
    while let prefix = above {
      if let claimAbove = changed[prefix] ?? claims[prefix] { return (claimAbove.admits(claim.owner), prefix) }
      let ended = claims[prefix]
      if ended?.above == nil { return (ended?.owner == claim.owner, nil) }
      above = ended?.above
    }
    return (true, nil)
  }

  private func isAdmin(_ actor: MembershipActor) -> Bool {
    guard case .peer(let peer) = actor else { return true }
    return role(of: peer) == .admin
  }

  private func takeOver(
    _ prefix: String, _ subject: PeerID?, _ actor: MembershipActor, _ now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Claim?> {
    guard let owner = subject ?? actor.peer else {
      throw .invalid("the operator of the index shares nothing: name the owner with --for ID")
    }
    guard role(of: owner) ?? .reader >= .publisher else {
      throw .invalid("only publishers own keys, and this peer is none")
    }
    let isAdmin = isAdmin(actor)
    let before = claims[prefix]
    var above: String?
    if let before {
      if before.owner == owner { return Decision(before) }
      guard isAdmin else { throw .claimed(prefix: prefix, owner: before.owner) }
    } else if !isAdmin {
      above = try checkFreedom(of: prefix, for: owner)
    }
    // What one gives to another would count for the other.
    guard isAdmin || owner == actor.peer else { throw .needs(.admin) }
    guard before != nil || claims.count < limits.claims else { throw .tooMany("claims", limits.claims) }
    let claim = Claim(prefix: prefix, owner: owner, since: now, above: above)
    var entry = Self.entry(.claimed, prefix, actor, now)
    entry.peer = owner
    // A new claim takes nothing from those below it: they were there first.
    guard let before else { return Decision(claim, changes: [.claim(claim)], entries: [entry]) }
    return put(claim, inPlaceOf: before, entry, actor, now)
  }

  /// Whether a publisher may claim a prefix that nobody has.
  /// - Returns: the claim on which the new one rests.
  private func checkFreedom(of prefix: String, for peer: PeerID) throws(MembershipRefusal) -> String? {
    guard prefix.utf8.count(where: { $0 == UInt8(ascii: "/") }) > 1 else {
      throw .invalid("only an admin claims a whole collection, or the operator at the machine of the index")
    }
    let above = claim(governing: prefix)
    if let above, !above.admits(peer) {
      throw .claimed(prefix: above.prefix, owner: above.owner)
    }
    guard claims.values.count(where: { $0.owner == peer }) < limits.claimsPerMember else {
      throw .tooMany("claims_per_member", limits.claimsPerMember)
    }
    return above?.prefix
  }

  private func name(
    _ prefix: String, _ subject: PeerID?, _ isAllowed: Bool, _ actor: MembershipActor, _ now: Timestamp
  ) throws(MembershipRefusal) -> Decision<Claim?> {
    let before = try ownClaim(prefix, actor)
    var claim = before
    guard let subject else { throw .invalid("the id is missing of the peer that is to be named") }
    if isAllowed {
      claim.allowed.insert(subject)
      guard claim.allowed.count <= limits.allowed else { throw .tooMany("allowed", limits.allowed) }
    } else {
      claim.allowed.remove(subject)
    }
    guard claim != before else { return Decision(claim) }
    var entry = Self.entry(.claimed, prefix, actor, now)
    (entry.peer, entry.reason) = (subject, isAllowed ? "allowed" : "denied")
    return put(claim, inPlaceOf: before, entry, actor, now)
  }

  /// The claim, if the one who asks may change it.
  private func ownClaim(_ prefix: String, _ actor: MembershipActor) throws(MembershipRefusal) -> Claim {
    guard let claim = claims[prefix] else { throw .notFound("nobody claims this prefix") }
    guard isAdmin(actor) || claim.owner == actor.peer else { throw .claimed(prefix: prefix, owner: claim.owner) }
    return claim
  }
}
