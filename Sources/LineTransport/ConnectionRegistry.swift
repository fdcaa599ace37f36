// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The open connections of a server, so that they can be drained.
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
