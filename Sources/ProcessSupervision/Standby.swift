// SPDX-License-Identifier: Apache-2.0

/// Whether a child has a process in reserve, as decisions: one that is loaded and waits to be told what it is, so that a
/// restart waits neither for the loading of a program nor, on a busy machine, for the processor time that this takes.
///
/// There is one while the child serves, and until a restart needs it. Somebody who asks for a stop or a restart may have
/// put another program in its place, so that a standby does not outlive the request.
package struct Standby: Sendable {
  package typealias Instant = SuspendingClock.Instant

  private enum Phase {
    /// No process. → `waiting` once the child serves.
    case absent
    /// → `absent` by its promotion or its own end; → `ending`.
    case waiting
    /// A process that shall end. → `absent` by its end.
    case ending
  }

  private var phase = Phase.absent
  /// Its ends by itself, in a row; a program that cannot even wait is tried ever more seldom.
  private var failures = 0
  private var notBefore: Instant?

  package init() {}

  package var hasProcess: Bool {
    switch phase {
    case .absent: false
    case .waiting, .ending: true
    }
  }

  package var isReady: Bool { phase == .waiting }

  /// True where one is there to take the place of the process that has ended. It is no standby any more then.
  package mutating func take() -> Bool {
    guard phase == .waiting else { return false }
    phase = .absent
    failures = 0
    return true
  }

  /// What its child's state asks for.
  ///
  /// - Parameter isWanted: false where the child is about to be stopped.
  package mutating func follow(_ machine: RestartMachine, isWanted: Bool = true, now: Instant) -> ProcessAction {
    let isWanted = isWanted && machine.policy.standbyAfter != nil
    switch (phase, machine.state) {
    case (.absent, .ready) where isWanted:
      guard let deadline = deadline(machine), now >= deadline else { return .none }
      phase = .waiting
      return .prepare
    case (.waiting, .stopping), (.waiting, .stopped), (.waiting, .parked):
      phase = .ending
      return .discard
    case (.waiting, _) where !isWanted:
      phase = .ending
      return .discard
    default:
      return .none
    }
  }

  /// Its process has ended, or could not be started.
  package mutating func ended(_ policy: RestartPolicy, now: Instant) {
    if phase == .waiting {
      failures = min(failures + 1, 1_000)
      notBefore = now.advanced(by: policy.standbyDelay(afterFailures: failures))
    }
    phase = .absent
  }

  /// When `follow` shall be called next, if nothing else happens.
  package func deadline(_ machine: RestartMachine) -> Instant? {
    guard phase == .absent, machine.state == .ready, let delay = machine.policy.standbyAfter else { return nil }
    let ready = machine.since.advanced(by: delay)
    return notBefore.map { max($0, ready) } ?? ready
  }
}
