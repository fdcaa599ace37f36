// SPDX-License-Identifier: Apache-2.0

import ContentStore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct DownloadMachineTests {
  typealias Machine = DownloadMachine

  private static let gone = WireFailure(.noSource, "no source answers")
  private static let full = WireFailure(.cannotCreate, "the disk is full")
  private static let wrong = WireFailure(.verificationFailed, "wrong bytes")
  private static let changed = Machine.Outcome.noSource(gone, hasChanged: true, hasGained: false)
  private static let noSource = Machine.Outcome.noSource(gone, hasChanged: false, hasGained: false)

  private enum Event: CaseIterable {
    case join, interrupt, pause, resume, cancel, admitted, done, noSource, changed, wrong, full, stopped, renewed,
      timer,
      probed
  }

  private func apply(_ event: Event, to machine: inout Machine) -> [Machine.Action] {
    var random = SeededGenerator(seed: 1)
    switch event {
    case .join: return machine.join(1)
    case .interrupt: return machine.interrupt(1)
    case .pause: return machine.pause()
    case .resume: return machine.resume()
    case .cancel: return machine.cancel()
    case .admitted: return machine.admitted()
    case .done: return machine.ended(.done, using: &random)
    case .noSource: return machine.ended(Self.noSource, using: &random)
    case .changed: return machine.ended(Self.changed, using: &random)
    case .wrong: return machine.ended(.wrongBytes(Self.wrong), using: &random)
    case .full: return machine.ended(.storage(Self.full), using: &random)
    case .stopped: return machine.ended(.stopped, using: &random)
    case .renewed: return machine.renewed(true, using: &random)
    case .timer: return machine.timerFired()
    case .probed: return machine.probed(true, using: &random)
    }
  }

  private func text(_ state: Machine.State) -> String {
    switch state {
    case .stopping(let following): "stopping>\(following)"
    case .waiting(let reason): "waiting.\(reason)"
    default: "\(state)"
    }
  }

  private func text(_ action: Machine.Action) -> String {
    switch action {
    case .answer(_, .done): "answer"
    case .answer(_, .failure(let failure)): "answer \(failure.code.rawValue)"
    case .retry: "retry"
    case .probe: "probe"
    default: "\(action)"
    }
  }

  /// From each state with one waiter, except where noted: the next state and the actions of every event.
  @Test func `table of all states and events`() {
    let table: [(path: [Event], rows: [Event: String])] = [
      (
        [.join],
        [
          .interrupt: "paused: answer cancelled", .pause: "paused", .cancel: "cancelled: discard, answer cancelled",
          .admitted: "active: fetch",
        ]
      ),
      (
        [.join, .admitted],
        [
          .interrupt: "stopping>paused: answer cancelled, stop", .pause: "stopping>paused: stop",
          .cancel: "stopping>cancelled: stop", .done: "done: answer",
          .noSource: "waiting.noSource: answer no-source, retry", .changed: "renewing: lookUpKey",
          .wrong: "failed: discard, answer verification-failed", .full: "waiting.storage: answer cannot-create, retry",
          .stopped: "queued",
        ]
      ),
      (
        [.join, .admitted, .changed],
        [
          .interrupt: "stopping>paused: answer cancelled, stop", .pause: "stopping>paused: stop",
          .cancel: "stopping>cancelled: stop", .renewed: "active: fetch",
        ]
      ),
      (
        [.join, .admitted, .pause],
        [
          .join: "stopping>queued", .resume: "stopping>queued", .interrupt: "stopping>paused: answer cancelled",
          .cancel: "stopping>cancelled", .done: "done: answer", .noSource: "paused", .changed: "paused",
          .wrong: "paused", .full: "paused", .stopped: "paused", .renewed: "paused",
        ]
      ),
      (
        [.join, .admitted, .cancel],
        [
          .interrupt: "stopping>cancelled: answer cancelled", .done: "done: answer",
          .noSource: "cancelled: discard, answer cancelled", .changed: "cancelled: discard, answer cancelled",
          .wrong: "cancelled: discard, answer cancelled", .full: "cancelled: discard, answer cancelled",
          .stopped: "cancelled: discard, answer cancelled", .renewed: "cancelled: discard, answer cancelled",
        ]
      ),
      (
        [.join, .admitted, .pause, .resume],
        [
          .interrupt: "stopping>paused: answer cancelled", .pause: "stopping>paused", .cancel: "stopping>cancelled",
          .done: "done: answer", .noSource: "queued", .changed: "queued", .wrong: "queued", .full: "queued",
          .stopped: "queued", .renewed: "queued",
        ]
      ),
      // Its waiter has been answered.
      (
        [.join, .admitted, .noSource],
        [
          .join: "queued", .resume: "queued", .pause: "paused", .interrupt: "paused", .cancel: "cancelled: discard",
          .timer: "waiting.noSource: probe", .probed: "queued",
        ]
      ),
      (
        [.join, .admitted, .full],
        [
          .join: "queued", .resume: "queued", .pause: "paused", .interrupt: "paused", .cancel: "cancelled: discard",
          .timer: "waiting.storage: probe", .probed: "queued",
        ]
      ),
      (
        [.join, .pause],
        [
          .join: "queued", .resume: "queued", .interrupt: "paused: answer cancelled",
          .cancel: "cancelled: discard, answer cancelled",
        ]
      ),
      ([.join, .admitted, .done], [:]),
      ([.join, .admitted, .wrong], [:]),
      ([.join, .cancel], [:]),
    ]
    for (path, rows) in table {
      for event in Event.allCases {
        var machine = Machine()
        for step in path { _ = apply(step, to: &machine) }
        let before = text(machine.state)
        let actions = apply(event, to: &machine).map(text).joined(separator: ", ")
        let found = actions.isEmpty ? text(machine.state) : "\(text(machine.state)): \(actions)"
        #expect(found == rows[event] ?? before, "\(path) \(event)")
      }
    }
  }

  // MARK: Rules

  private func active(_ machine: Machine = Machine(), waiter: Int64 = 1, isPatient: Bool = false) -> Machine {
    var machine = machine
    _ = machine.join(waiter, isPatient: isPatient)
    _ = machine.admitted()
    return machine
  }

  @Test func `interrupted waiter leaves a download to others`() {
    var machine = active()
    _ = machine.join(2)
    #expect(machine.interrupt(1).map(text) == ["answer cancelled"])
    #expect(machine.state == .active)
    #expect(machine.leave(2).isEmpty)
    #expect(machine.state == .active)
    // The connection may be closed before the daemon is told why.
    #expect(machine.interrupt(2) == [.stop])
  }

  @Test func `detached download is not paused by its last waiter`() {
    var machine = active(Machine(isDetached: true))
    #expect(machine.interrupt(1).map(text) == ["answer cancelled"])
    #expect(machine.state == .active)
  }

  @Test func `patient waiter waits for sources but not for the disk`() {
    var random = SeededGenerator(seed: 1)
    var machine = active(isPatient: true)
    #expect(machine.ended(Self.noSource, using: &random).map(text) == ["retry"])
    #expect(machine.error == Self.gone)
    _ = machine.probed(true, using: &random)
    #expect(machine.error == nil)
    _ = machine.admitted()
    #expect(machine.ended(.storage(Self.full), using: &random).map(text) == ["answer cannot-create", "retry"])
  }

  @Test func `key is looked up once after a change, and never for a chosen content`() {
    var random = SeededGenerator(seed: 1)
    var machine = active()
    #expect(machine.ended(Self.changed, using: &random) == [.lookUpKey])
    #expect(machine.renewed(true, using: &random) == [.fetch])
    #expect(machine.ended(Self.changed, using: &random).map(text) == ["answer no-source", "retry"])
    machine = active()
    #expect(machine.ended(Self.changed, using: &random) == [.lookUpKey])
    #expect(machine.renewed(false, using: &random).map(text) == ["answer no-source", "retry"])
    machine = active(Machine(isContentChosen: true))
    #expect(machine.ended(Self.changed, using: &random).map(text) == ["answer no-source", "retry"])
  }

  @Test func `another source replaces a running fetch`() {
    var random = SeededGenerator(seed: 1)
    var machine = active()
    #expect(machine.join(2, replacesSource: true) == [.stop])
    #expect(machine.state == .stopping(.queued))
    #expect(machine.ended(.stopped, using: &random).isEmpty)
    #expect(machine.admitted() == [.fetch])
  }

  @Test func `pauses between tries for sources grow to 30 seconds`() throws {
    var random = SeededGenerator(seed: 1)
    var machine = active()
    func delay(_ actions: [Machine.Action]) -> Double {
      for case .retry(let delay) in actions {
        return Double(delay.components.seconds) + Double(delay.components.attoseconds) / 1e18
      }
      return 0
    }
    var delays = [delay(machine.ended(Self.noSource, using: &random))]
    for _ in 0..<7 { delays.append(delay(machine.probed(false, using: &random))) }
    for (found, expected) in zip(delays, [1.0, 2, 4, 8, 16, 30, 30, 30]) {
      #expect((0.75 * expected...1.25 * expected).contains(found), "\(delays)")
    }
    // A user who asks again is answered soon.
    _ = machine.join(2)
    _ = machine.admitted()
    #expect(delay(machine.ended(Self.noSource, using: &random)) <= 1.25)
    machine = active()
    #expect(machine.ended(.storage(Self.full), using: &random).last == .retry(after: .seconds(30)))
    #expect(machine.probed(false, using: &random) == [.retry(after: .seconds(30))])
  }

  @Test func `index that comes back is asked at once`() {
    var random = SeededGenerator(seed: 1)
    var machine = active()
    #expect(machine.sourcesMayBeBack().isEmpty)
    _ = machine.ended(Self.noSource, using: &random)
    #expect(machine.sourcesMayBeBack() == [.probe(.noSource)])
    _ = machine.cancel()
    #expect(machine.probed(true, using: &random).isEmpty)
  }

  @Test(arguments: Machine.Phase.allCases) func `download of an earlier process goes on as recorded`(
    _ phase: Machine.Phase
  ) {
    let machine = Machine(recorded: phase)
    let expected: Machine.Phase = [.active, .waiting].contains(phase) ? .queued : phase
    #expect(machine.phase == expected)
    #expect(!machine.isBusy)
  }

  // MARK: Random events

  /// What the machine has been told and has answered.
  private struct Ledger {
    var isBusy = false
    var waiting: Set<Int64> = []
    var nextWaiter: Int64 = 0

    /// All readers get everything.
    mutating func deliver(_ machine: inout Machine) -> [Machine.Action] {
      guard let reader = waiting.first else { return machine.cancel() }
      waiting.remove(reader)
      return machine.delivered(reader)
    }

    mutating func carryOut(_ actions: [Machine.Action], _ context: String) {
      for action in actions {
        switch action {
        case .fetch, .lookUpKey:
          #expect(!isBusy, "two fetches: \(context)")
          isBusy = true
        case .stop: #expect(isBusy, "stops nothing: \(context)")
        case .answer(let ids, _):
          #expect(Set(ids).count == ids.count && waiting.isSuperset(of: ids), "answered twice: \(context)")
          waiting.subtract(ids)
        case .discard: #expect(!isBusy, "discards while fetching: \(context)")
        case .probe, .retry: break
        }
      }
    }
  }

  @Test func `any order of events keeps the rules`() {
    for seed in 0..<4000 {
      var random = SeededGenerator(seed: UInt64(seed))
      let kind = [Machine.Kind.file, .file, .stream, .shortStream][seed % 4]
      var machine = Machine(
        kind: kind, isDetached: kind == .file && random.once(in: 3), isContentChosen: random.once(in: 3))
      var ledger = Ledger()
      for step in 0..<60 {
        let context = "seed \(seed) step \(step) \(machine.state)"
        let before = machine
        ledger.carryOut(randomEvent(&machine, kind, &ledger, &random), context)
        #expect(machine.isBusy == ledger.isBusy, "\(context) \(machine.state)")
        #expect(before.phase != .done || machine == before, "\(context): goes on after its end")
        if machine.phase.hasEnded, !machine.isBusy { #expect(ledger.waiting.isEmpty, "\(context): unanswered") }
        if case .waiting = machine.state { #expect(machine.error != nil, "\(context): waits without a reason") }
        guard ledger.waiting.isEmpty || !machine.phase.hasEnded || machine.isBusy else { break }
      }
      // Whatever has happened, a source that has everything ends it.
      while !machine.phase.hasEnded || machine.isBusy {
        let wasBusy = machine.isBusy
        let actions: [Machine.Action] =
          switch machine.state {
          case .queued: machine.admitted()
          case .active, .stopping: machine.ended(kind == .file ? .done : .filled, using: &random)
          case .renewing: machine.renewed(true, using: &random)
          case .waiting: machine.probed(true, using: &random)
          case .paused where kind == .file: machine.resume()
          case .delivering, .paused: ledger.deliver(&machine)
          case .done, .failed, .cancelled: []
          }
        if wasBusy { ledger.isBusy = false }
        ledger.carryOut(actions, "seed \(seed) at the end")
      }
      #expect(ledger.waiting.isEmpty, "seed \(seed)")
    }
  }

  private func randomEvent(
    _ machine: inout Machine, _ kind: Machine.Kind, _ ledger: inout Ledger, _ random: inout SeededGenerator
  ) -> [Machine.Action] {
    switch Int.random(in: 0..<16, using: &random) {
    case 0, 1:
      guard machine.canBeJoined else { return [] }
      ledger.nextWaiter += 1
      ledger.waiting.insert(ledger.nextWaiter)
      return machine.join(
        ledger.nextWaiter, isPatient: random.once(in: 2), replacesSource: random.once(in: 4))
    case 2:
      guard let id = ledger.waiting.first else { return [] }
      ledger.waiting.remove(id)
      return machine.leave(id)
    case 3: return machine.interrupt(ledger.waiting.first ?? 0)
    case 4: return machine.pause()
    case 5: return machine.resume()
    case 6: return random.once(in: 5) ? machine.cancel() : []
    case 7: return kind == .file ? machine.detach(replacesSource: random.once(in: 4)) : []
    case 8: return machine.timerFired()
    case 9: return machine.probed(random.once(in: 2), using: &random)
    case 10: return machine.sourcesMayBeBack()
    case 11: return machine.admitted()
    case 12: return kind == .file || ledger.waiting.isEmpty ? [] : ledger.deliver(&machine)
    default:
      guard ledger.isBusy else { return [] }
      ledger.isBusy = false
      let isLookUp = machine.state == .renewing
      if isLookUp { return machine.renewed(random.once(in: 2), using: &random) }
      let outcomes: [Machine.Outcome] = [
        kind == .file ? .done : .filled, Self.noSource, Self.changed, .storage(Self.full), .wrongBytes(Self.wrong),
        .failed(Self.full), .stopped,
      ]
      return machine.ended(random.once(in: 3) ? .stopped : random.pick(outcomes), using: &random)
    }
  }
}
