// SPDX-License-Identifier: Apache-2.0

import ProcessSupervision
import SupervisorDaemon
import TestSupport
import Testing

@Suite struct FleetTests {
  /// A fleet with simulated time, and the processes that its steps would start.
  private struct Simulation {
    var fleet = Fleet()
    var now = SuspendingClock.now
    private(set) var running: [String] = []
    private(set) var history: [Fleet.Step] = []

    init(index: Bool = true, peers: [String] = ["alice", "bob"]) {
      if index { fleet.add("index", role: .index, now: now) }
      for peer in peers { fleet.add(peer, role: .peer, now: now) }
    }

    mutating func apply(_ change: (inout Fleet, SuspendingClock.Instant) -> [Fleet.Step]) {
      for step in change(&fleet, now) {
        history.append(step)
        if step.action == .spawn { running.append(step.name) }
      }
    }

    mutating func begin() { apply { $0.begin(now: $1) } }
    mutating func ready(_ name: String) { apply { $0.becameReady(name, now: $1) } }
    mutating func exit(_ name: String) {
      running.removeAll { $0 == name }
      apply { $0.exited(name, .exited(0), now: $1, random: 0) }
    }
    mutating func pass(_ duration: Duration) {
      now = now.advanced(by: duration)
      apply { $0.timePassed(now: $1) }
    }

    mutating func advance(by duration: Duration) { now = now.advanced(by: duration) }

    func state(_ name: String) -> ProcessState? { fleet.member(name)?.machine.state }
  }

  @Test func `peers wait for the index`() {
    var simulation = Simulation()
    simulation.begin()
    #expect(simulation.running == ["index"])
    #expect(!simulation.fleet.isSettled)
    #expect(simulation.fleet.member("alice")?.state == .starting)
    simulation.ready("index")
    #expect(simulation.running == ["index", "alice", "bob"])
    simulation.ready("alice")
    #expect(!simulation.fleet.isSettled)
    simulation.ready("bob")
    #expect(simulation.fleet.isSettled)
    #expect(simulation.fleet.isReady)
  }

  @Test func `peer stopped while it waits stays stopped`() {
    var simulation = Simulation()
    simulation.begin()
    simulation.apply { $0.stop("alice", now: $1) }
    simulation.apply { $0.start("bob", now: $1) }
    #expect(simulation.running == ["index", "bob"])
    simulation.ready("index")
    #expect(simulation.running == ["index", "bob"])
    #expect(simulation.fleet.member("alice")?.state == .stopped)
  }

  @Test func `wait for the index is limited`() {
    var simulation = Simulation()
    simulation.begin()
    #expect(simulation.fleet.deadline == simulation.now.advanced(by: Fleet.indexTimeout))
    simulation.pass(.milliseconds(4_999))
    #expect(simulation.running == ["index"])
    simulation.pass(.milliseconds(1))
    #expect(simulation.running == ["index", "alice", "bob"])
  }

  @Test func `failing index holds up no peer`() {
    var simulation = Simulation()
    simulation.begin()
    for _ in 0..<4 {
      simulation.exit("index")
      simulation.pass(.milliseconds(400))
    }
    #expect(simulation.running == ["index"])
    simulation.exit("index")
    #expect(simulation.state("index") == .backingOff)
    #expect(simulation.running == ["alice", "bob"])
    simulation.ready("alice")
    simulation.ready("bob")
    #expect(simulation.fleet.isSettled)
    #expect(!simulation.fleet.isReady)
  }

  @Test func `without an index peers start immediately`() {
    var simulation = Simulation(index: false)
    simulation.begin()
    #expect(simulation.running == ["alice", "bob"])
  }

  @Test func `empty fleet is ready and ends immediately`() {
    var simulation = Simulation(index: false, peers: [])
    simulation.begin()
    #expect(simulation.fleet.isSettled)
    simulation.apply { $0.end(now: $1) }
    #expect(simulation.fleet.hasEnded)
  }

  @Test func `peers stop together, then the index`() {
    var simulation = Simulation()
    simulation.begin()
    for name in ["index", "alice", "bob"] { simulation.ready(name) }
    let before = simulation.history.count
    simulation.apply { $0.end(now: $1) }
    #expect(simulation.history[before...] == [.init(name: "alice", action: .ask), .init(name: "bob", action: .ask)])
    simulation.exit("alice")
    #expect(simulation.history.count == before + 2)
    simulation.exit("bob")
    #expect(simulation.history.last == .init(name: "index", action: .ask))
    #expect(!simulation.fleet.hasEnded)
    simulation.exit("index")
    #expect(simulation.fleet.hasEnded)
  }

  /// With children that never stop on their own.
  @Test func `stop takes less than ten seconds`() {
    var simulation = Simulation()
    simulation.begin()
    for name in ["index", "alice", "bob"] { simulation.ready(name) }
    let start = simulation.now
    simulation.apply { $0.end(now: $1) }
    while !simulation.fleet.hasEnded, let deadline = simulation.fleet.deadline {
      let before = simulation.history.count
      simulation.pass(simulation.now.duration(to: deadline))
      for step in simulation.history[before...] where step.action == .kill { simulation.exit(step.name) }
    }
    #expect(simulation.fleet.hasEnded)
    #expect(start.duration(to: simulation.now) <= .seconds(9))
  }

