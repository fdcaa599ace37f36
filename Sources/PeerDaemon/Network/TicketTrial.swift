// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import WireProtocol

/// Which of the addresses of a ticket gets its secret, as a state machine: events in, one action out.
///
/// The addresses are reached in their order, each a moment after the one before or at once after its failure, so that those
/// that lead nowhere cost no time. The first that is reached gets the secret; one at a time.
package struct TicketTrial {
  /// Addresses are their positions in the ticket.
  package enum Action: Equatable {
    case wait
    /// Connect, and call `reached` or `failed`. Call `paused` a moment later.
    case reach(Int)
    /// Send the secret over the connection, and call `took` or `failed`.
    case join(Int)
    case succeed(Int, MemberRole)
    case fail(WireFailure)
  }

  private let count: Int
  /// The next to be reached.
  private var next = 0
  /// Being reached.
  private var reaching: Set<Int> = []
  /// Reached, while another one is asked.
  private var spare: [Int] = []
  /// The one that has the secret.
  private var asked: Int?
  private var reported: WireFailure?

  /// - Parameter count: of the addresses.
  package init(count: Int) {
    self.count = count
  }

  package mutating func start() -> Action { goOn() }

  /// The pause after the beginning of an address has ended.
  package mutating func paused(after address: Int) -> Action {
    guard asked == nil, address == next - 1, next < count else { return .wait }
    return reachNext()
  }

  /// The index there has proven its id.
  package mutating func reached(_ address: Int) -> Action {
    reaching.remove(address)
    spare.append(address)
    return asked == nil ? goOn() : .wait
  }

  package mutating func failed(_ address: Int, _ failure: WireFailure) -> Action {
    reaching.remove(address)
    // A refusal says more than an address that cannot be reached.
    if reported.map({ $0.code == .unavailable && failure.code != .unavailable }) ?? true { reported = failure }
    guard asked != nil else { return goOn() }
    guard asked == address else { return .wait }
    asked = nil
    // The index has answered: it would say the same elsewhere.
    return failure.code == .unavailable ? goOn() : .fail(failure)
  }

  package mutating func took(_ address: Int, as role: MemberRole) -> Action { .succeed(address, role) }

  /// The time for all of them has ended.
  package func timedOut(_ failure: WireFailure) -> Action { .fail(reported ?? failure) }

  private mutating func goOn() -> Action {
    if !spare.isEmpty {
      let address = spare.removeFirst()
      asked = address
      return .join(address)
    }
    if next < count { return reachNext() }
    guard reaching.isEmpty else { return .wait }
    return .fail(reported ?? WireFailure(.usage, "the ticket names no address"))
  }

  private mutating func reachNext() -> Action {
    reaching.insert(next)
    next += 1
    return .reach(next - 1)
  }
}
