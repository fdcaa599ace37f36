// SPDX-License-Identifier: Apache-2.0

import ProcessSupervision
import Testing

/// Rules that span several events.
@Suite struct RestartMachineRuleTests {
  @Test func `sixth exit within ten seconds backs off`() {
    var child = SimulatedChild()
    child.apply(.start, .ready)
    for _ in 0..<5 {
      child.advance(.seconds(1))
      #expect(child.apply(.exited) == .spawn)
      child.apply(.ready)
    }
    child.advance(.seconds(1))
    #expect(child.apply(.exited) == .none)
    #expect(child.machine.phase == .backingOff(until: child.now.advanced(by: .milliseconds(50))))
  }

  @Test func `exits further apart never back off`() {
    var child = SimulatedChild()
    child.apply(.start, .ready)
    for _ in 0..<100 {
      child.advance(.milliseconds(2_001))
      #expect(child.apply(.exited) == .spawn)
      child.apply(.ready)
    }
    #expect(child.machine.restarts == 100)
  }

  @Test func `back-off doubles up to five seconds`() {
    var child = SimulatedChild()
    child.apply(.start, .ready)
    for _ in 0..<5 { child.apply(.exited, .ready) }
    var delays: [Duration] = []
    for _ in 0..<9 {
      child.apply(.exited)
      let before = child.now
      child.apply(.deadline)
      delays.append(before.duration(to: child.now))
      child.apply(.ready)
    }
    #expect(delays == [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map { .milliseconds($0) })
  }

  /// With long back-offs the window of ten seconds never fills again: that alone must not forget exits.
  @Test func `exits are forgotten after thirty seconds of ready only`() {
    var child = SimulatedChild()
    child.apply(.start, .ready)
    for _ in 0..<5 { child.apply(.exited, .ready) }
    for _ in 0..<9 { child.apply(.exited, .deadline, .ready) }
    child.advance(.seconds(29))
    #expect(child.apply(.exited) == .none)
    child.apply(.deadline, .ready)
    child.advance(.seconds(30))
    #expect(child.apply(.exited) == .spawn)
  }

  @Test func `exits before ready park after thirty seconds of tries`() {
    var child = SimulatedChild()
    child.apply(.start)
    child.apply(.exited)
    let first = child.now
    var tries = 1
    while child.machine.state == .backingOff {
      child.apply(.deadline, .exited)
      tries += 1
      // Back-offs of at most 5 s: a child that comes back is not missed for long.
      #expect(first.duration(to: child.now) < .seconds(36))
    }
    #expect(child.machine.state == .parked)
    #expect(first.duration(to: child.now) >= .seconds(30))
    #expect((10...20).contains(tries), "\(tries)")
    #expect(child.machine.deadline == nil)
    #expect(child.machine.lastExit == .exited(1))
    #expect(child.apply(.start) == .spawn)
    child.apply(.exited)
    #expect(child.machine.state == .backingOff)
  }

  /// Each try takes a minute: that alone must not park it.
  @Test func `slow tries before ready park after the fifth`() {
    var child = SimulatedChild()
    child.apply(.start)
    for _ in 0..<4 {
      child.advance(.seconds(60))
      child.apply(.exited)
      #expect(child.machine.state == .backingOff)
      child.apply(.deadline)
    }
    child.advance(.seconds(60))
    child.apply(.exited)
    #expect(child.machine.state == .parked)
  }

  @Test func `failing is known long before parked`() {
    var child = SimulatedChild()
    child.apply(.start)
    for _ in 0..<4 { child.apply(.exited, .deadline) }
    #expect(!child.machine.isFailing)
    child.apply(.exited)
    #expect(child.machine.isFailing && child.machine.state == .backingOff)
    child.apply(.deadline)
    #expect(child.machine.isFailing && child.machine.state == .starting)
    child.apply(.ready)
    #expect(!child.machine.isFailing)
  }

  @Test(arguments: [
    (Termination.exited(75), true), (.exited(1), false), (.signaled(9), false), (.unknown, false),
    (.notStarted("no processes", isTemporary: true), true), (.notStarted("no program", isTemporary: false), false),
  ])
  func `only what the system lacks for the moment never parks`(end: Termination, isTemporary: Bool) {
    var child = SimulatedChild()
    child.apply(.start)
    for _ in 0..<100 {
      _ = child.machine.exited(end, now: child.now, random: 1)
      child.apply(.deadline)
    }
    #expect(child.machine.state == (isTemporary ? .starting : .parked))
  }

  @Test func `temporary status never parks`() {
    var child = SimulatedChild()
    child.apply(.start)
    var delays: [Duration] = []
    for _ in 0..<20 {
      _ = child.machine.exited(.exited(75), now: child.now, random: 1)
      #expect(child.machine.state == .backingOff)
      let before = child.now
      child.apply(.deadline)
      delays.append(before.duration(to: child.now))
    }
    #expect(delays.prefix(3) == [.milliseconds(50), .milliseconds(100), .milliseconds(200)])
    #expect(delays.last == .seconds(5))
    // Other exits still count, and ready resets the count.
    for _ in 0..<4 { child.apply(.exited, .deadline) }
    #expect(child.machine.state == .starting)
    child.apply(.ready)
    #expect(child.apply(.exited) == .spawn)
    _ = child.machine.exited(.exited(75), now: child.now, random: 1)
    #expect(child.machine.phase == .backingOff(until: child.now.advanced(by: .milliseconds(50))))
  }

  @Test func `ready resets the count of early exits`() {
    var child = SimulatedChild()
    child.apply(.start)
    for _ in 0..<4 { child.apply(.exited, .deadline) }
    child.apply(.ready, .exited)
    #expect(child.machine.state == .starting)
    for _ in 0..<4 { child.apply(.exited, .deadline) }
    #expect(child.machine.state == .starting)
  }

