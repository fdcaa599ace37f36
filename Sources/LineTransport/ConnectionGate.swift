// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// Counts the connections of a server, in total and per address, and refuses those over the limits.
///
/// Connections from this machine and over Unix sockets count in total only.
package final class ConnectionGate: Sendable {
  private struct Counts {
    var total = 0
    var perAddress: [String: Int] = [:]
    var refusals = 0
  }

  /// Bounds the unfinished lines that all accepted connections hold.
  package let input: LineBudget
  /// Bounds the answers that all accepted connections have not taken yet.
  package let output: LineBudget
  private let limit: Int
  private let limitOfAddress: Int
  private let refusalLimit: Int
  private let counts = Mutex(Counts())

  /// - Parameter refusalLimit: maximum number of refusals sent at a time.
  package init(
    limit: Int, limitOfAddress: Int, refusalLimit: Int = 64, input: LineBudget = LineBudget(),
    output: LineBudget = LineBudget()
  ) {
    self.input = input
    self.output = output
    self.limit = limit
    self.limitOfAddress = limitOfAddress
    self.refusalLimit = refusalLimit
  }

  /// The number of accepted connections.
  package var count: Int { counts.withLock { $0.total } }

  /// - Returns: `nil` if the connection is accepted; then call `leave` with the same address.
  package func enter(_ address: SocketAddress?) -> ConnectionRefusal? {
    let host = countedHost(address)
    return counts.withLock { counts in
      guard counts.total < limit else { return .tooMany(limit: limit) }
      if let host {
        guard counts.perAddress[host, default: 0] < limitOfAddress else {
          return .tooManyOfAddress(limit: limitOfAddress)
        }
        counts.perAddress[host, default: 0] += 1
      }
      counts.total += 1
      return nil
    }
  }

  package func leave(_ address: SocketAddress?) {
    let host = countedHost(address)
    counts.withLock { counts in
      counts.total -= 1
      guard let host, let count = counts.perAddress[host] else { return }
      counts.perAddress[host] = count > 1 ? count - 1 : nil
    }
  }

  /// Sending a refusal keeps its connection for a moment; in a flood, most are closed silently.
  /// - Returns: whether a refusal may be sent; then call `endRefusal`.
  package func beginRefusal() -> Bool {
    counts.withLock { counts in
      guard counts.refusals < refusalLimit else { return false }
      counts.refusals += 1
      return true
    }
  }

  package func endRefusal() {
    counts.withLock { $0.refusals -= 1 }
  }

  private func countedHost(_ address: SocketAddress?) -> String? {
    guard let address, !address.isLoopback else { return nil }
    return address.hostText
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
      for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
    try? await promise.futureResult.get()
    timer.cancel()
  }
}
