// SPDX-License-Identifier: Apache-2.0

import ProcessSupervision
import TestSupport
import Testing

/// Every state × every event: the next state and the action.
@Suite struct RestartMachineTableTests {
  enum Event: CaseIterable {
    case start, stop, restart, ready, heartbeat, refused, exited, deadline
  }

  /// The situations in which an event can occur: the states, with `stopping` split by what follows.
  enum Situation: CaseIterable {
    case stopped, starting, ready, asked, terminated, killed, restarting, refusing, backingOff, parked
  }

  typealias Action = RestartMachine.Action

  static let table: [Situation: [Event: (ProcessState, Action)]] = [
    .stopped: [
      .start: (.starting, .spawn), .stop: (.stopped, .none), .restart: (.starting, .spawn),
      .ready: (.stopped, .none), .heartbeat: (.stopped, .none), .refused: (.stopped, .none),
      .exited: (.stopped, .none), .deadline: (.stopped, .none),
    ],
    .starting: [
      .start: (.starting, .none), .stop: (.stopping, .terminate), .restart: (.stopping, .terminate),
      .ready: (.ready, .none), .heartbeat: (.starting, .none), .refused: (.stopping, .terminate),
      .exited: (.backingOff, .none), .deadline: (.starting, .none),
    ],
    .ready: [
      .start: (.ready, .none), .stop: (.stopping, .ask), .restart: (.stopping, .ask),
      .ready: (.ready, .none), .heartbeat: (.ready, .none), .refused: (.stopping, .ask),
      .exited: (.starting, .spawn), .deadline: (.ready, .none),
    ],
    .asked: [
      .start: (.stopping, .none), .stop: (.stopping, .none), .restart: (.stopping, .none),
      .ready: (.stopping, .none), .heartbeat: (.stopping, .none), .refused: (.stopping, .none),
      .exited: (.stopped, .none), .deadline: (.stopping, .terminate),
    ],
    .terminated: [
      .start: (.stopping, .none), .stop: (.stopping, .none), .restart: (.stopping, .none),
      .ready: (.stopping, .none), .heartbeat: (.stopping, .none), .refused: (.stopping, .none),
      .exited: (.stopped, .none), .deadline: (.stopping, .kill),
    ],
    .killed: [
      .start: (.stopping, .none), .stop: (.stopping, .none), .restart: (.stopping, .none),
      .ready: (.stopping, .none), .heartbeat: (.stopping, .none), .refused: (.stopping, .none),
      .exited: (.stopped, .none), .deadline: (.stopping, .none),
    ],
    .restarting: [
      .start: (.stopping, .none), .stop: (.stopping, .none), .restart: (.stopping, .none),
      .ready: (.stopping, .none), .heartbeat: (.stopping, .none), .refused: (.stopping, .none),
      .exited: (.starting, .spawn), .deadline: (.stopping, .terminate),
    ],
    .refusing: [
      .start: (.stopping, .none), .stop: (.stopping, .none), .restart: (.stopping, .none),
      .ready: (.stopping, .none), .heartbeat: (.stopping, .none), .refused: (.stopping, .none),
      .exited: (.parked, .none), .deadline: (.stopping, .kill),
    ],
    .backingOff: [
      .start: (.starting, .spawn), .stop: (.stopped, .none), .restart: (.starting, .spawn),
      .ready: (.backingOff, .none), .heartbeat: (.backingOff, .none), .refused: (.backingOff, .none),
      .exited: (.backingOff, .none), .deadline: (.starting, .spawn),
    ],
    .parked: [
      .start: (.starting, .spawn), .stop: (.stopped, .none), .restart: (.starting, .spawn),
      .ready: (.parked, .none), .heartbeat: (.parked, .none), .refused: (.parked, .none),
      .exited: (.parked, .none), .deadline: (.parked, .none),
    ],
  ]

  @Test func `table covers all situations and events`() {
    for situation in Situation.allCases {
      #expect(Self.table[situation]?.count == Event.allCases.count, "\(situation)")
    }
  }

  @Test(arguments: Situation.allCases, Event.allCases)
  func `transition follows the table`(situation: Situation, event: Event) throws {
    let (state, action) = try #require(Self.table[situation]?[event])
    var child = Self.child(in: situation)
    #expect(child.apply(event) == action)
    #expect(child.machine.state == state)
  }

  /// In any order of events, no spawn is requested while a process exists.
  @Test(arguments: 0..<200 as Range<UInt64>)
  func `never two processes at a time`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var child = SimulatedChild()
    for _ in 0..<500 {
      let hadProcess = child.machine.hasProcess
      guard let event = Event.allCases.randomElement(using: &random) else { return }
      child.advance(.milliseconds(Int64.random(in: 0...4_000, using: &random)))
      if child.apply(event) == .spawn {
        #expect(!hadProcess || event == .exited)
        #expect(child.machine.state == .starting)
      }
      #expect((child.machine.deadline == nil) || child.machine.state != .stopped)
    }
  }

  static func child(in situation: Situation) -> SimulatedChild {
    var child = SimulatedChild()
    switch situation {
    case .stopped: break
    case .starting: child.apply(.start)
    case .ready: child.apply(.start, .ready)
    case .asked: child.apply(.start, .ready, .stop)
    case .terminated: child.apply(.start, .stop)
    case .killed: child.apply(.start, .stop, .deadline)
    case .restarting: child.apply(.start, .ready, .restart)
    case .refusing: child.apply(.start, .refused)
    case .backingOff: child.apply(.start, .exited)
    case .parked:
      child.apply(.start)
      while child.machine.state != .parked { child.apply(.exited, .deadline) }
    }
    return child
  }
}

/// A machine with simulated time.
struct SimulatedChild {
  var machine: RestartMachine
  private(set) var now: RestartMachine.Instant

  init(policy: RestartPolicy = RestartPolicy()) {
    now = SuspendingClock.now
    machine = RestartMachine(policy: policy, now: now)
  }

  mutating func advance(_ duration: Duration) {
    now = now.advanced(by: duration)
  }

  @discardableResult
  mutating func apply(_ event: RestartMachineTableTests.Event) -> RestartMachine.Action {
    switch event {
    case .start: return machine.start(now: now)
    case .stop: return machine.stop(now: now)
    case .restart: return machine.restart(now: now)
    case .ready: machine.becameReady(now: now)
    case .heartbeat: machine.heartbeat(now: now)
    case .refused: return machine.refused(now: now)
    case .exited: return machine.exited(.exited(1), now: now, random: 1)
    case .deadline:
      if let deadline = machine.deadline { now = max(now, deadline) }
      return machine.timePassed(now: now)
    }
    return .none
  }

  mutating func apply(_ events: RestartMachineTableTests.Event...) {
    for event in events { _ = apply(event) }
  }
}
