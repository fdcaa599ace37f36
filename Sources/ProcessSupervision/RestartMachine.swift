// SPDX-License-Identifier: Apache-2.0

/// The life of one supervised child as a state machine: events go in with their time, actions come out. It touches no
/// process, clock or random source.
///
/// The rules: an exit after ready restarts immediately, unless exits come in a burst; then, and after every exit before
/// ready, it backs off. Enough consecutive exits before ready park it once they span `parkAfter`; temporary ones never do. A child
/// is stopped by a request, then SIGTERM, then SIGKILL. A silent one is killed unless the machine is starved.
package struct RestartMachine: Sendable {
  package typealias Instant = SuspendingClock.Instant

  package enum Phase: Sendable, Equatable {
    /// No process, and none wanted. → `starting` by start or restart.
    case stopped
    /// A process that has not reported ready. → `ready`; by its exit `backingOff` or `parked`; → `stopping`.
    case starting
    /// A process that serves. By its exit → `starting` or `backingOff`; → `stopping`.
    case ready
    /// A process that was told to stop. By its exit → `stopped`, `parked`, or `starting` if a restart was requested.
    case stopping(Stopping)
    /// No process until `until`. → `starting` by time, start or restart; → `stopped`.
    case backingOff(until: Instant)
    /// No process until a command. → `starting` by start or restart; → `stopped`.
    case parked
  }

  /// How strongly a process was told to stop, and what follows its exit.
  package struct Stopping: Sendable, Equatable {
    package enum Next: Sendable { case stopped, start, parked }
    package enum Urgency: Int, Sendable { case asked, terminated, killed }
    package let since: Instant
    package internal(set) var urgency: Urgency
    package internal(set) var next: Next
  }

  package typealias Action = ProcessAction

  package private(set) var policy: RestartPolicy
  package private(set) var phase = Phase.stopped
  /// When it entered this phase.
  package private(set) var since: Instant
  /// The number of starts after the first one.
  package private(set) var restarts = 0
  /// How the last process exited.
  package private(set) var lastExit: Termination?

  private var wasSpawned = false
  private var silence: SilenceWatch
  private var earlyExits = 0
  /// When the first of `earlyExits` happened.
  private var firstEarlyExit: Instant?
  /// Consecutive temporary exits before ready.
  private var temporaryExits = 0
  /// Exits after ready within the burst window, oldest first; never more than the policy's burst.
  private var recentExits: [Instant] = []
  /// Back-offs since exits were last forgotten; 0 while an exit leads to an immediate restart.
  private var backOffs = 0

  package init(policy: RestartPolicy = RestartPolicy(), now: Instant) {
    self.policy = policy
    since = now
    silence = SilenceWatch(now: now)
  }

  /// Applies from now on, also to a process that runs.
  package mutating func adopt(_ policy: RestartPolicy) {
    self.policy = policy
  }

  // MARK: State

  package var state: ProcessState {
    switch phase {
    case .stopped: .stopped
    case .starting: .starting
    case .ready: .ready
    case .stopping: .stopping
    case .backingOff: .backingOff
    case .parked: .parked
    }
  }

  /// Whether a process is thought to exist.
  package var hasProcess: Bool {
    switch phase {
    case .starting, .ready, .stopping: true
    case .stopped, .backingOff, .parked: false
    }
  }

  /// Whether the child has sent something within the heartbeat timeout. True if there is no process.
  package func isResponsive(now: Instant) -> Bool {
    !hasProcess || silence.lastSign.duration(to: now) <= policy.heartbeatTimeout
  }

  /// Whether it has failed to become ready so often that waiting for it makes no sense, although it is still retried.
  package var isFailing: Bool {
    switch phase {
    case .starting, .backingOff: earlyExits + temporaryExits >= policy.earlyExits
    case .stopped, .ready, .stopping, .parked: false
    }
  }

  /// How long the child's sockets are not served: `nil` if they are or will be within a second.
  package func outage(now: Instant) -> Outage? {
    switch phase {
    case .starting, .ready, .stopping: nil
    case .stopped, .parked: .indefinite
    case .backingOff(let until):
      since.duration(to: until) > .seconds(1) ? .until(until) : nil
    }
  }

  package enum Outage: Sendable, Equatable {
    case until(Instant)
    case indefinite
  }

  /// When to call `timePassed` next, if no event comes first.
  package var deadline: Instant? {
    switch phase {
    case .stopped, .parked: nil
    case .backingOff(let until): until
    case .stopping(let stopping):
      switch stopping.urgency {
      case .asked: stopping.since.advanced(by: policy.terminateAfter)
      case .terminated: stopping.since.advanced(by: policy.killAfter)
      case .killed: nil
      }
    case .starting, .ready: silenceLimit.map { silence.deadline(limit: $0) }
    }
  }

  /// A process that is starting may open a large catalogue before it sends anything.
  private var silenceLimit: Duration? {
    guard let wanted = policy.killUnresponsiveAfter else { return nil }
    let limit = max(wanted, RestartPolicy.minTimeoutBeforeKill)
    return phase == .starting ? limit * RestartPolicy.startFactor : limit
  }

  // MARK: Commands

  /// Starts it unless it runs. Forgets past exits.
  package mutating func start(now: Instant) -> Action {
    switch phase {
    case .stopped, .parked, .backingOff:
      forgetExits()
      return spawn(now: now)
    case .starting, .ready:
      return .none
    case .stopping(var stopping):
      forgetExits()
      stopping.next = .start
      phase = .stopping(stopping)
      return .none
    }
  }

  /// Stops it and keeps it stopped.
  package mutating func stop(now: Instant) -> Action {
    switch phase {
    case .stopped:
      return .none
    case .parked, .backingOff:
      enter(.stopped, now: now)
      return .none
    case .starting, .ready:
      return end(then: .stopped, now: now)
    case .stopping(var stopping):
      stopping.next = .stopped
      phase = .stopping(stopping)
      return .none
    }
  }

  /// Replaces its process. Forgets past exits.
  package mutating func restart(now: Instant) -> Action {
    switch phase {
    case .stopped, .parked, .backingOff, .stopping:
      return start(now: now)
    case .starting, .ready:
      forgetExits()
      return end(then: .start, now: now)
    }
  }

  // MARK: Events of the child

  /// The child serves its sockets.
  package mutating func becameReady(now: Instant) {
    silence.heard(now: now)
    guard case .starting = phase else { return }
    forgetEarlyExits()
    enter(.ready, now: now)
  }

  package mutating func heartbeat(now: Instant) {
    silence.heard(now: now)
  }

  /// The child speaks another channel protocol: it is stopped and parked.
  package mutating func refused(now: Instant) -> Action {
    switch phase {
    case .starting, .ready: end(then: .parked, now: now)
    case .stopped, .stopping, .backingOff, .parked: .none
    }
  }

  /// The process has exited, or was not started.
  ///
  /// - Parameter random: 0..<1, for the jitter.
  package mutating func exited(_ status: Termination, now: Instant, random: Double) -> Action {
    switch phase {
    case .stopped, .backingOff, .parked:
      return .none
    case .stopping(let stopping):
      lastExit = status
      return exitedOnRequest(next: stopping.next, now: now)
    case .starting:
      lastExit = status
      return exitedEarly(status, now: now, random: random)
    case .ready:
      lastExit = status
      return exitedAfterReady(now: now, random: random)
    }
  }

  // MARK: Time

  /// Call it at `deadline`; it has no effect before.
  ///
  /// - Parameter isStarved: whether the process lacks processor time, memory or the disk; asked only before a kill.
  package mutating func timePassed(now: Instant, isStarved: () -> Bool = { false }) -> Action {
    guard let deadline, now >= deadline else { return .none }
    switch phase {
    case .stopped, .parked:
      return .none
    case .backingOff:
      return spawn(now: now)
    case .stopping(let stopping):
      return urge(stopping, now: now)
    case .starting, .ready:
      guard let limit = silenceLimit, silence.check(now: now, limit: limit, isStarved: isStarved) == .hung
      else { return .none }
      // The exit that follows is handled like any other.
      return .kill
    }
  }

  // MARK: Transitions

  private mutating func enter(_ phase: Phase, now: Instant) {
    self.phase = phase
    since = now
  }

  private mutating func spawn(now: Instant) -> Action {
    if wasSpawned { restarts += 1 }
    wasSpawned = true
    silence.heard(now: now)
    enter(.starting, now: now)
    return .spawn
  }

  private mutating func forgetExits() {
    forgetEarlyExits()
    backOffs = 0
    recentExits.removeAll()
  }

  private mutating func forgetEarlyExits() {
    earlyExits = 0
    firstEarlyExit = nil
    temporaryExits = 0
  }

  /// A child that serves gets time to finish its work; one that is still starting gets SIGTERM immediately.
  private mutating func end(then next: Stopping.Next, now: Instant) -> Action {
    let serves = phase == .ready
    enter(.stopping(Stopping(since: now, urgency: serves ? .asked : .terminated, next: next)), now: now)
    return serves ? .ask : .terminate
  }

  private mutating func urge(_ stopping: Stopping, now: Instant) -> Action {
    var urged = stopping
    let kills = now >= stopping.since.advanced(by: policy.killAfter)
    urged.urgency = kills ? .killed : .terminated
    phase = .stopping(urged)
    return kills ? .kill : .terminate
  }

  private mutating func exitedOnRequest(next: Stopping.Next, now: Instant) -> Action {
    switch next {
    case .stopped:
      enter(.stopped, now: now)
      return .none
    case .parked:
      enter(.parked, now: now)
      return .none
    case .start:
      return spawn(now: now)
    }
  }

  private mutating func exitedEarly(_ status: Termination, now: Instant, random: Double) -> Action {
    if policy.isTemporary(status) {
      temporaryExits = min(temporaryExits + 1, 1_000)
    } else {
      earlyExits = min(earlyExits + 1, 1_000)
      let first = firstEarlyExit ?? now
      firstEarlyExit = first
      if earlyExits >= policy.earlyExits, first.duration(to: now) >= policy.parkAfter {
        enter(.parked, now: now)
        return .none
      }
    }
    backOff(exits: max(earlyExits, temporaryExits, backOffs), now: now, random: random)
    return .none
  }

  private mutating func exitedAfterReady(now: Instant, random: Double) -> Action {
    if since.duration(to: now) >= policy.forgetExitsAfter { forgetExits() }
    let window = policy.burstWindow
    recentExits.removeAll { $0.duration(to: now) >= window }
    recentExits.append(now)
    // It keeps backing off until exits are forgotten: the wait alone would empty the window.
    guard backOffs > 0 || recentExits.count > policy.burst else { return spawn(now: now) }
    recentExits.removeAll()
    backOffs = min(backOffs + 1, 1_000)
    backOff(exits: backOffs, now: now, random: random)
    return .none
  }

  private mutating func backOff(exits: Int, now: Instant, random: Double) {
    enter(.backingOff(until: now.advanced(by: policy.delay(afterExits: exits, random: random))), now: now)
  }
}
