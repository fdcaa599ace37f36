// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NetworkMembership
import WireProtocol

/// The adapter between membership requests and the closed network; peers and operators alike ask it.
struct MembershipDesk: Sendable {
  /// Writes a reply to the request of this id.
  typealias Reply = @Sendable (_ id: Int64, _ output: inout JSONWriter) -> Void
  typealias Done = @Sendable (Result<Reply, WireFailure>) -> Void

  /// Rows of a page if the request names no limit, and at most.
  private static let usualPage = 100
  private static let maxPage = 500
  /// Each may name many peers.
  private static let claimPage = 100

  let network: ClosedNetwork
  let actor: MembershipActor
  /// From where it is asked; `nil` for the operator.
  let host: String?
  let limits: [LimitListing]

  /// Carries out everything but `join`. Calls `done` from any thread.
  func carryOut(_ request: MembershipRequest, done: @escaping Done) {
    let actor = actor
    switch request {
    case .join: done(.failure(WireFailure(.unknownOperation, "only a peer joins")))
    case .invite(let invite): self.invite(invite, done)
    case .members(let page): members(page, done)
    case .bans(let page): bans(page, done)
    case .claim(let claim): self.claim(claim, done)
    case .revoke(let peer):
      change(done) { membership, now throws(MembershipRefusal) in
        try membership.revoke(peer, by: actor, at: now)
      } reply: {
        AffectedReply($0)
      }
    case .withdraw(let ticket):
      change(done) { membership, now throws(MembershipRefusal) in
        try membership.withdraw(ticket, by: actor, at: now)
      } reply: {
        AffectedReply(number: $0.shortName)
      }
    case .ban(let peer, let reason):
      let connected = Array(network.live.connected.keys)
      change(done) { membership, now throws(MembershipRefusal) in
        try membership.ban(peer, connected: connected, reason: reason, by: actor, at: now)
      } reply: {
        AffectedReply($0)
      }
    case .unban(let peer):
      change(done) { membership, now throws(MembershipRefusal) in
        try membership.unban(peer, by: actor, at: now)
      } reply: {
        AffectedReply(peer: $0)
      }
    case .log(let request):
      let limit = min(request.limit ?? Self.usualPage, Self.maxPage)
      network.log(request, limit: limit, by: actor) { done($0.map(Self.writing)) }
    case .limits:
      let reply = LimitsReply(limits)
      done(.success(Self.writing(reply)))
    }
  }

  private static func writing(_ reply: some WireReply) -> Reply {
    { id, output in reply.write(id: id, to: &output) }
  }

  private func change<Outcome: Sendable>(
    _ done: @escaping Done,
    _ decide: @escaping @Sendable (Membership, Timestamp) throws(MembershipRefusal) -> Membership.Decision<Outcome>,
    reply: @escaping @Sendable (Outcome) -> some WireReply
  ) {
    network.change(from: host, about: actor.peer, decide) { result in
      done(result.map { Self.writing(reply($0)) })
    }
  }

  // MARK: Tickets

  private func invite(_ invite: InviteRequest, _ done: @escaping Done) {
    let addresses = invite.addresses.isEmpty ? network.addresses : invite.addresses
    guard !addresses.isEmpty else {
      return done(
        .failure(WireFailure(.usage, "the index does not know its address: name it with --address HOST:PORT")))
    }
    if let useless = invite.addresses.first(where: TicketAddresses.meansNothing) {
      return done(
        .failure(
          WireFailure(.usage, "\(useless) does not mean this index on other machines: name an address that they reach"))
      )
    }
    var random = SystemRandomNumberGenerator()
    let secret = TicketSecret(using: &random)
    let (actor, index) = (actor, network.issuer.network)
    let draft = Ticket(
      addresses: addresses, index: index, secret: secret, role: invite.role,
      expires: Timestamp(seconds: network.now.seconds + invite.lifetime))
    // Before it is stored: nobody could join with it.
    guard draft.text.utf8.count <= Ticket.maxLength else {
      return done(
        .failure(
          WireFailure(.usage, "a ticket with these addresses is too long: name fewer, or shorter ones")))
    }
    change(done) { membership, now throws(MembershipRefusal) in
      try membership.invite(
        SecretHash.of(secret), role: invite.role, uses: invite.uses, lifetime: invite.lifetime, by: actor, at: now)
    } reply: { invitation in
      let ticket = Ticket(
        addresses: addresses, index: index, secret: secret, role: invitation.role, expires: invitation.expires)
      return InviteReply(ticket, number: invitation.shortName, uses: invitation.uses)
    }
  }

