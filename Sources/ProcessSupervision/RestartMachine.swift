// SPDX-License-Identifier: Apache-2.0

/// The life of one supervised child, as decisions: events go in with the time at which they happened, and what to do
/// comes out. No process, clock or random source is touched.
///
/// The rules: an exit after ready restarts at once, unless exits come in a burst; then, and after every exit before
/// ready, it backs off. Enough exits in a row before ready park it, but none of those that say that waiting helps. A child
/// is stopped by asking, then SIGTERM, then SIGKILL.
package struct RestartMachine: Sendable {
  package typealias Instant = SuspendingClock.Instant

  package enum Phase: Sendable, Equatable {
    /// No process, and none wanted. → `starting` by start or restart.
    case stopped
    /// A process that has not said that it is ready. → `ready`, or by its end `backingOff` or `parked`; → `stopping`.
    case starting
    /// A process that serves. → by its end `starting` or `backingOff`; → `stopping`.
    case ready
    /// A process that shall end. → by its end `stopped`, `parked`, or `starting` where a restart was asked for.
    case stopping(Stopping)
    /// No process until `until`. → `starting` by time, start or restart; → `stopped`.
    case backingOff(until: Instant)
    /// No process until somebody asks. → `starting` by start or restart; → `stopped`.
    case parked
  }

  /// How far the end of a process has been urged, and what follows it.
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
  /// Since when it has been in this phase.
  package private(set) var since: Instant
  /// How often a process was started beyond the first time.
  package private(set) var restarts = 0
  /// How the last process ended.
  package private(set) var lastExit: Termination?

  private var wasSpawned = false
  private var lastSign: Instant
  private var earlyExits = 0
  /// Exits before ready, in a row, of which the child said that waiting helps.
  private var temporaryExits = 0
  /// Exits after ready within the burst window, oldest first; never more than the policy's burst.
  private var recentExits: [Instant] = []
  /// Back-offs since the last forgiveness; 0 while exits are still answered at once.
  private var backOffs = 0

  package init(policy: RestartPolicy = RestartPolicy(), now: Instant) {
    self.policy = policy
    since = now
    lastSign = now
  }

  /// From now on these rules hold.
  package mutating func adopt(_ policy: RestartPolicy) {
    self.policy = policy
  }

  // MARK: What is seen from outside

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

  /// Whether a child that should answer has given a sign of life lately. True where there is no process to ask.
  package func isResponsive(now: Instant) -> Bool {
    !hasProcess || lastSign.duration(to: now) <= policy.heartbeatTimeout
  }

  /// How long nobody will serve the child's sockets: `nil` while one does or soon will (within one second), else the
  /// time until it is tried again, where that is known.
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

  /// When `timePassed` shall be called next, if nothing else happens.
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
    case .starting, .ready:
      unresponsiveLimit.map { lastSign.advanced(by: $0) }
    }
  }

  private var unresponsiveLimit: Duration? {
    policy.killUnresponsiveAfter.map { max($0, RestartPolicy.minTimeoutBeforeKill) }
  }

  // MARK: Commands

  /// Somebody wants it to run. Past failures are forgotten.
  package mutating func start(now: Instant) -> Action {
    switch phase {
    case .stopped, .parked, .backingOff:
      forgive()
      return spawn(now: now)
    case .starting, .ready:
      return .none
    case .stopping(var stopping):
      forgive()
      stopping.next = .start
      phase = .stopping(stopping)
      return .none
    }
  }

  /// Somebody wants it not to run.
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

  /// Somebody wants a new process. Past failures are forgotten.
  package mutating func restart(now: Instant) -> Action {
    switch phase {
    case .stopped, .parked, .backingOff, .stopping:
      return start(now: now)
    case .starting, .ready:
      forgive()
      return end(then: .start, now: now)
    }
  }

  // MARK: What the child does

  /// The child serves its sockets.
  package mutating func becameReady(now: Instant) {
    lastSign = now
    guard case .starting = phase else { return }
    earlyExits = 0
    temporaryExits = 0
    enter(.ready, now: now)
  }

  package mutating func heartbeat(now: Instant) {
    lastSign = now
  }

  /// The child is not one that may run: it speaks another channel protocol. It ends and is parked.
  package mutating func refused(now: Instant) -> Action {
    switch phase {
    case .starting, .ready: end(then: .parked, now: now)
    case .stopped, .stopping, .backingOff, .parked: .none
    }
  }

  /// The process has ended, or could not be started.
  ///
  /// - Parameter random: 0..<1, for the jitter.
  package mutating func exited(_ status: Termination, now: Instant, random: Double) -> Action {
    switch phase {
    case .stopped, .backingOff, .parked:
      return .none
    case .stopping(let stopping):
      lastExit = status
      return exitedAsWanted(next: stopping.next, now: now)
    case .starting:
      lastExit = status
      return exitedEarly(status, now: now, random: random)
    case .ready:
      lastExit = status
      return exitedAfterReady(now: now, random: random)
    }
  }

  // MARK: Time

  /// To be called when `deadline` has come; harmless before.
  package mutating func timePassed(now: Instant) -> Action {
    guard let deadline, now >= deadline else { return .none }
    switch phase {
    case .stopped, .parked:
      return .none
    case .backingOff:
      return spawn(now: now)
    case .stopping(let stopping):
      return urge(stopping, now: now)
    case .starting, .ready:
      // Silent for longer than is allowed: the exit that follows is judged as any other.
      lastSign = now
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
    lastSign = now
    enter(.starting, now: now)
    return .spawn
  }

  private mutating func forgive() {
    earlyExits = 0
    temporaryExits = 0
    backOffs = 0
    recentExits.removeAll()
  }

  /// A child that serves is asked first and may finish what it does; one that has not begun gets the signal at once.
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

  private mutating func exitedAsWanted(next: Stopping.Next, now: Instant) -> Action {
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
    if status == .exited(policy.temporaryStatus) {
      temporaryExits = min(temporaryExits + 1, 1_000)
    } else {
      earlyExits += 1
    }
    guard earlyExits < policy.earlyExits else {
      enter(.parked, now: now)
      return .none
    }
    backOff(exits: max(earlyExits, temporaryExits, backOffs), now: now, random: random)
    return .none
  }

  private mutating func exitedAfterReady(now: Instant, random: Double) -> Action {
    if since.duration(to: now) >= policy.forgiveness { forgive() }
    let window = policy.burstWindow
    recentExits.removeAll { $0.duration(to: now) >= window }
    recentExits.append(now)
    // Once it backs off it goes on doing so until it is forgiven: waiting alone would empty the window.
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
