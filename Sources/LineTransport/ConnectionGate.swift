// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import NIOCore
import Synchronization

/// Counts the connections of a server, in total and per address, and refuses those over the limits.
///
/// An IPv6 address counts as its /64, and a /48 as four of these. Connections from this machine and over Unix sockets count in
/// total only.
package final class ConnectionGate: Sendable {
  private struct Member {
    let block: AddressBlock?
    let evict: @Sendable (ConnectionRefusal) -> Void
  }

  private struct State {
    var members: [UInt64: Member] = [:]
    var order = ArrivalOrder()
    var perBlock = BlockCounts()
    var refusals = 0

    mutating func remove(_ number: UInt64) -> Member? {
      guard let member = members.removeValue(forKey: number) else { return nil }
      order.leave(number)
      if let block = member.block { perBlock.subtract(block) }
      return member
    }
  }

  /// Bounds the unfinished lines that all accepted connections hold.
  package let input: LineBudget
  /// Bounds the answers that all accepted connections have not taken yet.
  package let output: LineBudget
  let limit: Int
  private let limitOfAddress: Int
  private let refusalLimit: Int
  private let replacesOldest: Bool
  private let state = Mutex(State())

  /// - Parameters:
  ///   - refusalLimit: maximum number of refusals sent at a time.
  ///   - replacesOldest: whether a connection beyond the limit takes the place of the oldest that is not needed.
  package init(
    limit: Int, limitOfAddress: Int, refusalLimit: Int = 64, replacesOldest: Bool = false,
    input: LineBudget = LineBudget(), output: LineBudget = LineBudget()
  ) {
    self.input = input
    self.output = output
    self.limit = limit
    self.limitOfAddress = limitOfAddress
    self.refusalLimit = refusalLimit
    self.replacesOldest = replacesOldest
  }

  /// The number of accepted connections.
  package var count: Int { state.withLock { $0.members.count } }

  /// - Parameter evict: closes the connection for this reason; called from any thread.
  /// - Returns: the number of the connection, with which `leave` has to be called.
  package func enter(
    _ address: SocketAddress?, evict: @escaping @Sendable (ConnectionRefusal) -> Void = { _ in }
  ) -> Result<UInt64, ConnectionRefusal> {
    let block = Self.block(of: address)
    let (outcome, evicted) = state.withLock { state -> (Result<UInt64, ConnectionRefusal>, Member?) in
      if let block, !state.perBlock.hasRoom(for: block, limit: limitOfAddress) {
        return (.failure(.tooManyOfAddress(limit: limitOfAddress)), nil)
      }
      var evicted: Member?
      if state.members.count >= limit {
        guard replacesOldest, let oldest = state.order.takeOldest() else {
          return (.failure(.tooMany(limit: limit)), nil)
        }
        evicted = state.remove(oldest)
      }
      let number = state.order.arrive()
      state.members[number] = Member(block: block, evict: evict)
      if let block { state.perBlock.add(block) }
      return (.success(number), evicted)
    }
    evicted?.evict(.tooMany(limit: limit))
    return outcome
  }

  package func leave(_ number: UInt64) {
    _ = state.withLock { $0.remove(number) }
  }

  package func stand(_ number: UInt64, as standing: ConnectionStanding) {
    guard replacesOldest else { return }
    state.withLock { $0.order.stand(number, as: standing) }
  }

  /// Sending a refusal keeps its connection for a moment; in a flood, most are closed silently.
  /// - Returns: whether a refusal may be sent; then call `endRefusal`.
  package func beginRefusal() -> Bool {
    state.withLock { state in
      guard state.refusals < refusalLimit else { return false }
      state.refusals += 1
      return true
    }
  }

  package func endRefusal() {
    state.withLock { $0.refusals -= 1 }
  }

  /// What a connection is counted for besides the total; `nil` for this machine and Unix sockets.
  package static func block(of address: SocketAddress?) -> AddressBlock? {
    guard let address, !address.isLoopback else { return nil }
    return address.hostText.flatMap { HostAddress($0) }.map { AddressBlock($0) }
  }
}

/// The open connections of a server, for draining.
final class ConnectionRegistry: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var emptied: EventLoopPromise<Void>?
  }

  private let state = Mutex(State())

  /// The handler must be in the channel's pipeline already. NIO closes a connection that is accepted while the listener
  /// closes.
  func insert(_ channel: any Channel) {
    state.withLock { $0.channels[ObjectIdentifier(channel)] = channel }
    channel.closeFuture.whenComplete { _ in self.remove(channel) }
  }

  private func remove(_ channel: any Channel) {
    let emptied = state.withLock { state -> EventLoopPromise<Void>? in
      state.channels[ObjectIdentifier(channel)] = nil
      return state.channels.isEmpty ? state.emptied.take() : nil
    }
    emptied?.succeed()
  }

  /// Asks all connections to end, and closes the remaining ones after `timeout`.
  func drain(on loop: any EventLoop, within timeout: TimeAmount) async {
    let promise = loop.makePromise(of: Void.self)
    let channels = state.withLock { state -> [any Channel] in
      guard !state.channels.isEmpty, state.emptied == nil else { return [] }
      state.emptied = promise
      return Array(state.channels.values)
    }
    guard !channels.isEmpty else { return promise.succeed() }
    for channel in channels { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
    let timer = loop.scheduleTask(in: timeout) { [self] in
      for channel in state.withLock({ Array($0.channels.values) }) {
        channel.pipeline.fireUserInboundEventTriggered(AbortEvent())
      }
    }
    try? await promise.futureResult.get()
    timer.cancel()
  }
}
