// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import WireProtocol

/// Joins a closed network: becomes a member, and uses the index of a ticket from then on.
///
/// The ticket is tried over connections of its own. Until an index has taken it, this peer stays where it is, as what it is.
extension PeerOperations {
  func join(_ join: JoinNetwork) async throws(WireFailure) -> ControlJoinReply {
    let index = join.ticket.index
    let trial = Task { [link] in await TicketConnections(join.ticket, beside: link).join() }
    let turn = selection.begin(ending: { trial.cancel() })
    let result = await withTaskCancellationHandler {
      await trial.value
    } onCancel: {
      trial.cancel()
    }
    guard !trial.isCancelled else { throw .overtaken }
    let (address, role) = try result.get()
    guard try await use(address, of: index, in: turn) else { throw .overtaken }
    await link.follow({ [selection] in selection.current.address }, asNewMember: true)
    // It is a member in any case, and comes to its index sooner or later.
    _ = await link.isConnectedInTime()
    let withheld = try await release(join.sharesExisting, to: .closed(index))
    return ControlJoinReply(address: address, index: index, role: role, withheld: withheld)
  }

  /// Durable on return.
  /// - Returns: false if another index was asked for meanwhile: nothing has changed then.
  private func use(
    _ address: Endpoint, of index: PeerID, in turn: ChoiceOrder.Turn
  ) async throws(WireFailure) -> Bool {
    try await own.pool.store { [selection, indexes] () throws(StoreError) in
      guard selection.counts(turn) else { return false }
      let known = indexes.id(at: address)
      indexes.remember(index, at: address)
      do throws(StoreError) {
        try indexes.write()
        return try selection.choose(address, in: turn)
      } catch {
        indexes.forget(address, known: known)
        throw error
      }
    }
  }

  /// What was shared in another network stays unknown to this one, unless its owner wants otherwise.
  /// - Parameter isWanted: whether everything that is shared now may be announced.
  /// - Returns: the number of documents that are not announced.
  func release(_ isWanted: Bool, to network: Home) async throws(WireFailure) -> Int {
    let withheld = try await own.pool.store { [catalogue = own.catalogue] () throws(StoreError) in
      if isWanted { try catalogue.releaseAll(to: network) }
      return try catalogue.withheldCount(from: network)
    }
    if isWanted { await link.announceAgain() }
    return withheld
  }
}

extension WireFailure {
  /// A later request for an index has ended this one.
  static let overtaken = WireFailure(.unavailable, "ended: another connect or join has come meanwhile")
}

/// Carries out what a `TicketTrial` decides, with a connection for each address of the ticket.
private struct TicketConnections {
  private enum Event {
    case reached(Int)
    case took(Int, MemberRole)
    case failed(Int, WireFailure)
    case paused(Int)
    case timedOut
  }

  /// Between the beginnings of two connections.
  private static let pause = Duration.milliseconds(250)

  private let ticket: Ticket
  private let link: IndexLink

  /// - Parameter link: the one in use, which is left alone.
  init(_ ticket: Ticket, beside link: IndexLink) {
    self.ticket = ticket
    self.link = link
  }

  /// Ends at once when its task is cancelled.
  func join() async -> Result<(address: Endpoint, role: MemberRole), WireFailure> {
    var links: [IndexLink] = []
    for address in ticket.addresses { links.append(await link.onTrial(at: address, expecting: ticket.index)) }
    return await withTaskGroup(of: Event.self) { [links] group in
      var trial = TicketTrial(ticket.addresses)
      group.addTask { await Self.event(.timedOut, after: .nanoseconds(link.timeout.join.nanoseconds)) }
      var action = trial.start()
      while true {
        switch action {
        case .wait: break
        case .reach(let address):
          group.addTask { await Self.reach(address, links[address]) }
          group.addTask { await Self.event(.paused(address), after: Self.pause) }
        case .join(let address): group.addTask { await ask(address, links[address]) }
        case .succeed(let address, let role):
          await Self.end(links, &group)
          return .success((ticket.addresses[address], role))
        case .fail(let failure):
          await Self.end(links, &group)
          return .failure(failure)
        }
        action = apply(await group.next() ?? .timedOut, to: &trial)
      }
    }
  }

  private func apply(_ event: Event, to trial: inout TicketTrial) -> TicketTrial.Action {
    switch event {
    case .reached(let address): trial.reached(address)
    case .took(let address, let role): trial.took(address, as: role)
    case .failed(let address, let failure): trial.failed(address, failure)
    case .paused(let address): trial.paused(after: address)
    case .timedOut: trial.timedOut()
    }
  }

  private static func reach(_ address: Int, _ link: IndexLink) async -> Event {
    await link.start()
    do throws(WireFailure) {
      try await link.requireConnection(hastily: true)
      return .reached(address)
    } catch {
      // Without advice about another index: the ticket names this one.
      let failure = error.code == .unavailable ? WireFailure(error.code, await link.lastError ?? "no answer") : error
      await link.stop()
      return .failed(address, failure)
    }
  }

  private func ask(_ address: Int, _ link: IndexLink) async -> Event {
    do throws(WireFailure) {
      return .took(address, try await link.join(ticket.index, with: ticket.secret))
    } catch {
      return .failed(address, error)
    }
  }

  /// Earlier if its task is cancelled.
  private static func event(_ event: Event, after pause: Duration) async -> Event {
    try? await Task.sleep(for: pause)
    return event
  }

  /// Lets all connections end, and what waits for them.
  private static func end(_ links: [IndexLink], _ group: inout TaskGroup<Event>) async {
    group.cancelAll()
    for link in links { await link.stop() }
  }
}
