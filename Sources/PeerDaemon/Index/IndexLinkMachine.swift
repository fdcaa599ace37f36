// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The life of the connection to the index, as a value: events in, one action out.
package struct IndexLinkMachine {
  package enum State: Equatable {
    /// Not started, or ended. To `connecting` by `start`.
    case stopped
    /// A connection is being made. To `greeting`, or to `waiting` where it fails.
    case connecting
    /// `hello` was sent. To `connected` by its answer, to `waiting` by a refusal or a loss.
    case greeting
    /// Requests are answered. To `waiting` by a loss.
    case connected(since: NIODeadline)
    /// Until the next try. To `connecting` by the timer.
    case waiting
  }

  package enum Action: Equatable {
    case nothing
    case connect
    case sayHello
    /// Tell the index everything, and serve those who wait for it.
    case announce
    /// Call `timerFired` after this.
    case wait(Duration)
    /// Close the connection, if there is one.
    case disconnect
  }

  package private(set) var state = State.stopped
  private var backoff = ReconnectBackoff()
  /// The first try has ended, in whatever way.
  package private(set) var hasTried = false

  package init() {}

  package var isConnected: Bool {
    if case .connected = state { true } else { false }
  }

  package mutating func start() -> Action {
    guard state == .stopped else { return .nothing }
    state = .connecting
    return .connect
  }

  package mutating func stop() -> Action {
    state = .stopped
    return .disconnect
  }

  /// Another index is to be used: forget what the old one did to us.
  package mutating func retarget() -> Action {
    backoff.reset()
    switch state {
    case .stopped: return .nothing
    case .waiting, .connecting:
      // A connection that is being made to the old address is forgotten by whoever makes it.
      state = .connecting
      return .connect
    case .greeting, .connected:
      // The loss that follows leads to the next try.
      return .disconnect
    }
  }

  package mutating func connected() -> Action {
    guard state == .connecting else { return .disconnect }
    state = .greeting
    return .sayHello
  }

  package mutating func greeted(at now: NIODeadline) -> Action {
    guard state == .greeting else { return .nothing }
    state = .connected(since: now)
    hasTried = true
    return .announce
  }

  /// The connection could not be made, was refused or has ended.
  ///
  /// - Parameter retryAfter: what the index asked for, in seconds; at most a minute of it is heeded.
  package mutating func lost(
    at now: NIODeadline, retryAfter: Int? = nil, using random: inout some RandomNumberGenerator
  ) -> Action {
    var held: Duration?
    switch state {
    case .stopped, .waiting: return .nothing
    case .connecting, .greeting: break
    case .connected(let since): held = .nanoseconds((now - since).nanoseconds)
    }
    hasTried = true
    state = .waiting
    let wait = backoff.next(afterHolding: held, using: &random)
    return .wait(max(wait, .seconds(min(retryAfter ?? 0, 60))))
  }

  package mutating func timerFired() -> Action {
    guard state == .waiting else { return .nothing }
    state = .connecting
    return .connect
  }
}