  // MARK: Lists

  private func members(_ page: PageRequest, _ done: @escaping Done) {
    let limit = min(page.limit ?? Self.usualPage, Self.maxPage)
    let (connected, now) = (network.live.connected, network.now)
    network.ask(as: .admin, by: actor) { membership in
      let (ids, next) = Self.page(Set(membership.members.keys).union(membership.own), page, limit)
      let rows = ids.compactMap { id -> MemberListing? in
        guard let role = membership.role(of: id) else { return nil }
        let member = membership.members[id]
        return MemberListing(
          peer: id, name: member?.name ?? connected[id]?.name, role: role, since: member?.since, by: member?.by,
          sessions: connected[id]?.sessions ?? 0)
      }
      let tickets = page.after == nil ? Self.tickets(of: membership, at: now) : []
      return MembersReply(members: rows, tickets: tickets, next: next)
    } then: {
      done($0.map(Self.writing))
    }
  }

  /// Those that can still be used, the newest first.
  private static func tickets(of membership: Membership, at now: Timestamp) -> [TicketListing] {
    membership.invitations.values.filter { $0.isOpen(at: now) }
      .sorted { ($1.made.seconds, $1.hash) < ($0.made.seconds, $0.hash) }
      .map(TicketListing.init)
  }

  private static func page(
    _ ids: some Collection<PeerID>, _ page: PageRequest, _ limit: Int
  ) -> (ids: [PeerID], next: PeerID?) {
    let sorted = ids.filter { id in page.after.map { $0 < id } ?? true }.sorted()
    let shown = Array(sorted.prefix(limit))
    return (shown, sorted.count > limit ? shown.last : nil)
  }

  private func bans(_ page: PageRequest, _ done: @escaping Done) {
    let limit = min(page.limit ?? Self.usualPage, Self.maxPage)
    network.ask(as: .admin, by: actor) { membership in
      let (ids, next) = Self.page(membership.bans.keys, page, limit)
      let rows = ids.compactMap { membership.bans[$0] }
        .map { BanListing(peer: $0.peer, since: $0.since, reason: $0.reason) }
      return BansReply(bans: rows, next: next)
    } then: {
      done($0.map(Self.writing))
    }
  }

  // MARK: Claims

  private func claim(_ request: ClaimRequest, _ done: @escaping Done) {
    let actor = actor
    guard let prefix = request.prefix else {
      return network.ask(as: .reader, by: actor) { membership in
        let claims = membership.claims.values
          .filter { claim in
            request.after.map { $0.utf8.lexicographicallyPrecedes(claim.prefix.utf8) } ?? true
          }
          .sorted { $0.prefix.utf8.lexicographicallyPrecedes($1.prefix.utf8) }
        let shown = claims.prefix(Self.claimPage).map(Self.listing)
        return ClaimsReply(shown, next: claims.count > shown.count ? shown.last?.prefix : nil)
      } then: {
        done($0.map(Self.writing))
      }
    }
    do throws(WireFailure) { try network.countClaimChange(by: actor) } catch { return done(.failure(error)) }
    change(done) { membership, now throws(MembershipRefusal) in
      try membership.change(request.change, of: prefix, for: request.peer, by: actor, at: now)
    } reply: { claim in
      ClaimsReply(claim.map { [Self.listing($0)] } ?? [])
    }
  }

  private static func listing(_ claim: Claim) -> ClaimListing {
    ClaimListing(prefix: claim.prefix, owner: claim.owner, allowed: claim.allowed.sorted(), since: claim.since)
  }
}

extension LineConnection {
  /// Answers a request for which the connection was busy, and goes on.
  func answer(_ result: Result<MembershipDesk.Reply, WireFailure>, to id: Int64) {
    send { output in
      switch result {
      case .success(let write): write(id, &output)
      case .failure(let failure): failure.write(id: id, to: &output)
      }
    }
    resume()
  }
}

extension TicketListing {
  fileprivate init(_ ticket: Invitation) {
    self.init(
      number: ticket.shortName, role: ticket.role, left: ticket.left, uses: ticket.uses, expires: ticket.expires,
      by: ticket.by)
  }
}

extension AffectedReply {
  fileprivate init(_ expulsion: Expulsion) {
    self.init(
      peer: expulsion.peer, isOwn: expulsion.isOwn, withdrawn: expulsion.withdrawn, claims: expulsion.claims,
      tickets: expulsion.open.map(TicketListing.init))
  }
}
