// SPDX-License-Identifier: Apache-2.0

package import ProcessSupervision

/// The order in which the processes of one machine start and end, as decisions: the index before the peers, the peers
/// together, and at the end the peers before the index.
package struct Fleet: Sendable {
  package typealias Instant = RestartMachine.Instant

  package enum Role: Sendable { case index, peer }

  package struct Member: Sendable {
    package let name: String
    package let role: Role
    package fileprivate(set) var machine: RestartMachine
    /// Whether it will be started as soon as the index is decided.
    package fileprivate(set) var isHeld = false
    /// Whether it is not wanted any more: no command starts it again.
    fileprivate var isRetired = false

    /// One that is held back is on its way already, as others see it.
    package var state: ProcessState { isHeld ? .starting : machine.state }

    /// - Parameter name: `nil` for all.
    fileprivate func isMeant(by name: String?) -> Bool { !isRetired && (name == nil || name == self.name) }
  }

  /// What the shell shall do to the process of this name.
  package struct Step: Sendable, Equatable {
    package let name: String
    package let action: ProcessAction

    package init(name: String, action: ProcessAction) {
      self.name = name
      self.action = action
    }
  }

  private enum Course: Equatable {
    case idle
    /// Peers wait for the index, at most until then. → `running`, `endingPeers`.
    case waitingForIndex(until: Instant)
    /// → `endingPeers`.
    case running
    /// → `endingIndex` when no peer has a process.
    case endingPeers
    /// → `ended` when the index has none.
    case endingIndex
    case ended
  }

  /// How long peers wait for an index that does not become ready: they are of use without it.
  package static let indexTimeout = Duration.seconds(5)

  package private(set) var members: [Member] = []
  private var policy: RestartPolicy
  private var course = Course.idle

  package init(policy: RestartPolicy = RestartPolicy()) {
    self.policy = policy
  }

  package func member(_ name: String) -> Member? {
    members.first { $0.name == name }
  }

  /// Before `begin`, or while running; a name that is there already is left alone.
  package mutating func add(_ name: String, role: Role, now: Instant) {
    guard member(name) == nil else { return }
    members.append(Member(name: name, role: role, machine: RestartMachine(policy: policy, now: now)))
  }

  /// From now on these rules hold, for those who run too.
  package mutating func adopt(_ policy: RestartPolicy) {
    self.policy = policy
    for index in members.indices { members[index].machine.adopt(policy) }
  }

  // MARK: What is seen from outside

  /// Whether nothing is under way any more: every process is ready, parked or stopped.
  package var isSettled: Bool {
    switch course {
    case .idle, .waitingForIndex, .endingPeers, .endingIndex: false
    case .ended: true
    case .running:
      members.allSatisfy { member in
        switch member.machine.state {
        case .ready, .parked, .stopped: true
        case .starting, .stopping, .backingOff: false
        }
      }
    }
  }

  package var isReady: Bool { members.allSatisfy { $0.machine.state == .ready } }

  package var isEnding: Bool {
    switch course {
    case .endingPeers, .endingIndex, .ended: true
    case .idle, .waitingForIndex, .running: false
    }
  }

  package var hasEnded: Bool { course == .ended }

  package var deadline: Instant? {
    var deadlines = members.compactMap(\.machine.deadline)
    if case .waitingForIndex(let until) = course { deadlines.append(until) }
    return deadlines.min()
  }

  // MARK: Commands

  /// Starts the index, and the peers once it is ready.
  package mutating func begin(now: Instant) -> [Step] {
    guard course == .idle else { return [] }
    course = .waitingForIndex(until: now.advanced(by: Self.indexTimeout))
    for index in members.indices where members[index].role == .peer { members[index].isHeld = true }
    let steps = each(where: { $0.role == .index }) { $0.start(now: now) }
    return steps + advance(now: now)
  }

  package mutating func start(_ name: String?, now: Instant) -> [Step] {
    guard !isEnding else { return [] }
    return each(where: { $0.isMeant(by: name) }) { $0.start(now: now) }
  }

  package mutating func stop(_ name: String, now: Instant) -> [Step] {
    let steps = each(where: { $0.name == name }) { $0.stop(now: now) }
    return steps + advance(now: now)
  }

  /// Stops it for good: it is forgotten once its process has ended.
  package mutating func retire(_ name: String, now: Instant) -> [Step] {
    for index in members.indices where members[index].name == name { members[index].isRetired = true }
    return stop(name, now: now)
  }

  /// Forgets those that were retired and have ended, and names them.
  package mutating func takeRetired() -> [String] {
    let gone = members.filter { $0.isRetired && !$0.machine.hasProcess }.map(\.name)
    members.removeAll { gone.contains($0.name) }
    return gone
  }

  package mutating func restart(_ name: String?, now: Instant) -> [Step] {
    guard !isEnding else { return [] }
    return each(where: { $0.isMeant(by: name) }) { $0.restart(now: now) }
  }

  /// Stops the peers together, then the index.
  package mutating func end(now: Instant) -> [Step] {
    guard !isEnding else { return [] }
    course = .endingPeers
    let steps = each(where: { $0.role == .peer }) { $0.stop(now: now) }
    return steps + advance(now: now)
  }

  // MARK: What the processes do

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

  /// To be called after everything that has happened, and when `deadline` has come.
  package mutating func timePassed(now: Instant) -> [Step] {
    let steps = each(isTimer: true, where: { _ in true }) { $0.timePassed(now: now) }
    return steps + advance(now: now)
  }

  // MARK: Order

  private mutating func advance(now: Instant) -> [Step] {
    switch course {
    case .idle, .running, .ended:
      return []
    case .waitingForIndex(let until):
      guard now >= until || indexIsDecided else { return [] }
      course = .running
      return each(where: \.isHeld) { $0.start(now: now) }
    case .endingPeers:
      guard !members.contains(where: { $0.role == .peer && $0.machine.hasProcess }) else { return [] }
      course = .endingIndex
      let steps = each(where: { $0.role == .index }) { $0.stop(now: now) }
      return steps + advance(now: now)
    case .endingIndex:
      guard !members.contains(where: \.machine.hasProcess) else { return [] }
      course = .ended
      return []
    }
  }

  /// Ready, or given up: no reason to wait any longer.
  private var indexIsDecided: Bool {
    members.filter { $0.role == .index }.allSatisfy { member in
      switch member.machine.state {
      case .ready, .parked, .stopped: true
      case .starting, .stopping, .backingOff: false
      }
    }
  }

  private mutating func update(_ name: String, _ change: (inout RestartMachine) -> Void) {
    for index in members.indices where members[index].name == name { change(&members[index].machine) }
  }

  private mutating func each(
    isTimer: Bool = false, where isMeant: (Member) -> Bool,
    _ change: (inout RestartMachine) -> ProcessAction
  ) -> [Step] {
    var steps: [Step] = []
    for index in members.indices where isMeant(members[index]) {
      // Whatever is decided for it now comes instead of the start that it waited for.
      if !isTimer { members[index].isHeld = false }
      let action = change(&members[index].machine)
      if action != .none { steps.append(Step(name: members[index].name, action: action)) }
    }
    return steps
  }
}
