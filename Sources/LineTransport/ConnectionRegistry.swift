// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The open connections of a server, so that they can be drained.
final class ConnectionRegistry: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isDraining = false
    var emptied: EventLoopPromise<Void>?
  }

  private let state = Mutex(State())

  /// A connection that comes while the server drains is told so at once.
  func insert(_ channel: any Channel) {
    let isDraining = state.withLock { state in
      state.channels[ObjectIdentifier(channel)] = channel
      return state.isDraining
    }
    if isDraining { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
  }

  func remove(_ channel: any Channel) {
    let emptied = state.withLock { state -> EventLoopPromise<Void>? in
      state.channels[ObjectIdentifier(channel)] = nil
      guard state.channels.isEmpty else { return nil }
      return state.emptied.take()
    }
    emptied?.succeed()
  }

  func drain(on loop: any EventLoop, within timeout: TimeAmount) async {
    let promise = loop.makePromise(of: Void.self)
    let channels = state.withLock { state -> [any Channel] in
      state.isDraining = true
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
