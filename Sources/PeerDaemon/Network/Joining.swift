// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import WireProtocol

/// Joins a closed network: uses the index of a ticket from now on, and becomes a member.
extension PeerOperations {
  func join(_ join: JoinNetwork) async throws(WireFailure) -> ControlJoinReply {
    let ticket = join.ticket
    let before = selection.current
    var reached: WireFailure?
    for address in ticket.addresses {
      let known = indexes.id(at: address)
      // No other index gets the secret.
      indexes.remember(ticket.index, at: address)
      await link.use(address, isTrial: true)
      do throws(WireFailure) {
        let role = try await link.join(ticket.index, with: ticket.secret)
        try await own.pool.store { [selection, indexes] () throws(StoreError) in
          try indexes.write()
          try selection.choose(address)
        }
        link.passes.turn(to: selection.place(of: address), isReached: true)
        let withheld = try await release(join.sharesExisting, to: .closed(ticket.index))
        return ControlJoinReply(address: address, index: ticket.index, role: role, withheld: withheld)
      } catch {
        indexes.forget(address, known: known)
        reached = Self.moreTelling(reached, error)
        // The index has answered: it would say the same elsewhere.
        guard error.code == .unavailable || Self.isOtherIndex(error, ticket) else { break }
      }
    }
    await link.use(before.address)
    throw reached ?? WireFailure(.usage, "the ticket names no address")
  }

  /// Another index than the one of the ticket stands at an address.
  private static func isOtherIndex(_ failure: WireFailure, _ ticket: Ticket) -> Bool {
    failure.code == .forbidden && failure.message.contains(ticket.index.hex)
  }

  /// A refusal says more than an address that cannot be reached.
  private static func moreTelling(_ first: WireFailure?, _ second: WireFailure) -> WireFailure {
    guard let first, first.code != .unavailable || second.code == .unavailable else { return second }
    return first
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