  @Test func `nothing starts during a stop`() {
    var simulation = Simulation()
    simulation.begin()
    simulation.apply { $0.end(now: $1) }
    let before = simulation.running
    simulation.apply { $0.start(nil, now: $1) }
    simulation.apply { $0.restart("alice", now: $1) }
    simulation.ready("index")
    #expect(simulation.running == before)
    simulation.exit("index")
    #expect(simulation.fleet.hasEnded)
  }

  @Test func `commands apply to one or all`() {
    var simulation = Simulation()
    simulation.begin()
    for name in ["index", "alice", "bob"] { simulation.ready(name) }
    simulation.apply { $0.stop("alice", now: $1) }
    simulation.exit("alice")
    #expect(simulation.state("alice") == .stopped)
    #expect(simulation.fleet.isSettled)
    simulation.apply { $0.start(nil, now: $1) }
    #expect(simulation.state("alice") == .starting)
    simulation.ready("alice")
    simulation.apply { $0.restart("bob", now: $1) }
    simulation.exit("bob")
    #expect(simulation.fleet.member("bob")?.machine.restarts == 1)
    simulation.apply { $0.stop("nobody", now: $1) }
    #expect(simulation.state("index") == .ready)
  }

  @Test func `retired member stops and is removed`() {
    var simulation = Simulation()
    simulation.begin()
    for name in ["index", "alice", "bob"] { simulation.ready(name) }
    simulation.apply { $0.retire("alice", now: $1) }
    #expect(simulation.history.last == .init(name: "alice", action: .ask))
    #expect(simulation.fleet.takeRetired().isEmpty)
    simulation.apply { $0.start(nil, now: $1) }
    simulation.apply { $0.restart("alice", now: $1) }
    simulation.exit("alice")
    #expect(simulation.state("alice") == .stopped)
    #expect(simulation.fleet.takeRetired() == ["alice"])
    #expect(simulation.fleet.members.map(\.name) == ["index", "bob"])
  }

  @Test func `name is added once`() {
    var simulation = Simulation()
    simulation.fleet.add("alice", role: .peer, now: simulation.now)
    #expect(simulation.fleet.members.map(\.name) == ["index", "alice", "bob"])
  }

  /// Random commands and events against a model of the processes that the steps start and end.
  @Test(arguments: 0..<20) func `any order of events keeps the order of processes`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var simulation = Simulation(peers: ["alice", "bob", "carol"])
    var (running, isEnding): (Set<String>, Bool) = ([], false)
    func carryOut(_ steps: ArraySlice<Fleet.Step>) {
      for step in steps {
        switch step.action {
        case .spawn:
          #expect(running.insert(step.name).inserted, "\(step.name) has a process")
          #expect(!isEnding, "\(step.name) starts during the end")
        case .ask, .terminate, .kill: #expect(running.contains(step.name), "\(step.name) has no process")
        case .none: break
        }
      }
    }
    func apply(_ change: (inout Fleet, SuspendingClock.Instant) -> [Fleet.Step]) {
      let count = simulation.history.count
      simulation.apply(change)
      carryOut(simulation.history[count...])
    }
    let names = ["index", "alice", "bob", "carol"]
    apply { $0.begin(now: $1) }
    for _ in 0..<400 {
      let name = names.randomElement(using: &random) ?? "index"
      switch Int.random(in: 0..<12, using: &random) {
      case 0: apply { $0.start(name, now: $1) }
      case 1: apply { $0.stop(name, now: $1) }
      case 2: apply { $0.restart(Bool.random(using: &random) ? name : nil, now: $1) }
      case 3...5:
        guard running.remove(name) != nil else { continue }
        let status: Termination = Bool.random(using: &random) ? .exited(1) : .signaled(9)
        apply { $0.exited(name, status, now: $1, random: 0.5) }
      case 6...8: if running.contains(name) { apply { $0.becameReady(name, now: $1) } }
      case 9: if running.contains(name) { apply { $0.refused(name, now: $1) } }
      default:
        let pause = Duration.milliseconds(Int.random(in: 0..<3_000, using: &random))
        simulation.advance(by: pause)
        apply { $0.timePassed(now: $1) }
      }
      for member in simulation.fleet.members {
        #expect(member.machine.hasProcess == running.contains(member.name), "\(member.name)")
      }
    }
    isEnding = true
    apply { $0.end(now: $1) }
    for name in names.reversed() where running.contains(name) {
      if name == "index" { #expect(running == ["index"]) }
      running.remove(name)
      apply { $0.exited(name, .exited(0), now: $1, random: 0) }
    }
    #expect(simulation.fleet.hasEnded && simulation.fleet.deadline == nil)
  }
}
