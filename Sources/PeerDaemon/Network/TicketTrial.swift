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

  private static let maxReported = 8

  private let addresses: [Endpoint]
  /// The next to be reached.
  private var next = 0
  /// Being reached.
  private var reaching: Set<Int> = []
  /// Reached, while another one is asked.
  private var spare: [Int] = []
  /// The one that has the secret.
  private var asked: Int?
  /// The first answer of an index that is no.
  private var refusal: WireFailure?
  /// Why addresses could not be reached.
  private var reasons: [Int: String] = [:]

  package init(_ addresses: [Endpoint]) {
    self.addresses = addresses
  }

  package mutating func start() -> Action { goOn() }

  /// The pause after the beginning of an address has ended.
  package mutating func paused(after address: Int) -> Action {
    guard asked == nil, address == next - 1, next < addresses.count else { return .wait }
    return reachNext()
  }

  /// The index there has proven its id.
  package mutating func reached(_ address: Int) -> Action {
    reaching.remove(address)
    spare.append(address)
    return asked == nil ? goOn() : .wait
  }

  /// - Parameter failure: its message need not repeat the address.
  package mutating func failed(_ address: Int, _ failure: WireFailure) -> Action {
    reaching.remove(address)
    if failure.code == .unavailable { reasons[address] = failure.message } else { refusal = refusal ?? failure }
    guard asked != nil else { return goOn() }
    guard asked == address else { return .wait }
    asked = nil
    // The index has answered: it would say the same elsewhere.
    return failure.code == .unavailable ? goOn() : .fail(failure)
  }

  package mutating func took(_ address: Int, as role: MemberRole) -> Action { .succeed(address, role) }

  /// The time for all of them has ended.
  package func timedOut() -> Action { .fail(failure) }

  private mutating func goOn() -> Action {
    if !spare.isEmpty {
      let address = spare.removeFirst()
      asked = address
      return .join(address)
    }
    if next < addresses.count { return reachNext() }
    guard reaching.isEmpty else { return .wait }
    return .fail(failure)
  }

  /// A refusal says more than addresses that cannot be reached.
  private var failure: WireFailure {
    if let refusal { return refusal }
    guard !addresses.isEmpty else { return WireFailure(.usage, "the ticket names no address") }
    var tried = addresses.indices.prefix(Self.maxReported).map { address in
      "\(addresses[address]) (\(reasons[address] ?? "no answer"))"
    }
    if addresses.count > tried.count { tried.append("\(addresses.count - tried.count) more") }
    return WireFailure(
      .unavailable,
      "the index of the ticket cannot be reached at \(tried.joined(separator: ", ")). Ask who invited you for a ticket with an "
        + "address that you can reach (p2pctl network invite --address HOST:PORT), or use the same ticket again when the "
        + "index is back")
  }

  private mutating func reachNext() -> Action {
    reaching.insert(next)
    next += 1
    return .reach(next - 1)
  }
}
