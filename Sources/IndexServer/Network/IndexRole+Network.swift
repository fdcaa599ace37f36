// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NetworkMembership
import WireProtocol

/// What a role keeps of its session in a closed network.
struct NetworkSession {
  let network: ClosedNetwork
  var place: NetworkPlace
  /// By which it leaves `LiveMembers`.
  var number: UInt64?
  /// The last pass; the next one is made in time.
  var pass: SignedPass?

  /// What the replies to `hello`, `join` and `ping` say.
  mutating func standing(withKey: Bool) -> MemberStanding {
    guard case .member(let peer, let role) = place else { return .stranger }
    let now = network.now
    if !isFresh(at: now, role) { pass = network.issuer.pass(for: peer, as: role, at: now) }
    return MemberStanding(role: role, time: now, pass: pass, key: withKey ? network.issuer.publicKey : nil)
  }

  /// A pass is made again when a quarter of its life is over, or the clock was set back: making one takes 50 µs.
  private func isFresh(at now: Timestamp, _ role: MemberRole) -> Bool {
    guard let pass = pass?.pass, pass.role == role else { return false }
    return (Pass.lifetime * 3 / 4...Pass.lifetime).contains(pass.expires.seconds - now.seconds)
  }
}

/// Sessions in a closed network.
extension IndexRole {
  /// Decides where a session stands, before it begins.
  /// - Throws: if the peer is banned.
  func enterNetwork(_ hello: IndexHello, _ connection: any LineConnection) throws(WireFailure) {
    guard let network = service.network else { return }
    guard let peer = network.identify(connection, hello) else {
      return inNetwork = NetworkSession(network: network, place: .plain)
    }
    // Entered before the role is read: a change in between is told.
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    let number = network.live.enter(peer, as: hello.name) { done in
      loop.execute {
        bound.value.membershipChanged()
        done()
      }
    }
    guard !network.isBanned(peer) else {
      network.live.leave(peer, number)
      note("banned", of: peer)
      throw .banned
    }
    let place = network.role(of: peer).map { NetworkPlace.member(peer, $0) } ?? .stranger(peer)
    do throws(WireFailure) {
      // A stranger may become a member in one of them.
      try checkSessions(of: peer, in: network)
    } catch {
      network.live.leave(peer, number)
      throw error
    }
    inNetwork = NetworkSession(network: network, place: place, number: number)
  }

  /// The session has begun: its records count for its peer.
  func noteSession(_ session: SessionID) {
    guard let inNetwork, let peer = inNetwork.place.peer, let number = inNetwork.number else { return }
    inNetwork.network.live.opened(session, peer, number)
  }

  func leaveNetwork() {
    if let inNetwork, let peer = inNetwork.place.peer, let number = inNetwork.number {
      inNetwork.network.live.leave(peer, number)
    }
    inNetwork = nil
  }

  /// What the peer may do has changed, or may have.
  private func membershipChanged() {
    guard let network = inNetwork?.network, let place = inNetwork?.place, let peer = place.peer else { return }
    switch (place, network.role(of: peer)) {
    case (.member, nil): end(network.isBanned(peer) ? .banned : .noLongerMember)
    case (.stranger, nil): if network.isBanned(peer) { end(.banned) }
    case (.stranger, let role?): becomeMember(peer, role)
    case (.member, let role?): inNetwork?.place = .member(peer, role)
    case (.open, _), (.plain, _): break
    }
  }

  private func becomeMember(_ peer: PeerID, _ role: MemberRole) {
    inNetwork?.place = .member(peer, role)
    reopenSession()
  }

  /// Ends the session at once: nothing of it is in any answer when this returns.
  private func end(_ reason: WireFailure) {
    endSession()
    connection?.send { reason.write(id: nil, to: &$0) }
    connection?.close()
  }

  func writePing(_ id: Int64, _ output: inout JSONWriter) {
    guard inNetwork != nil else { return output.writeReply(id: id) { _ in } }
    PingReply(inNetwork?.standing(withKey: false)).write(id: id, to: &output)
  }

  private func note(_ reason: String, of peer: PeerID?) {
    service.network?.noteRefusal(.init(peer: peer, host: connection?.remoteAddress?.hostText, reason: reason))
  }

  /// A session that does not belong asks for something.
  func refuseOutside(_ operation: IndexOperation) throws(WireFailure) {
    guard let place = inNetwork?.place, let refusal = place.refusal(of: operation) else { return }
    note(place == .plain ? "not proven" : "no member", of: place.peer)
    throw refusal
  }

  /// `nil` if the session may add everything.
  var addRights: AddRights? {
    guard let inNetwork, let peer = inNetwork.place.peer, inNetwork.network.isRestricted(peer) else { return nil }
    return AddRights(network: inNetwork.network, peer: peer)
  }

  /// Documents that the role or a claim did not permit.
  func noteRefusedDocuments() { note("add not permitted", of: inNetwork?.place.peer) }

  // MARK: Requests

  /// - Returns: `.busy`; the answer comes when the change is durable.
  func membership(_ request: MembershipRequest, _ id: Int64) throws(WireFailure) -> LineVerdict {
    guard let inNetwork, let connection else { throw .openNetwork }
    guard let peer = inNetwork.place.peer else { throw .unprovenInClosedNetwork }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    let host = connection.remoteAddress?.hostText ?? ""
    if case .join(let secret) = request {
      let (hash, name) = (SecretHash.of(secret), greeting?.name)
      inNetwork.network.change(from: host, about: peer) { membership, now throws(MembershipRefusal) in
        try membership.join(peer, name: name, with: hash, at: now)
      } then: { result in
        loop.execute { bound.value.joined(result.map { _ in }, id) }
      }
      return .busy
    }
    let desk = MembershipDesk(
      network: inNetwork.network, actor: .peer(peer), host: host, limits: service.limits.listings)
    desk.carryOut(request) { result in loop.execute { bound.value.connection?.answer(result, to: id) } }
    return .busy
  }

  private func joined(_ result: Result<Void, WireFailure>, _ id: Int64) {
    switch result {
    case .failure(let failure): connection?.answer(.failure(failure), to: id)
    case .success:
      // The session has been told of the change.
      guard let standing = inNetwork?.standing(withKey: true) else { return }
      connection?.answer(.success { id, output in JoinReply(standing).write(id: id, to: &output) }, to: id)
    }
  }
}

extension IndexLimits {
  /// With what each counts for.
  var listings: [LimitListing] {
    let ofAddress: Set = [
      "connections_per_address", "memory_per_address", "records_per_address", "requests_per_address",
      "watches_per_address", "bytes_per_address",
    ]
    let ofMember: Set = ["sessions_per_member", "requests_per_member", "records_per_member", "bytes_per_member"]
    let ofIndex: Set = ["watches_total", "connections", "memory"]
    return named.map { name, value in
      let name = "\(name)"
      return LimitListing(
        name, value,
        per: ofAddress.contains(name)
          ? .address : ofMember.contains(name) ? .member : ofIndex.contains(name) ? .network : .session)
    }
  }
}
