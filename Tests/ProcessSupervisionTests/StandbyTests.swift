// SPDX-License-Identifier: Apache-2.0

import ProcessSupervision
import Testing

@Suite struct StandbyTests {
  /// A child that runs, with its own time.
  private final class Child {
    var machine: RestartMachine
    var standby = Standby()
    var now: Standby.Instant

    init(policy: RestartPolicy = RestartPolicy()) {
      now = SuspendingClock.now
      machine = RestartMachine(policy: policy, now: now)
      _ = machine.start(now: now)
    }

    func exit() -> ProcessAction { machine.exited(.signaled(9), now: now, random: 0) }
    func ready() { machine.becameReady(now: now) }
    func pass(_ duration: Duration) -> ProcessAction {
      now = now.advanced(by: duration)
      return standby.follow(machine, now: now)
    }
    func take() -> Bool { standby.take() }
    func standbyEnds() { standby.ended(machine.policy, now: now) }
    var wait: Duration? { standby.deadline(machine).map { now.duration(to: $0) } }
  }

  @Test func aChildThatServesGetsOneAfterASecond() {
    let child = Child()
    #expect(child.pass(.seconds(60)) == .none)
    #expect(child.wait == nil)
    child.ready()
    #expect(child.wait == .seconds(1))
    #expect(child.pass(.milliseconds(999)) == .none)
    #expect(!child.standby.hasProcess)
    #expect(child.pass(.milliseconds(1)) == .prepare)
    #expect(child.standby.hasProcess)
    #expect(child.wait == nil)
    #expect(child.pass(.seconds(60)) == .none)
  }

  @Test func itIsTakenOnce() {
    let child = Child()
    child.ready()
    #expect(!child.take())
    _ = child.pass(.seconds(1))
    #expect(child.take())
    #expect(!child.take())
    #expect(!child.standby.hasProcess)
    #expect(child.exit() == .spawn)
    #expect(child.pass(.seconds(60)) == .none, "while it starts nobody needs another")
    child.ready()
    #expect(child.pass(.seconds(1)) == .prepare)
  }

  /// Who asks for another process may have put another program in its place.
  @Test(
    arguments: [
      { $0.machine.stop(now: $0.now) }, { $0.machine.restart(now: $0.now) }, { $0.machine.refused(now: $0.now) },
    ] as [@Sendable (Child) -> ProcessAction])
  private func itDoesNotOutliveARequest(request: @Sendable (Child) -> ProcessAction) {
    let child = Child()
    child.ready()
    _ = child.pass(.seconds(1))
    #expect(request(child) == .ask)
    #expect(child.pass(.zero) == .discard)
    #expect(child.pass(.zero) == .none)
    #expect(!child.take(), "it is about to end")
    #expect(child.standby.hasProcess)
    child.standbyEnds()
    #expect(!child.standby.hasProcess)
  }

  @Test func aBurstOfExitsKeepsIt() {
    let child = Child()
    child.ready()
    _ = child.pass(.seconds(1))
    for _ in 0..<6 {
      _ = child.exit()
      child.ready()
    }
    #expect(child.machine.state == .backingOff)
    #expect(child.pass(.zero) == .none)
    #expect(child.take())
  }

  @Test func oneThatEndsByItselfIsReplacedEverMoreSeldom() {
    let child = Child()
    child.ready()
    _ = child.pass(.seconds(1))
    var waits: [Duration] = []
    for _ in 0..<8 {
      child.standbyEnds()
      let wait = child.wait ?? .zero
      waits.append(wait)
      #expect(child.pass(wait) == .prepare)
    }
    #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    // One that was of use shows that the program is sound.
    #expect(child.take())
    _ = child.pass(.seconds(60))
    child.standbyEnds()
    #expect(child.wait == .seconds(1))
  }

  @Test func whoWantsNoneGetsNone() {
    var policy = RestartPolicy()
    policy.standbyAfter = nil
    let child = Child(policy: policy)
    child.ready()
    #expect(child.wait == nil)
    #expect(child.pass(.seconds(60)) == .none)
    child.machine.adopt(RestartPolicy())
    #expect(child.pass(.zero) == .prepare)
    child.machine.adopt(policy)
    #expect(child.pass(.zero) == .discard)
  }
}
