// SPDX-License-Identifier: Apache-2.0

package import ProcessSupervision

/// The order in which the processes of one machine start and stop, as a state machine: the index starts before the peers,
/// the peers start together, and they stop before the index.
package struct Fleet: Sendable {
  package typealias Instant = RestartMachine.Instant

  package enum Role: Sendable { case index, peer }

  package struct Member: Sendable {
    package let name: String
    package let role: Role
    package fileprivate(set) var machine: RestartMachine
    /// Whether its start waits for the index.
    package fileprivate(set) var isHeld = false
    /// Whether it was removed from the configuration: no command starts it again.
    fileprivate var isRetired = false

    /// A member whose start waits counts as starting.
    package var state: ProcessState { isHeld ? .starting : machine.state }

    /// - Parameter name: `nil` for all.
    fileprivate func matches(_ name: String?) -> Bool { !isRetired && (name == nil || name == self.name) }

    /// Ready, parked, stopped or failing: waiting longer would not help.
    fileprivate var isDecided: Bool {
      switch machine.state {
      case .ready, .parked, .stopped: true
      case .starting, .stopping, .backingOff: machine.isFailing
      }
    }
  }

  /// An action on the process of this name.
  package struct Step: Sendable, Equatable {
    package let name: String
    package let action: ProcessAction

    package init(name: String, action: ProcessAction) {
      self.name = name
      self.action = action
    }
  }

  private enum Phase: Equatable {
    case idle
    /// Peers wait for the index until then. → `running`, `endingPeers`.
    case waitingForIndex(until: Instant)
    /// → `endingPeers`.
    case running
    /// → `endingIndex` when no peer has a process left.
    case endingPeers
    /// → `ended` when the index has no process left.
    case endingIndex
    case ended
  }

  /// How long peers wait for an index that does not become ready: they are useful without it.
  package static let indexTimeout = Duration.seconds(5)

  package private(set) var members: [Member] = []
  private var policy: RestartPolicy
  private var phase = Phase.idle

  package init(policy: RestartPolicy = RestartPolicy()) {
    self.policy = policy
  }

  package func member(_ name: String) -> Member? {
    members.first { $0.name == name }
  }

  /// Call it before `begin` or while running. No effect if the name exists.
  package mutating func add(_ name: String, role: Role, now: Instant) {
    guard member(name) == nil else { return }
    members.append(Member(name: name, role: role, machine: RestartMachine(policy: policy, now: now)))
  }

  /// Applies from now on, also to processes that run.
  package mutating func adopt(_ policy: RestartPolicy) {
    self.policy = policy
    for index in members.indices { members[index].machine.adopt(policy) }
  }

  // MARK: State

  /// Whether every process is ready, parked, stopped, or has failed to become ready several times.
  package var isSettled: Bool {
    switch phase {
    case .idle, .waitingForIndex, .endingPeers, .endingIndex: false
    case .ended: true
    case .running: members.allSatisfy(\.isDecided)
    }
  }

  package var isReady: Bool { members.allSatisfy { $0.machine.state == .ready } }

  package var isEnding: Bool {
    switch phase {
    case .endingPeers, .endingIndex, .ended: true
    case .idle, .waitingForIndex, .running: false
    }
  }

  package var hasEnded: Bool { phase == .ended }

  package var deadline: Instant? {
    var deadlines = members.compactMap(\.machine.deadline)
    if case .waitingForIndex(let until) = phase { deadlines.append(until) }
    return deadlines.min()
  }

  // MARK: Commands

  /// Starts the index, and the peers once it is ready.
  package mutating func begin(now: Instant) -> [Step] {
    guard phase == .idle else { return [] }
    phase = .waitingForIndex(until: now.advanced(by: Self.indexTimeout))
    for index in members.indices where members[index].role == .peer { members[index].isHeld = true }
    let steps = each(where: { $0.role == .index }) { $0.start(now: now) }
    return steps + advance(now: now)
  }

  package mutating func start(_ name: String?, now: Instant) -> [Step] {
    guard !isEnding else { return [] }
    return each(where: { $0.matches(name) }) { $0.start(now: now) }
  }

  package mutating func stop(_ name: String, now: Instant) -> [Step] {
    let steps = each(where: { $0.name == name }) { $0.stop(now: now) }
    return steps + advance(now: now)
  }

  /// Stops it permanently; `takeRetired` removes it once its process has ended.
  package mutating func retire(_ name: String, now: Instant) -> [Step] {
    for index in members.indices where members[index].name == name { members[index].isRetired = true }
    return stop(name, now: now)
  }

  /// Removes retired members whose processes have ended, and returns their names.
  package mutating func takeRetired() -> [String] {
    let gone = members.filter { $0.isRetired && !$0.machine.hasProcess }.map(\.name)
    members.removeAll { gone.contains($0.name) }
    return gone
  }

  package mutating func restart(_ name: String?, now: Instant) -> [Step] {
    guard !isEnding else { return [] }
    return each(where: { $0.matches(name) }) { $0.restart(now: now) }
  }

  /// Stops the peers together, then the index.
  package mutating func end(now: Instant) -> [Step] {
    guard !isEnding else { return [] }
    phase = .endingPeers
    let steps = each(where: { $0.role == .peer }) { $0.stop(now: now) }
    return steps + advance(now: now)
  }

  // MARK: Events of the processes

  package mutating func becameReady(_ name: String, now: Instant) -> [Step] {
    update(name) { $0.becameReady(now: now) }
    return advance(now: now)
  }

  package mutating func heartbeat(_ name: String, now: Instant) {
    update(name) { $0.heartbeat(now: now) }
  }

  package mutating func refused(_ name: String, now: Instant) -> [Step] {
    each(where: { $0.name == name }) { $0.refused(now: now) }
  }

  /// - Parameter random: 0..<1.
  package mutating func exited(_ name: String, _ termination: Termination, now: Instant, random: Double) -> [Step] {
    let steps = each(where: { $0.name == name }) { $0.exited(termination, now: now, random: random) }
    return steps + advance(now: now)
  }

  /// Call it after every event and at `deadline`.
  ///
  /// - Parameter isStarved: whether the process of this name lacks processor time, memory or the disk; asked only before a
  ///   silent one is killed.
  package mutating func timePassed(now: Instant, isStarved: (String) -> Bool = { _ in false }) -> [Step] {
    var steps: [Step] = []
    for index in members.indices {
      let name = members[index].name
      let action = members[index].machine.timePassed(now: now) { isStarved(name) }
      if action != .none { steps.append(Step(name: name, action: action)) }
    }
    return steps + advance(now: now)
  }

  // MARK: Order

  private mutating func advance(now: Instant) -> [Step] {
    switch phase {
    case .idle, .running, .ended:
      return []
    case .waitingForIndex(let until):
      guard now >= until || indexIsDecided else { return [] }
      phase = .running
      return each(where: \.isHeld) { $0.start(now: now) }
    case .endingPeers:
      guard !members.contains(where: { $0.role == .peer && $0.machine.hasProcess }) else { return [] }
      phase = .endingIndex
      let steps = each(where: { $0.role == .index }) { $0.stop(now: now) }
      return steps + advance(now: now)
    case .endingIndex:
      guard !members.contains(where: \.machine.hasProcess) else { return [] }
      phase = .ended
      return []
    }
  }

  private var indexIsDecided: Bool { members.filter { $0.role == .index }.allSatisfy(\.isDecided) }

  private mutating func update(_ name: String, _ change: (inout RestartMachine) -> Void) {
    for index in members.indices where members[index].name == name { change(&members[index].machine) }
  }

  private mutating func each(
    where isIncluded: (Member) -> Bool, _ change: (inout RestartMachine) -> ProcessAction
  ) -> [Step] {
    var steps: [Step] = []
    for index in members.indices where isIncluded(members[index]) {
      // A command or event replaces the start that it waits for.
      members[index].isHeld = false
      let action = change(&members[index].machine)
      if action != .none { steps.append(Step(name: members[index].name, action: action)) }
    }
    return steps
  }
}
