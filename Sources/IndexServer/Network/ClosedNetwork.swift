// SPDX-License-Identifier: Apache-2.0

import Dispatch
package import DocumentModel
import Glibc
package import LineTransport
package import NetworkMembership
import NIOPosix
import Synchronization
package import WireProtocol

/// The membership of a closed network, as all connections of an index share it.
///
/// It is read under a lock that is held for microseconds. Changes are made one after the other by a thread of their own:
/// decided, made durable, then applied and acknowledged. No event loop waits for the disk.
package final class ClosedNetwork: Sendable {
  let issuer: PassIssuer
  /// Sessions of peers that have proven their ids.
  let live = LiveMembers()
  /// Which id a connection has proven.
  let identify: @Sendable (any LineConnection, IndexHello) -> PeerID?
  private let membership: Mutex<Membership>
  /// Used by the thread only.
  private let store: Mutex<NetworkStore?>
  private let thread = NIOThreadPool(numberOfThreads: 1)
  private let waiting = Mutex(WaitingChanges())
  private let claimChanges = Mutex(ClaimChanges())
  private let refusals = Mutex(RefusalAudit())
  private let listening = Mutex<@Sendable () -> [Endpoint]>({ [] })
  private let wallClock: @Sendable () -> Int64
  private let report: @Sendable (String) -> Void

  /// - Parameters:
  ///   - identify: tests without TLS replace it.
  ///   - report: gets a line for the log when the database fails.
  /// - Throws: if the database cannot be read.
  package init(
    store: sending NetworkStore, issuer: PassIssuer, limits: MembershipLimits = MembershipLimits(),
    identify: @escaping @Sendable (any LineConnection, IndexHello) -> PeerID? = { connection, _ in
      connection.provenPeer
    },
    wallClock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) },
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(NetworkStoreError) {
    membership = Mutex(try store.load(limits: limits))
    self.store = Mutex(store)
    self.issuer = issuer
    self.identify = identify
    self.wallClock = wallClock
    self.report = report
    thread.start()
  }

  /// Ends the thread after what it is doing, and closes the database. Blocks. Changes that wait are refused, the refusals
  /// that were counted are written.
  package func stop() {
    // A queue of its own: what waits is refused before the end is told.
    let ended = DispatchSemaphore(value: 0)
    thread.shutdownGracefully(queue: DispatchQueue(label: "membership")) { _ in ended.signal() }
    ended.wait()
    store.withLock { store in
      if let store { write(refusals.withLock { $0.flush() }, to: store) }
      store = nil
    }
  }

  var now: Timestamp { Timestamp(seconds: wallClock()) }

  // MARK: Reading

  func role(of peer: PeerID) -> MemberRole? { membership.withLock { $0.role(of: peer) } }

  func isBanned(_ peer: PeerID) -> Bool { membership.withLock { $0.bans[peer] != nil } }

  /// Whether a peer may not add everything, so that each of its documents is judged.
  func isRestricted(_ peer: PeerID) -> Bool {
    membership.withLock { membership in
      guard let role = membership.role(of: peer), role >= .publisher else { return true }
      return !membership.claims.isEmpty
    }
  }

  /// Hands out the membership while it is locked: for short questions.
  func read<Result>(_ body: (borrowing Membership) -> sending Result) -> sending Result {
    membership.withLock { body($0) }
  }

  /// The addresses for tickets that name none.
  package var addresses: [Endpoint] { listening.withLock { $0 }() }

  /// The machine may get its addresses, and lose them, while the index serves.
  package func findAddresses(by find: @escaping @Sendable () -> [Endpoint]) { listening.withLock { $0 = find } }

  // MARK: The thread

  /// Does something that takes long or needs the disk, after what was submitted before.
  /// - Parameter peer: who asks, if it is a peer.
  func submit<Result: Sendable>(
    for peer: PeerID? = nil,
    _ body: @escaping @Sendable (NetworkStore) throws(WireFailure) -> Result,
    then: @escaping @Sendable (Swift.Result<Result, WireFailure>) -> Void
  ) {
    guard waiting.withLock({ $0.enter(peer) }) else {
      return then(.failure(WireFailure(.unavailable, "too many changes of the membership are waiting", retryAfter: 1)))
    }
    thread.submit { [self] state in
      defer { waiting.withLock { $0.leave(peer) } }
      guard case .active = state else {
        return then(.failure(WireFailure(.unavailable, "the index is stopping", retryAfter: 1)))
      }
      then(
        store.withLock { store in
          Swift.Result { () throws(WireFailure) in
            guard let store else { throw WireFailure(.unavailable, "the index is stopping", retryAfter: 1) }
            return try body(store)
          }
        })
    }
  }

  /// A question that takes long: it sees the membership as it is when its turn comes.
  func ask<Result: Sendable>(
    as needed: MemberRole, by actor: MembershipActor,
    _ body: @escaping @Sendable (Membership) -> Result,
    then: @escaping @Sendable (Swift.Result<Result, WireFailure>) -> Void
  ) {
    submit(
      for: actor.peer,
      { [self] _ throws(WireFailure) in
        let membership = membership.withLock { $0 }
        do throws(MembershipRefusal) {
          try membership.authorize(actor, as: needed)
        } catch {
          throw WireFailure(error)
        }
        return body(membership)
      }, then: then)
  }

  /// Decides on a change and makes it. The answer comes when it is durable and every session knows it.
  ///
  /// - Parameters:
  ///   - host: the address from which it was asked, for the audit log; `nil` for the operator.
  ///   - peer: the one that a refusal is about.
  func change<Outcome: Sendable>(
    from host: String?, about peer: PeerID? = nil,
    _ decide: @escaping @Sendable (Membership, Timestamp) throws(MembershipRefusal) -> Membership.Decision<Outcome>,
    then: @escaping @Sendable (Swift.Result<Outcome, WireFailure>) -> Void
  ) {
    submit(
      for: peer, { [self] store throws(WireFailure) in try make(decide, from: host, about: peer, in: store) }
    ) { [self] result in
      switch result {
      case .success(let (outcome, affected)):
        // Who ends its own membership hears that before its session ends.
        let isOver = peer.map { affected.contains($0) && role(of: $0) == nil } ?? false
        if isOver { then(.success(outcome)) }
        live.tell(affected) { if !isOver { then(.success(outcome)) } }
      case .failure(let failure): then(.failure(failure))
      }
    }
  }

  private func make<Outcome>(
    _ decide: (Membership, Timestamp) throws(MembershipRefusal) -> Membership.Decision<Outcome>, from host: String?,
    about peer: PeerID?, in store: NetworkStore
  ) throws(WireFailure) -> (Outcome, affected: Set<PeerID>) {
    var decision: Membership.Decision<Outcome>
    do throws(MembershipRefusal) {
      decision = try decide(membership.withLock { $0 }, now)
    } catch {
      note(.init(peer: peer, host: host, reason: error.shortReason), in: store)
      throw WireFailure(error)
    }
    for index in decision.entries.indices { decision.entries[index].host = host }
    do throws(NetworkStoreError) {
      try store.commit(decision.changes, decision.entries)
    } catch {
      report("the membership cannot be changed: \(error)")
      // Its places are for those who can do something about it.
      let isAdmin = peer.map { role(of: $0) == .admin } ?? true
      let reason = isAdmin ? error.description : "its database \(error.reason)"
      throw WireFailure(.unavailable, "the index cannot record the change: \(reason)")
    }
    membership.withLock { $0.apply(decision.changes) }
    return (decision.outcome, Set(decision.changes.compactMap(\.peer)))
  }

  /// Before a change of a claim.
  func countClaimChange(by actor: MembershipActor) throws(WireFailure) {
    guard let peer = actor.peer, role(of: peer) != .admin else { return }
    let now = now
    guard !claimChanges.withLock({ $0.take(peer, at: now) }) else { return }
    throw WireFailure(
      .tooMany, "a member changes claims at most \(ClaimChanges.limit) times an hour",
      limit: .init("claim_changes", ClaimChanges.limit), retryAfter: ClaimChanges.retryAfter(now))
  }

  /// The peers of the supervisor of this index.
  package func setOwn(_ peers: [PeerID], then: @escaping @Sendable () -> Void) {
    let affected = membership.withLock { membership in
      let before = membership.own
      membership.setOwn(peers)
      return before.symmetricDifference(membership.own)
    }
    live.tell(affected, then: then)
  }

  // MARK: The audit log

  /// Something that a peer asked for and was refused.
  func noteRefusal(_ refusal: RefusalAudit.Refusal) {
    let due = refusals.withLock { $0.note(refusal, at: now) }
    guard !due.isEmpty else { return }
    submit({ [self] store throws(WireFailure) in write(due, to: store) }) { [self] result in
      if case .failure = result { refusals.withLock { $0.putBack(due) } }
    }
  }

  private func note(_ refusal: RefusalAudit.Refusal, in store: NetworkStore) {
    write(refusals.withLock { $0.note(refusal, at: now) }, to: store)
  }

  /// What cannot be written is counted on.
  private func write(_ entries: [AuditEntry], to store: NetworkStore) {
    do throws(NetworkStoreError) {
      try store.commit([], entries)
    } catch {
      refusals.withLock { $0.putBack(entries) }
      report("refusals cannot be recorded: \(error)")
    }
  }

  /// The newest entries, and among them those of refusals that are still being counted, beyond `limit`.
  func log(
    _ request: LogRequest, limit: Int, by actor: MembershipActor,
    then: @escaping @Sendable (Swift.Result<LogReply, WireFailure>) -> Void
  ) {
    submit(
      for: actor.peer,
      { [self] store throws(WireFailure) in
        do throws(MembershipRefusal) {
          try membership.withLock { $0 }.authorize(actor, as: .admin)
        } catch {
          throw WireFailure(error)
        }
        do throws(NetworkStoreError) {
          var (entries, first) = try store.entries(limit: limit, before: request.before)
          for pending in request.before == nil ? refusals.withLock({ $0.pending }) : [] {
            let before = entries.lastIndex { $0.time.seconds <= pending.time.seconds }
            entries.insert(pending, at: before.map { $0 + 1 } ?? 0)
          }
          return LogReply(entries: entries, before: first)
        } catch {
          throw WireFailure(.unavailable, "the audit log cannot be read: \(error.reason)")
        }
      }, then: then)
  }
}

extension MembershipChange {
  /// Whose role may change by it.
  fileprivate var peer: PeerID? {
    switch self {
    case .member(let member): member.peer
    case .noMember(let peer), .noBan(let peer): peer
    case .ban(let ban): ban.peer
    case .invitation, .noInvitation, .claim, .noClaim: nil
    }
  }
}
