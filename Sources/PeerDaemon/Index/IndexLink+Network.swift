// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import WireProtocol

/// How this peer stands in the network of its index.
extension IndexLink {
  /// An index has said which network it has.
  /// - Returns: what has to be done before anything is announced there; `nil` for nothing.
  package typealias Arrived = @Sendable (_ address: Endpoint, _ network: Home) -> (@Sendable () async -> Void)?

  /// Not while it leaves one index for another.
  var isConnected: Bool { machine.isConnected && !isLeaving }

  /// Whether the network is closed and this peer does not belong to it: nothing is announced then.
  var isOutside: Bool { greeting?.standing.map { $0.role == nil } ?? false }

  /// What its user should know.
  var outsideError: String? { isOutside ? WireFailure.notMember.message : nil }

  /// The network of the connection; `nil` while there is none. It stays as long as the connection, unless the membership
  /// of this peer ends.
  var network: Home? { isConnected ? passes.home : nil }

  /// Call it immediately before the request is sent: the connection may be another one after each suspension.
  /// - Parameter home: the network to which the request belongs; `nil` if a person asks now.
  /// - Throws: `unavailable` if that is not the network of the connection.
  func requireNetwork(_ home: Home?) throws(WireFailure) {
    if let home, home != passes.home { throw .elsewhere(home) }
  }

  /// The network in which a download begins now: that of the index that the user wants, if it can be reached.
  func homeOfDownload() async -> Home {
    if case .awaited = passes.homeOfNew { _ = await waitForConnection(timeout.connection, hastily: true) }
    return passes.home
  }

  /// The index has stated how this peer stands.
  func learn(_ standing: MemberStanding?) throws(WireFailure) {
    do throws(InvalidValue) {
      try passes.greeted(standing, by: connection?.provenPeer)
    } catch {
      throw WireFailure(.unavailable, "malformed reply from the index at \(address): \(error.reason)")
    }
  }

  /// Lets what belongs to the network of the index go there before it is announced.
  func settle(_ then: @escaping @Sendable (isolated IndexLink) -> Void) {
    guard let settling = arrived(address, passes.homeOfNew) else { return then(self) }
    // On a disk that hangs, what has not been brought there is announced later.
    let patience = loop.scheduleTask(in: timeout.answer) { [generation] in
      self.assumeIsolated { $0.goOn(generation, then) }
    }
    Task { [generation] in
      await settling()
      patience.cancel()
      if machine.isConnected { announceAgain() } else { goOn(generation, then) }
    }
  }

  private func goOn(_ generation: Int, _ then: (isolated IndexLink) -> Void) {
    guard generation == self.generation, connection != nil, !machine.isConnected else { return }
    then(self)
  }

  /// The reply to a ping, which brings the next pass.
  func heard(_ reply: Result<JSONObject, WireFailure>) {
    // A failure of the whole session has its own consequences.
    guard let reply = try? reply.get(), let ping = try? PingReply(reply) else { return }
    passes.heard(ping.standing)
    if ping.standing?.role == nil, greeting?.standing?.role != nil { networkKnown() }
    guard machine.isConnected, let role = ping.standing?.role, role != greeting?.standing?.role else { return }
    // It has become a member meanwhile: everything begins again.
    if isOutside { return lose(retryAfter: nil) }
    greeting?.standing = ping.standing
    announceAgain()
  }

  /// The index ends the session: the membership of this peer has ended, for example.
  func ended(_ failure: WireFailure) {
    note(failure.message, failure.limit, retryAfter: failure.retryAfter)
    logOnce("index ended the session", lastError)
    lose(retryAfter: failure.retryAfter)
    if failure.code == .forbidden { refuse(failure) }
  }

  /// Uses the index that is wanted when this runs: so the last choice counts, in whatever order the calls come.
  /// - Parameter asNewMember: whether everything begins again, also if it is the one in use.
  func follow(_ wanted: @Sendable () -> Endpoint, asNewMember: Bool = false) {
    let wanted = wanted()
    let isInUse = wanted == address && machine.isConnected
    use(wanted)
    if asNewMember, isInUse { carryOut(machine.retarget()) }
  }

  /// Another connection, to an index that has to prove this id. It announces nothing, and nothing of it is kept.
  func onTrial(at address: Endpoint, expecting index: PeerID) -> IndexLink {
    var timeout = timeout
    (timeout.connect, timeout.handshake) = (min(timeout.connect, timeout.join), min(timeout.handshake, timeout.join))
    // Longer than a join lasts: its end ends this.
    timeout.connection = timeout.join * 2
    return IndexLink(
      address: address, hello: hello, shares: { _ in SharesPage(documents: [], next: nil) }, loop: loop, logger: logger,
      timeout: timeout,
      trust: trust.map { IndexTrust(identity: $0.identity, known: { _ in index }, remember: { _, _ in }) })
  }

  /// Becomes a member of the network of the index, which has to prove this id. For a connection on trial.
  /// - Returns: the role that this peer has then.
  func join(_ index: PeerID, with secret: TicketSecret) async throws(WireFailure) -> MemberRole {
    try await requireConnection(hastily: true)
    guard connection?.provenPeer == index else {
      throw WireFailure(.forbidden, "the index at \(address) has not proven its id, and does not get the ticket")
    }
    guard greeting?.standing != nil else {
      throw WireFailure(
        .forbidden,
        "the network of the index at \(address) is open: every peer belongs to it, without a ticket. Use it with: "
          + "p2pctl connect \(address)")
    }
    let generation = generation
    let reply = try await exchange(.membership(.join(secret)), within: timeout.answer) { reply throws(WireFailure) in
      try JoinReply(reply)
    }
    guard let role = reply.standing.role, generation == self.generation else {
      throw WireFailure(.unavailable, "connection to the index lost: try again with the same ticket")
    }
    // Before anything depends on it.
    try learn(reply.standing)
    guard isOutside else { return role }
    // The index has to treat it as a member, too.
    lose(retryAfter: nil)
    try await requireConnection()
    guard passes.role != nil, passes.home == .closed(index) else {
      throw WireFailure(
        .unavailable, "the index at \(address) has taken the ticket, but does not treat this peer as a member")
    }
    return role
  }
}

extension WireFailure {
  /// What belongs to one network, while this peer is in another one.
  static func elsewhere(_ home: Home) -> WireFailure {
    let network =
      switch home {
      case .open: "an open one"
      case .closed(let index): "that of the index \(index.hex.prefix(16))"
      case .awaited: "that of an index that has not been reached yet"
      case .nowhere: "one to which this peer does not belong any more"
      }
    return WireFailure(.unavailable, "began in another network: \(network)")
  }
}

extension IndexLink.Status {
  /// How this peer stands in a closed network, for people and programs; `nil` in an open one.
  var role: String? { standing.map { $0.role?.rawValue ?? MemberStanding.noRole } }
}
