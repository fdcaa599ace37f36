// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import PeerDaemon
import Testing

@Suite struct AnnouncementMachineTests {
  typealias Machine = AnnouncementMachine

  /// No jitter.
  private struct Highest: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
  }

  private func position(_ number: Int) throws -> DocumentID {
    DocumentID(key: try DocumentKey("file/\(number)"), content: .empty)
  }

  private enum Event: CaseIterable {
    case connected, disconnected, request, fail, complete, incomplete, timer
  }

  private func apply(_ event: Event, to machine: inout Machine) -> Machine.Action {
    var random = Highest()
    switch event {
    case .connected: return machine.connected()
    case .disconnected:
      machine.disconnected()
      return .nothing
    case .request: return machine.request(.everything)
    case .fail: return machine.fail(.withdrawals, using: &random)
    case .complete: return machine.ended(left: nil, using: &random)
    case .incomplete: return machine.ended(left: .withdrawals, using: &random)
    case .timer: return machine.timerFired()
    }
  }

  private func kind(_ action: Machine.Action) -> String {
    switch action {
    case .nothing: "-"
    case .begin(let work): "begin \(work)"
    case .wait: "wait"
    }
  }

  /// For each state the actions and next states of all events, in the order of `Event`.
  @Test func `table of all states and events`() {
    let begin = "begin everything"
    let table: [(path: [Event], rows: [(String, Machine.State)])] = [
      (
        [],
        [
          (begin, .running(next: nil)), ("-", .disconnected), ("-", .disconnected), ("-", .disconnected),
          ("-", .disconnected), ("-", .disconnected), ("-", .disconnected),
        ]
      ),
      (
        [.connected, .complete],
        [
          (begin, .running(next: nil)), ("-", .disconnected), (begin, .running(next: nil)),
          ("wait", .waiting(.withdrawals)), ("-", .idle), ("-", .idle), ("-", .idle),
        ]
      ),
      (
        [.connected],
        [
          (begin, .running(next: nil)), ("-", .disconnected), ("-", .running(next: .everything)),
          ("-", .running(next: .withdrawals)), ("-", .idle), ("wait", .waiting(.withdrawals)),
          ("-", .running(next: nil)),
        ]
      ),
      (
        [.connected, .request],
        [
          (begin, .running(next: nil)), ("-", .disconnected), ("-", .running(next: .everything)),
          ("-", .running(next: .everything)), (begin, .running(next: nil)), ("wait", .waiting(.everything)),
          ("-", .running(next: .everything)),
        ]
      ),
      (
        [.connected, .incomplete],
        [
          (begin, .running(next: nil)), ("-", .disconnected), ("-", .waiting(.everything)),
          ("-", .waiting(.withdrawals)), ("-", .waiting(.withdrawals)), ("-", .waiting(.withdrawals)),
          ("begin withdrawals", .running(next: nil)),
        ]
      ),
    ]
    for (path, rows) in table {
      for (event, row) in zip(Event.allCases, rows) {
        var machine = Machine()
        for event in path { _ = apply(event, to: &machine) }
        let action = apply(event, to: &machine)
        #expect(kind(action) == row.0, "\(path) \(event)")
        #expect(machine.state == row.1, "\(path) \(event)")
      }
    }
  }

  @Test func `retry begins where the first failure was`() throws {
    var machine = Machine()
    var random = Highest()
    let position = try position(7)
    _ = machine.connected()
    guard case .wait = machine.ended(left: .after(position), using: &random) else {
      Issue.record("no pause")
      return
    }
    #expect(machine.timerFired() == .begin(.after(position)))
  }

  @Test func `a request during the pause widens the retry`() throws {
    var machine = Machine()
    var random = Highest()
    _ = machine.connected()
    _ = machine.ended(left: .after(try position(7)), using: &random)
    #expect(machine.request(.everything) == .nothing)
    #expect(machine.timerFired() == .begin(.everything))
  }

  @Test func `merged work covers both`() throws {
    let (one, two) = (Machine.Work.after(try position(1)), Machine.Work.after(try position(2)))
    #expect(one.merged(with: nil) == one)
    #expect(one.merged(with: .withdrawals) == one)
    #expect(Machine.Work.withdrawals.merged(with: one) == one)
    #expect(one.merged(with: one) == one)
    #expect(one.merged(with: two) == .everything)
    #expect(one.merged(with: .everything) == .everything)
    #expect(Machine.Work.everything.merged(with: two) == .everything)
  }

  @Test func `pauses double to five minutes and start over after a success`() {
    var machine = Machine()
    var random = Highest()
    var pauses = [Duration]()
    _ = machine.connected()
    for _ in 0..<12 {
      guard case .wait(let pause) = machine.ended(left: .everything, using: &random) else { break }
      pauses.append(pause)
      _ = machine.timerFired()
    }
    #expect(pauses.count == 12)
    #expect(zip(pauses, [1.0, 2, 4, 8]).allSatisfy { abs($0 / .seconds(1) - $1) < 0.01 })
    #expect(pauses.allSatisfy { $0 <= .seconds(300) })
    #expect((pauses.last ?? .zero) > .seconds(299))
    _ = machine.ended(left: nil, using: &random)
    guard case .wait(let pause) = machine.fail(.withdrawals, using: &random) else {
      Issue.record("no pause")
      return
    }
    #expect(pause <= .seconds(1))
  }
}

@Suite struct PendingWithdrawalsTests {
  private func record(_ number: Int) throws -> DocumentID {
    DocumentID(key: try DocumentKey("file/\(number)"), content: .empty)
  }

  @Test func `what is not acknowledged is kept`() throws {
    let (a, b) = (try record(1), try record(2))
    var withdrawals = PendingWithdrawals()
    let round = withdrawals.begin([a, b])
    withdrawals.acknowledged([a], round: round)
    #expect(withdrawals.records == [b])
  }

  /// The request is still under way, and fails after the record was shared again.
  @Test func `record announced during a withdrawal is not withdrawn again`() throws {
    let a = try record(1)
    var withdrawals = PendingWithdrawals()
    _ = withdrawals.begin([a])
    withdrawals.announced([a])
    #expect(withdrawals.records.isEmpty)
  }

  @Test func `acknowledgement of an earlier round does not cover a later one`() throws {
    let a = try record(1)
    var withdrawals = PendingWithdrawals()
    let first = withdrawals.begin([a])
    withdrawals.announced([a])
    let second = withdrawals.begin([a])
    withdrawals.acknowledged([a], round: first)
    #expect(withdrawals.records == [a])
    withdrawals.acknowledged([a], round: second)
    #expect(withdrawals.records.isEmpty)
  }
}

@Suite struct BackoffTests {
  @Test func `jitter takes away half of the pause at most`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      var backoff = Backoff(first: .seconds(1), longest: .seconds(3))
      let pauses = (0..<4).map { _ in backoff.next(using: &random) }
      for (pause, step) in zip(pauses, [1, 2, 3, 3]) {
        #expect(pause >= .seconds(step) / 2)
        #expect(pause <= .seconds(step))
      }
    }
  }

  @Test func `first retry may be immediate`() {
    var random = SystemRandomNumberGenerator()
    var backoff = Backoff(first: .seconds(1), longest: .seconds(3), startsImmediately: true)
    #expect(backoff.next(using: &random) == .zero)
    #expect(backoff.next(using: &random) >= .milliseconds(500))
    backoff.reset()
    #expect(backoff.next(using: &random) == .zero)
  }
}
