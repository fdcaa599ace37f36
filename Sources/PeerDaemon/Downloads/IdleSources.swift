// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import NIOCore
import Synchronization
import WireProtocol

/// Idle connections to sources, kept for a while so that the next small document needs no new connection.
final class IdleSources: Sendable {
  private struct Idle {
    let id: Int
    let holder: HolderID
    /// By TLS.
    let isProven: Bool
    let loop: any EventLoop
    let role: NIOLoopBound<SourceConnection>
    let expiry: Scheduled<Void>
  }

  private struct State {
    /// The longest idle first.
    var idle: [Idle] = []
    var lastID = 0
  }

  /// Shorter than a source's own limit for idle connections.
  private static let timeout = TimeAmount.seconds(20)
  private static let maxConnections = 32
  private static let maxPerHolder = 4

  private let state = Mutex(State())

  /// The event loop of an idle connection to one of the holders.
  func loop(for holders: [Holder]) -> (any EventLoop)? {
    state.withLock { state in
      guard !state.idle.isEmpty, holders.count <= Self.maxConnections else { return nil }
      let ids = Set(holders.map(\.id))
      return state.idle.last { ids.contains($0.holder) }?.loop
    }
  }

  /// Removes and returns a connection to the holder on this event loop.
  func take(_ holder: Holder, on loop: any EventLoop) -> SourceConnection? {
    let found = state.withLock { state -> Idle? in
      state.idle.lastIndex { $0.holder == holder.id && $0.isProven == holder.proven && $0.loop === loop }
        .map { state.idle.remove(at: $0) }
    }
    guard let found else { return nil }
    found.expiry.cancel()
    let role = found.role.value
    role.whenClosedIdle = nil
    return role.isIdle ? role : nil
  }

  /// Keeps a connection for a while. Call it on the connection's event loop.
  func keep(_ role: SourceConnection, to holder: Holder, on loop: any EventLoop) {
    let bound = NIOLoopBound(role, eventLoop: loop)
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let expiry = loop.scheduleTask(in: Self.timeout) { [self] in
      if remove(id) { bound.value.close() }
    }
    role.whenClosedIdle = { [self] in
      if remove(id) { expiry.cancel() }
    }
    let idle = Idle(id: id, holder: holder.id, isProven: holder.proven, loop: loop, role: bound, expiry: expiry)
    for old in add(idle) {
      old.expiry.cancel()
      old.loop.execute { old.role.value.close() }
    }
  }

  /// - Returns: connections over a limit, to close.
  private func add(_ idle: Idle) -> [Idle] {
    state.withLock { state in
      var dropped = [Idle]()
      let same = state.idle.indices.filter { state.idle[$0].holder == idle.holder }
      if same.count >= Self.maxPerHolder, let first = same.first { dropped.append(state.idle.remove(at: first)) }
      if state.idle.count >= Self.maxConnections { dropped.append(state.idle.removeFirst()) }
      state.idle.append(idle)
      return dropped
    }
  }

  private func remove(_ id: Int) -> Bool {
    state.withLock { state in
      guard let index = state.idle.firstIndex(where: { $0.id == id }) else { return false }
      state.idle.remove(at: index)
      return true
    }
  }
}
