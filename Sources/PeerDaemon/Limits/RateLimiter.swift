// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The limit of all transfers of one direction together. Called from any thread.
///
/// Only the bytes of documents count: lines and hashes are less than a hundredth of them.
package final class RateLimiter: Sendable {
  /// Called with the bytes that are granted, from any thread.
  package typealias Waiter = @Sendable (Int) -> Void

  private struct State {
    var shares: RateShares<Waiter>
    var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
    /// That of the last transfer that had to wait.
    var loop: (any EventLoop)?
  }

  private let state: Mutex<State>
  private let limited = Atomic<Bool>(false)

  package init() {
    state = Mutex(State(shares: RateShares(at: .now())))
  }

  /// In bytes per second; `nil` for no limit.
  package var rate: Int64? { state.withLock { $0.shares.rate } }

  package var isLimited: Bool { limited.load(ordering: .acquiring) }

  package func set(_ rate: Int64?) {
    let grants = state.withLock { state in
      limited.store(rate != nil, ordering: .releasing)
      let grants = state.shares.set(rate, at: .now())
      schedule(&state)
      return grants
    }
    for grant in grants { grant.waiter(grant.bytes) }
  }

  /// Asks for bytes of one transfer.
  /// - Parameters:
  ///   - client: the transfer; call `forget` at its end.
  ///   - loop: runs the timer.
  ///   - waiter: called later if nothing is granted now.
  func ask(for client: ObjectIdentifier, on loop: any EventLoop, _ waiter: @escaping Waiter) -> Int? {
    state.withLock { state in
      let granted = state.shares.ask(waiter, of: client, at: .now())
      if granted == nil {
        state.loop = loop
        schedule(&state)
      }
      return granted
    }
  }

  func giveBack(_ bytes: Int) {
    state.withLock { state in
      state.shares.giveBack(bytes)
      schedule(&state)
    }
  }

  func forget(_ client: ObjectIdentifier) {
    state.withLock { $0.shares.forget(client) }
  }

  private func schedule(_ state: inout State) {
    guard state.timer?.deadline != state.shares.next else { return }
    state.timer.take()?.task.cancel()
    guard let deadline = state.shares.next, let loop = state.loop else { return }
    state.timer = (deadline, loop.scheduleTask(deadline: deadline) { self.grantDue() })
  }

  private func grantDue() {
    let grants = state.withLock { state in
      state.timer = nil
      let grants = state.shares.due(at: .now())
      schedule(&state)
      return grants
    }
    for grant in grants { grant.waiter(grant.bytes) }
  }
}

/// What one connection may move of its transfer under a limit. Confined to its event loop.
final class RateAllowance {
  private let limiter: RateLimiter
  private let client: ObjectIdentifier
  private let loop: any EventLoop
  private var left = 0
  private var wanted: (bytes: Int, then: () -> Void)?
  private var hasEnded = false

  /// - Parameter client: the transfer, with which others share the rate.
  init(of limiter: RateLimiter, for client: ObjectIdentifier, on loop: any EventLoop) {
    self.limiter = limiter
    self.client = client
    self.loop = loop
  }

  /// Bytes that may be moved now.
  var available: Int { limiter.isLimited ? max(left, 0) : .max }

  /// Whether it waits for a grant.
  var isWaiting: Bool { wanted != nil }

  func spend(_ bytes: Int) {
    if limiter.isLimited { left -= bytes }
  }

  /// Asks for at least this many bytes.
  /// - Parameter then: called later, when they are there; not after `end`.
  /// - Returns: whether they are there already.
  func gather(_ bytes: Int, then: @escaping () -> Void) -> Bool {
    guard !hasEnded else { return false }
    while available < bytes {
      let bound = NIOLoopBound(self, eventLoop: loop)
      let granted = limiter.ask(for: client, on: loop) { [loop] bytes in
        loop.execute { bound.value.take(bytes) }
      }
      guard let granted else {
        wanted = (bytes, then)
        return false
      }
      left += granted
    }
    return true
  }

  private func take(_ bytes: Int) {
    guard !hasEnded else { return limiter.giveBack(bytes) }
    left += bytes
    guard let wanted = wanted.take(), gather(wanted.bytes, then: wanted.then) else { return }
    wanted.then()
  }

  /// Gives back what is left. The connection moves nothing more for this transfer.
  func end() {
    guard !hasEnded else { return }
    hasEnded = true
    wanted = nil
    if left > 0 { limiter.giveBack(left) }
  }
}
