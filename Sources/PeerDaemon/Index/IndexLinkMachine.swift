// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The connection to the index as a state machine: events in, one action out.
package struct IndexLinkMachine {
  package enum State: Equatable {
    /// Not started, or stopped. To `connecting` by `start`.
    case stopped
    /// To `greeting` by `connected`, to `waiting` by a failure.
    case connecting
    /// `hello` was sent. To `connected` by its reply, to `connecting` if that asks for TLS, to `waiting` by a refusal or a loss.
    case greeting
    /// To `waiting` by a loss.
    case connected(since: NIODeadline)
    /// Pause before the next try. To `connecting` by the timer.
    case waiting
  }

  package enum Action: Equatable {
    case nothing
    case connect
    case sayHello
    /// Announce everything and resume those who wait for a connection.
    case announce
    /// Call `timerFired` after this.
    case wait(Duration)
    /// Close the connection, if any.
    case disconnect
  }

  /// Pauses between tries grow to this.
  package static let longestPause = Duration.seconds(3)
  /// A connection that lasted this long was a success.
  private static let goodConnection = Duration.seconds(3)

  package private(set) var state = State.stopped
  private var backoff = Backoff(first: .milliseconds(100), longest: Self.longestPause, startsImmediately: true)
  /// The first try has ended: connected, failed or stopped.
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
    hasTried = true
    return .disconnect
  }

  /// The address or `hello` has changed: reconnects without a pause.
  package mutating func retarget() -> Action {
    backoff.reset()
    switch state {
    case .stopped: return .nothing
    case .waiting, .connecting:
      // The caller ignores the result of the attempt under way.
      state = .connecting
      return .connect
    case .greeting, .connected:
      // The loss that follows starts the next try.
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

  /// The index asks for another kind of connection: that is a part of the same try.
  package mutating func greetedOtherwise() -> Action {
    guard state == .greeting else { return .nothing }
    state = .connecting
    return .connect
  }

  /// The connection failed, was refused or has ended.
  ///
  /// - Parameter retryAfter: minimum pause that the index asked for, in seconds; capped at 60.
  package mutating func lost(
    at now: NIODeadline, retryAfter: Int? = nil, using random: inout some RandomNumberGenerator
  ) -> Action {
    switch state {
    case .stopped, .waiting: return .nothing
    case .connecting, .greeting: break
    case .connected(let since):
      if Duration.nanoseconds((now - since).nanoseconds) >= Self.goodConnection { backoff.reset() }
    }
    hasTried = true
    state = .waiting
    let pause = backoff.next(using: &random)
    return .wait(max(pause, .seconds(min(retryAfter ?? 0, 60))))
  }

  package mutating func timerFired() -> Action {
    guard state == .waiting else { return .nothing }
    state = .connecting
    return .connect
  }
}

/// Pauses between retries: doubling from `first` to `longest`, with jitter to keep a thousand peers from retrying in the
/// same instant.
package struct Backoff: Sendable {
  package let first: Duration
  package let longest: Duration
  /// The first retry after a success comes without a pause.
  private let startsImmediately: Bool
  private var failures = 0

  package init(first: Duration, longest: Duration, startsImmediately: Bool = false) {
    self.first = first
    self.longest = longest
    self.startsImmediately = startsImmediately
  }

  /// The pause before the next retry: between half of its step and all of it.
  package mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
    defer { failures = min(failures + 1, 64) }
    let doublings = failures - (startsImmediately ? 1 : 0)
    guard doublings >= 0 else { return .zero }
    var step = first
    for _ in 0..<doublings where step < longest { step = min(step * 2, longest) }
    return step * Double.random(in: 0.5...1, using: &random)
  }

  /// Call after a success.
  package mutating func reset() {
    failures = 0
  }
}
