// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
package import NetworkMembership
package import WireProtocol

/// What this peer knows of the network of its index: whether it is closed, and how this peer and others stand in it.
///
/// A value that decides; `PassKeeper` shares and stores it.
package struct PeerNetwork: Sendable {
  package enum State: Sendable {
    /// Every peer belongs. To the others by a reply of the index that states a role.
    case open
    /// The network is closed, and this peer does not belong to it: it serves nobody. To `member` by `join`, to `open` by an
    /// index of an open network.
    case outside
    /// To `outside` when the membership ends.
    case member(NetworkKey, MemberRole, SignedPass?)
  }

  /// Seconds for which passes are honoured after their end while the index cannot be reached.
  package static let usualGrace: Int64 = 3600

  package private(set) var state: State
  private let grace: Int64
  private var clock = NetworkClock()
  private var isReachable = false
  /// The index of the closed network of which this peer is outside, once it has proven its id, and whether this peer was a
  /// member there last: an index that has just begun does not know the peers of its supervisor yet.
  private var closedBy: PeerID?
  private var wasMember = false
  /// Where this peer looks for its index, and whether that index has not said yet which network it has.
  private var place: IndexPlace?
  private var isAwaited = false

  /// - Parameter key: of the network to which the peer belonged in its last run.
  package init(key: NetworkKey? = nil, isOutside: Bool = false, grace: Int64 = usualGrace) {
    state = key.map { .member($0, .reader, nil) } ?? (isOutside ? .outside : .open)
    self.grace = grace
  }

  package var isClosed: Bool {
    if case .open = state { false } else { true }
  }

  package var home: Home {
    switch state {
    case .open: .open
    case .outside: wasMember ? closedBy.map { .closed($0) } ?? .nowhere : .nowhere
    case .member(let key, _, _): .closed(key.network)
    }
  }

  /// The network of what is shared or begins now: that of the index that the user wants, whether this peer belongs to it
  /// yet or not. While it has not been reached, whichever it is, and not the one that this peer has left.
  package var homeOfNew: Home {
    if let place, isAwaited { return .awaited(place) }
    guard case .outside = state else { return home }
    return closedBy.map { .closed($0) } ?? place.map { .awaited($0) } ?? home
  }

  /// What a home has become, if it waited for the index that has been reached meanwhile.
  package func resolve(_ old: Home) -> Home {
    place.map { old == .awaited($0) } == true ? homeOfNew : old
  }

  /// The user wants another index, which has not said yet which network it has.
  package mutating func turn(to place: IndexPlace) {
    self.place = place
    isAwaited = true
  }

  package var role: MemberRole? {
    if case .member(_, let role, _) = state { role } else { nil }
  }

  /// To be shown to other peers.
  package var pass: SignedPass? {
    if case .member(_, _, let pass) = state { pass } else { nil }
  }

  // MARK: What the index says

  /// The reply to `hello` or `join`.
  ///
  /// - Parameters:
  ///   - standing: `nil` from an index of an open network.
  ///   - index: the id that the index has proven.
  /// - Throws: if the index states the key of another one.
  package mutating func greeted(
    _ standing: MemberStanding?, by index: PeerID?, at now: ContinuousClock.Instant
  ) throws(InvalidValue) {
    isReachable = true
    isAwaited = false
    guard let standing else { return state = .open }
    guard let role = standing.role else { return leave(index) }
    // Members are greeted by TLS only, which proves the id of the index.
    guard let key = standing.key.flatMap(NetworkKey.init), key.network == index else {
      throw InvalidValue("the index states a key that is not its own")
    }
    if let time = standing.time { clock.hear(time, at: now) }
    state = .member(key, role, standing.pass)
  }

  /// The reply to `ping`.
  package mutating func heard(_ standing: MemberStanding?, at now: ContinuousClock.Instant) {
    isReachable = true
    guard let standing, case .member(let key, _, let old) = state else { return }
    guard let role = standing.role else { return leave(key.network) }
    if let time = standing.time { clock.hear(time, at: now) }
    state = .member(key, role, standing.pass ?? old)
  }

  /// - Parameter index: to whose network this peer does not belong.
  private mutating func leave(_ index: PeerID?) {
    wasMember = index.map { home == .closed($0) } ?? false
    closedBy = index
    state = .outside
  }

  package mutating func disconnected() {
    isReachable = false
  }

  // MARK: What other peers show

  /// Judges a pass that another peer shows.
  /// - Parameter peer: the id that the connection proves; `nil` on plain connections.
  /// - Returns: `nil` if everybody is served: nothing was checked then, and the pass proves nothing later.
  /// - Throws: what the other peer is told.
  package func admit(
    _ pass: SignedPass?, of peer: PeerID?, at now: ContinuousClock.Instant, wallClock: Timestamp
  ) throws(WireFailure) -> CheckedPass? {
    guard let key = try closedKey() else { return nil }
    guard let peer else {
      throw WireFailure(.forbidden, "this peer belongs to a closed network: connect by TLS and show a pass")
    }
    guard let pass else { throw Self.passMissing }
    do throws(PassRefusal) {
      try key.check(pass, of: peer, at: clock.time(at: now, wallClock: wallClock), grace: isReachable ? 0 : grace)
    } catch {
      throw Self.failure(error)
    }
    return CheckedPass(pass)
  }

  /// Judges again a pass that was admitted: time has passed, or this peer has changed its network.
  /// - Parameter pass: `nil` if none was shown that has been checked.
  package func judge(
    _ pass: CheckedPass?, at now: ContinuousClock.Instant, wallClock: Timestamp
  ) throws(WireFailure) {
    guard let key = try closedKey() else { return }
    guard let pass = pass?.signed.pass else { throw Self.passMissing }
    guard pass.network == key.network else { throw Self.failure(.otherNetwork) }
    do throws(PassRefusal) {
      try key.checkTime(of: pass, at: clock.time(at: now, wallClock: wallClock), grace: isReachable ? 0 : grace)
    } catch {
      throw Self.failure(error)
    }
  }

  /// `nil` if everybody is served.
  private func closedKey() throws(WireFailure) -> NetworkKey? {
    switch state {
    case .open: return nil
    case .member(let key, _, _): return key
    case .outside: throw WireFailure(.forbidden, "this peer is no member of its network, and serves nobody")
    }
  }

  private static let passMissing = WireFailure(
    .forbidden, "this peer belongs to a closed network: show a pass of its index")

  private static func failure(_ refusal: PassRefusal) -> WireFailure {
    WireFailure(.forbidden, refusal == .expired ? "the pass has expired: it is renewed at the index" : "\(refusal)")
  }
}

/// A pass whose signature is that of its network, for the peer whose id the connection has proven.
package struct CheckedPass: Equatable, Sendable {
  package let signed: SignedPass

  fileprivate init(_ signed: SignedPass) {
    self.signed = signed
  }
}