  @Test func `stop asks, terminates, then kills`() throws {
    var child = SimulatedChild()
    child.apply(.start, .ready)
    #expect(child.apply(.stop) == .ask)
    let asked = child.now
    #expect(child.machine.timePassed(now: asked.advanced(by: .milliseconds(2_999))) == .none)
    #expect(child.apply(.deadline) == .terminate)
    #expect(asked.duration(to: child.now) == .seconds(3))
    #expect(child.apply(.deadline) == .kill)
    #expect(asked.duration(to: child.now) == .milliseconds(4_500))
    #expect(child.machine.deadline == nil)
    child.apply(.exited)
    #expect(child.machine.state == .stopped)
  }

  /// A delayed loop must not lose the last step.
  @Test func `late deadline kills immediately`() {
    var child = SimulatedChild()
    child.apply(.start, .ready, .stop)
    child.advance(.seconds(60))
    #expect(child.apply(.deadline) == .kill)
  }

  @Test func `last command during a stop wins`() {
    var child = SimulatedChild()
    child.apply(.start, .ready, .restart, .stop, .exited)
    #expect(child.machine.state == .stopped)
    child.apply(.start, .ready, .stop, .start, .exited)
    #expect(child.machine.state == .starting)
  }

  /// A start during a stop forgets past exits.
  @Test func `start during a stop forgets exits too`() {
    var child = SimulatedChild()
    child.apply(.start)
    for _ in 0..<4 { child.apply(.exited, .deadline) }
    child.apply(.stop, .start, .exited)
    #expect(child.machine.state == .starting)
    child.apply(.exited)
    #expect(child.machine.state == .backingOff, "not parked by what was before")
  }

  @Test func `silence is reported and with kill 0 does not kill`() {
    var policy = RestartPolicy()
    policy.killUnresponsiveAfter = nil
    var child = SimulatedChild(policy: policy)
    child.apply(.start, .ready)
    child.advance(.seconds(5))
    #expect(child.machine.isResponsive(now: child.now))
    child.advance(.milliseconds(1))
    #expect(!child.machine.isResponsive(now: child.now))
    child.advance(.seconds(86_400))
    #expect(child.apply(.deadline) == .none)
    #expect(child.machine.state == .ready)
    child.apply(.heartbeat)
    #expect(child.machine.isResponsive(now: child.now))
  }

  @Test(arguments: [1, 60, 90])
  func `silence kills after the set time, not before a minute`(seconds: Int) {
    var policy = RestartPolicy()
    #expect(policy.killUnresponsiveAfter == .seconds(60))
    policy.killUnresponsiveAfter = .seconds(seconds)
    var child = SimulatedChild(policy: policy)
    child.apply(.start, .ready)
    let start = child.now
    #expect(child.apply(.deadline) == .none, "the first look only asks")
    #expect(child.apply(.deadline) == .kill)
    #expect(start.duration(to: child.now) == .seconds(max(60, seconds)))
    #expect(child.apply(.exited) == .spawn)
  }

  @Test func `starved machine postpones the kill`() throws {
    var child = SimulatedChild()
    child.apply(.start, .ready, .deadline)
    for _ in 0..<100 {
      let deadline = try #require(child.machine.deadline)
      #expect(child.machine.timePassed(now: deadline, isStarved: { true }) == .none)
    }
    let deadline = try #require(child.machine.deadline)
    #expect(child.machine.timePassed(now: deadline, isStarved: { false }) == .kill)
  }

  /// Everything was suspended together: the child gets time to answer after that.
  @Test func `late look does not kill`() throws {
    var child = SimulatedChild()
    child.apply(.start, .ready)
    child.advance(.seconds(600))
    #expect(child.apply(.deadline) == .none)
    child.advance(.seconds(1))
    child.apply(.heartbeat)
    child.advance(.seconds(30))
    #expect(child.apply(.heartbeat) == .none)
    let deadline = try #require(child.machine.deadline)
    #expect(deadline > child.now.advanced(by: .seconds(50)))
  }

  /// A large catalogue takes time to open.
  @Test func `start may be silent for ten minutes`() {
    var child = SimulatedChild()
    child.apply(.start)
    let start = child.now
    while child.apply(.deadline) != .kill {}
    #expect(start.duration(to: child.now) == .seconds(600))
  }

  @Test func `only outages longer than a second are reported`() {
    var child = SimulatedChild()
    #expect(child.machine.outage(now: child.now) == .indefinite)
    child.apply(.start)
    #expect(child.machine.outage(now: child.now) == nil)
    child.apply(.exited)
    #expect(child.machine.outage(now: child.now) == nil)
    child.apply(.start, .ready)
    for _ in 0..<5 { child.apply(.exited, .ready) }
    for _ in 0..<6 { child.apply(.exited, .deadline, .ready) }
    child.apply(.exited)
    #expect(child.machine.outage(now: child.now) == .until(child.now.advanced(by: .milliseconds(3_200))))
  }

  @Test func `restarts count every spawn except the first`() {
    var child = SimulatedChild()
    child.apply(.start, .ready, .exited, .ready, .restart, .exited)
    #expect(child.machine.restarts == 2)
  }

  @Test(arguments: [0, 0.25, 0.999, -1, 2])
  func `jitter stays between half and the whole delay`(random: Double) {
    let policy = RestartPolicy()
    for exits in [Int.min, 0, 1, 2, 7, 8, 1_000, .max] {
      let full = policy.delay(afterExits: exits, random: 1)
      let delay = policy.delay(afterExits: exits, random: random)
      #expect(delay >= full / 2 && delay <= full)
      #expect(full <= .seconds(5))
    }
  }
}
