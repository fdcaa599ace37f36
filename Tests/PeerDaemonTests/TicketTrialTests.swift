// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import PeerDaemon
import Testing
import WireProtocol

/// Which of the addresses of a ticket gets its secret.
@Suite struct TicketTrialTests {
  private let down = WireFailure(.unavailable, "no route")
  private let lost = WireFailure(.unavailable, "connection lost")
  private let otherIndex = WireFailure(.forbidden, "another id")
  private let used = WireFailure(.forbidden, "all uses of the ticket are taken")

  private func addresses(_ count: Int) -> [Endpoint] {
    (0..<count).map { Endpoint(host: "192.0.2.\($0)", port: 7734) }
  }

  @Test func `addresses are reached in their order, each a moment after the one before`() {
    var trial = TicketTrial(addresses(3))
    #expect(trial.start() == .reach(0))
    #expect(trial.paused(after: 0) == .reach(1))
    #expect(trial.paused(after: 0) == .wait, "the pause of an earlier one")
    #expect(trial.paused(after: 1) == .reach(2))
    #expect(trial.paused(after: 2) == .wait)
  }

  @Test func `a failure begins the next at once, and after the last one the most telling is reported`() {
    var trial = TicketTrial(addresses(3))
    #expect(trial.start() == .reach(0))
    #expect(trial.failed(0, down) == .reach(1))
    #expect(trial.paused(after: 0) == .wait)
    #expect(trial.failed(1, otherIndex) == .reach(2))
    #expect(trial.failed(2, down) == .fail(otherIndex))
  }

  @Test func `the first that is reached gets the secret, and another one only when that is lost`() {
    var trial = TicketTrial(addresses(4))
    #expect(trial.start() == .reach(0))
    #expect(trial.paused(after: 0) == .reach(1))
    #expect(trial.paused(after: 1) == .reach(2))
    #expect(trial.reached(1) == .join(1))
    #expect(trial.paused(after: 2) == .wait, "no more are needed")
    #expect(trial.reached(2) == .wait)
    #expect(trial.failed(0, down) == .wait)
    #expect(trial.failed(1, lost) == .join(2))
    #expect(trial.failed(2, lost) == .reach(3))
    #expect(trial.reached(3) == .join(3))
    #expect(trial.took(3, as: .reader) == .succeed(3, .reader))
  }

  @Test func `what the index of the ticket answers is the end, whatever else is under way`() {
    var trial = TicketTrial(addresses(3))
    #expect(trial.start() == .reach(0))
    #expect(trial.paused(after: 0) == .reach(1))
    #expect(trial.reached(1) == .join(1))
    #expect(trial.failed(1, used) == .fail(used))
  }

  @Test func `the time for all of them ends it with every address, or with a refusal`() {
    var trial = TicketTrial(addresses(2))
    #expect(trial.start() == .reach(0))
    #expect(trial.failed(0, down) == .reach(1))
    guard case .fail(let failure) = trial.timedOut() else { Issue.record("it goes on"); return }
    #expect(failure.code == .unavailable)
    #expect(failure.message.contains("192.0.2.0:7734 (no route), 192.0.2.1:7734 (no answer). Ask who invited you"))
    #expect(trial.failed(1, otherIndex) == .fail(otherIndex))
    #expect(trial.timedOut() == .fail(otherIndex))
  }

  @Test func `addresses that cannot be reached are all named, within bounds`() {
    var trial = TicketTrial(addresses(10))
    var action = trial.start()
    for address in 0..<10 {
      #expect(action == .reach(address))
      action = trial.failed(address, down)
    }
    guard case .fail(let failure) = action else { Issue.record("it goes on"); return }
    #expect(failure.message.contains("192.0.2.7:7734 (no route), 2 more. Ask"))
    #expect(!failure.message.contains("192.0.2.8"))
    #expect(failure.message.contains("p2pctl network invite --address HOST:PORT"))
  }

  @Test func `a ticket without addresses is refused`() {
    var trial = TicketTrial(addresses(0))
    #expect(trial.start() == .fail(WireFailure(.usage, "the ticket names no address")))
  }
}
