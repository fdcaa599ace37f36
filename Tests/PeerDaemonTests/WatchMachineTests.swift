// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// The watches of a link as a value: states and events.
@Suite struct WatchMachineTests {
  private typealias Action = WatchMachine.Action
  private typealias News = WatchMachine.News

  private let now = NIODeadline.uptimeNanoseconds(0)
  private let all = WatchQuery.documents(.all)
  private let content = WatchQuery.content(.empty)
  private var random = SeededGenerator(seed: 7)

  private func document(_ number: UInt32) -> Document {
    Document(key: DocumentKey(rfc: number), title: .empty, content: .empty, modified: Timestamp(seconds: 0))
  }

  private func holder(_ name: String) throws -> Holder {
    Holder(peer: Swarm.id(name), name: try PeerName(name), host: "192.0.2.1", port: 1, complete: true)
  }

  private func event(
    _ seq: Int, _ body: WatchEvent.Body, watch: Int = 5
  ) -> WatchEvent { WatchEvent(watch: watch, seq: seq, body) }

  private func appeared(_ number: UInt32) -> WatchEvent.Body { .document(.appeared, document(number), total: 1) }

  /// A machine whose first subscription is watched under number 5.
  private mutating func watching(_ query: WatchQuery? = nil, takesState: Bool = true) -> WatchMachine {
    var machine = WatchMachine()
    let subscribed = machine.subscribe(query ?? all, for: .frontEnd, takesState: takesState)
    #expect(subscribed?.id == 1 && subscribed?.actions == [])
    #expect(machine.connected(limit: 64) == [.watch(1, query ?? all)])
    #expect(machine.answered(1, .success(5), using: &random).isEmpty)
    #expect(machine.phase(of: 1) == .watching(number: 5, seq: 0, isCurrent: false))
    return machine
  }

  private mutating func take(
    _ machine: inout WatchMachine, _ id: WatchMachine.ID = 1
  ) throws -> (news: [News], actions: [Action]) {
    let taken = machine.take(id, using: &random)
    return try #require(taken)
  }

  private func receive(_ machine: inout WatchMachine, _ bodies: WatchEvent.Body...) {
    for (index, body) in bodies.enumerated() {
      let actions = machine.received(event(index + 1, body), size: 100, at: now)
      #expect(!actions.contains { if case .close = $0 { true } else { false } })
    }
  }

  // MARK: Networks

  @Test mutating func `index of another network is not asked`() throws {
    let home = Home.closed(Swarm.id("index"))
    var machine = WatchMachine()
    _ = machine.subscribe(content, for: .download, in: home)
    #expect(machine.connected(limit: 64, in: .open) == [.deliver(1)])
    guard case .refused(let failure)? = try take(&machine).news.first else {
      Issue.record("not refused")
      return
    }
    #expect(failure.code == .unavailable && failure.message.contains("another network"))
    #expect(machine.timerFired(1).isEmpty && machine.phase(of: 1) == .refused)
    // Begun while this peer is elsewhere.
    #expect(machine.subscribe(content, for: .download, in: home)?.actions == [.deliver(2)])
    _ = machine.disconnected()
    #expect(machine.connected(limit: 64, in: home) == [.watch(1, content), .watch(2, content)])
    _ = machine.answered(1, .success(5), using: &random)
    _ = machine.disconnected()
    // The owner takes the interruption when the next index is there already.
    #expect(!machine.connected(limit: 64, in: .closed(Swarm.id("other"))).contains(.watch(1, content)))
    #expect(try take(&machine).actions == [.deliver(1)])
    #expect(machine.phase(of: 1) == .refused)
  }

  // MARK: The usual course

  @Test mutating func `state, current and changes are news in order`() throws {
    var machine = watching()
    receive(&machine, appeared(1), .current, .document(.gone, document(1), total: 0))
    let taken = try take(&machine)
    #expect(taken.actions.isEmpty)
    #expect(
      taken.news == [
        .document(.appeared, document(1), total: 1), .current, .document(.gone, document(1), total: 0),
      ])
    let more0 = try take(&machine)
    #expect(more0.news.isEmpty)
  }

  @Test mutating func `without the state only changes are news`() throws {
    var machine = watching(takesState: false)
    receive(&machine, appeared(1), .document(.updated, document(1), total: 1), appeared(2), .current, appeared(3))
    let news = try take(&machine).news
    #expect(
      news == [
        .document(.updated, document(1), total: 1), .current, .document(.appeared, document(3), total: 1),
      ])
  }

  @Test mutating func `subscription on an open connection is asked at once`() throws {
    var machine = WatchMachine()
    #expect(machine.connected(limit: 64).isEmpty)
    let subscribed = machine.subscribe(content, for: .download)
    #expect(subscribed?.actions == [.watch(1, content)])
  }

  @Test mutating func `unsubscribed watch is ended, and its last events are ignored`() throws {
    var machine = watching()
    #expect(machine.unsubscribe(1) == [.unwatch(5)])
    let taken = machine.take(1, using: &random)
    #expect(taken == nil)
    #expect(machine.received(event(1, appeared(1)), size: 10, at: now).isEmpty)
    machine.unwatched(5)
    #expect(
      machine.received(event(2, appeared(1)), size: 10, at: now) == [
        .close("an event of watch 5, which does not exist")
      ])
  }

  @Test mutating func `watch that is answered after its owner has left is ended`() throws {
    var machine = WatchMachine()
    _ = machine.connected(limit: 64)
    _ = machine.subscribe(all, for: .frontEnd)
    #expect(machine.unsubscribe(1).isEmpty)
    #expect(machine.answered(1, .success(9), using: &random) == [.unwatch(9)])
    #expect(machine.received(event(1, appeared(1), watch: 9), size: 10, at: now).isEmpty)
  }

  // MARK: Interruptions

  @Test mutating func `lost connection is reported once and watched anew when the owner has taken it`() throws {
    var machine = watching()
    receive(&machine, .current)
    #expect(machine.disconnected() == [.deliver(1)])
    for _ in 0..<100 {
      #expect(machine.connected(limit: 64).isEmpty)
      #expect(machine.disconnected().isEmpty)
    }
    _ = machine.connected(limit: 64)
    let taken = try take(&machine)
    #expect(taken.news == [.current, .interrupted(.connectionLost)])
    #expect(taken.actions == [.watch(1, all)])
  }

  @Test mutating func `owner that takes the loss before the next connection is watched by it`() throws {
    var machine = watching()
    _ = machine.disconnected()
    let more1 = try take(&machine)
    #expect(more1.actions.isEmpty)
    #expect(machine.phase(of: 1) == .waiting)
    #expect(machine.connected(limit: 64) == [.watch(1, all)])
  }

  @Test mutating func `connection lost before the reply asks once more without news`() throws {
    var machine = WatchMachine()
    _ = machine.connected(limit: 64)
    _ = machine.subscribe(all, for: .frontEnd)
    #expect(machine.disconnected().isEmpty)
    #expect(machine.answered(1, .failure(WireFailure(.unavailable, "lost")), using: &random).isEmpty)
    #expect(machine.connected(limit: 64) == [.watch(1, all)])
  }

  @Test mutating func `overflow of the index is watched anew after growing pauses`() throws {
    var machine = watching()
    var pauses = [Duration]()
    for round in 0..<10 {
      let number = 5 + round
      #expect(machine.received(event(1, .overflow, watch: number), size: 10, at: now) == [.deliver(1)])
      let taken = try take(&machine)
      #expect(taken.news == [.interrupted(.overflow)])
      guard case .wait(1, let pause)? = taken.actions.first else {
        throw RawConnection.Failure(description: "no pause")
      }
      pauses.append(pause)
      #expect(machine.phase(of: 1) == .pausing)
      #expect(machine.timerFired(1) == [.watch(1, all)])
      #expect(machine.timerFired(1).isEmpty)
      _ = machine.answered(1, .success(number + 1), using: &random)
    }
    #expect(pauses.allSatisfy { $0 >= .milliseconds(500) && $0 <= .seconds(60) })
    #expect(try #require(pauses.last) > .seconds(20))
  }

  @Test mutating func `watch that was current for long has short pauses`() throws {
    var machine = watching()
    for round in 0..<10 {
      let number = 5 + round
      _ = machine.received(event(1, .current, watch: number), size: 10, at: now)
      _ = machine.received(event(2, .overflow, watch: number), size: 10, at: now + .seconds(60))
      guard case .wait(1, let pause)? = try take(&machine).actions.first else {
        throw RawConnection.Failure(description: "no pause")
      }
      #expect(pause <= .seconds(1))
      _ = machine.timerFired(1)
      _ = machine.answered(1, .success(number + 1), using: &random)
    }
  }

  @Test mutating func `owner that does not read is bounded`() throws {
    var machine = watching()
    var taken = 0
    var actions = [Action]()
    while actions.isEmpty || actions == [.deliver(1)] {
      taken += 1
      actions = machine.received(event(taken, appeared(1)), size: 1000, at: now)
    }
    #expect(taken < WatchMachine.maxSize / 1000)
    #expect(actions == [.unwatch(5), .deliver(1)])
    // What is still under way.
    #expect(machine.received(event(taken + 1, appeared(1)), size: 1000, at: now).isEmpty)
    let news = try take(&machine).news
    #expect(news.count == taken && news.last == .interrupted(.overflow))
    #expect(machine.phase(of: 1) == .pausing)
  }

  @Test mutating func `pause that ends without a connection waits for one`() throws {
    var machine = watching()
    _ = machine.received(event(1, .overflow), size: 10, at: now)
    _ = machine.take(1, using: &random)
    #expect(machine.disconnected().isEmpty)
    #expect(machine.timerFired(1).isEmpty)
    #expect(machine.connected(limit: 64) == [.watch(1, all)])
  }

  // MARK: Refusals

  @Test mutating func `older index is asked once per connection`() throws {
    var machine = WatchMachine()
    _ = machine.subscribe(all, for: .frontEnd)
    _ = machine.connected(limit: 64)
    let unknown = WireFailure(.unknownOperation, "an index has no such operation")
    #expect(machine.answered(1, .failure(unknown), using: &random) == [.deliver(1)])
    let more2 = try take(&machine)
    #expect(more2.news == [.refused(unknown)])
    let second = machine.subscribe(content, for: .download)
    #expect(second?.actions == [.deliver(2)])
    guard case .refused? = try take(&machine, 2).news.first else {
      throw RawConnection.Failure(description: "not refused")
    }
    #expect(machine.disconnected().isEmpty)
    #expect(machine.connected(limit: 64) == [.watch(1, all), .watch(2, content)])
  }

  @Test mutating func `refusal with retry_after is tried again after it`() throws {
    var machine = WatchMachine()
    _ = machine.subscribe(all, for: .frontEnd)
    _ = machine.connected(limit: 64)
    let full = WireFailure(.tooMany, "no memory", retryAfter: 30)
    #expect(machine.answered(1, .failure(full), using: &random) == [.deliver(1), .wait(1, .seconds(30))])
    #expect(machine.timerFired(1) == [.watch(1, all)])
  }

  @Test func `downloads leave watches to front ends`() {
    var machine = WatchMachine()
    #expect(machine.share(of: .download) == 48 && machine.share(of: .frontEnd) == 16)
    let downloads = (0..<49).map { _ in machine.subscribe(content, for: .download) != nil }
    #expect(downloads == Array(repeating: true, count: 48) + [false])
    let frontEnds = (0..<17).map { _ in machine.subscribe(all, for: .frontEnd) != nil }
    #expect(frontEnds == Array(repeating: true, count: 16) + [false])
    _ = machine.unsubscribe(50)
    let another = machine.subscribe(all, for: .frontEnd)
    #expect(another != nil)
    // An index that allows fewer.
    let actions = machine.connected(limit: 8)
    #expect(actions.count { if case .watch = $0 { true } else { false } } == 8)
    #expect(actions.count { if case .deliver = $0 { true } else { false } } == 56)
  }

  @Test func `nothing is subscribed after the end`() {
    var machine = WatchMachine()
    _ = machine.subscribe(all, for: .frontEnd)
    machine.end()
    #expect(machine.ids.isEmpty)
    let late = machine.subscribe(all, for: .frontEnd)
    #expect(late == nil)
  }

  // MARK: An index that breaks the protocol

  @Test mutating func `violations end the connection`() throws {
    let now = now
    func reason(_ machine: WatchMachine, _ events: WatchEvent...) -> String? {
      var machine = machine
      for event in events {
        for case .close(let reason) in machine.received(event, size: 10, at: now) { return reason }
      }
      return nil
    }
    let documents = watching()
    let holders = watching(content)
    let joined = WatchEvent.Body.holder(.joined, try holder("bob"))
    #expect(reason(documents, event(1, appeared(1), watch: 6)) == "an event of watch 6, which does not exist")
    #expect(reason(documents, event(2, appeared(1))) == "event 2 of watch 5 comes after event 0")
    #expect(reason(documents, event(1, appeared(1)), event(1, .current)) == "event 1 of watch 5 comes after event 1")
    #expect(reason(documents, event(1, joined)) == "an event of a wrong kind for watch 5")
    #expect(reason(holders, event(1, appeared(1))) == "an event of a wrong kind for watch 5")
    #expect(reason(holders, event(1, .current), event(2, .current)) == "an event of a wrong kind for watch 5")
    #expect(
      reason(holders, event(1, .overflow), event(2, joined)) == "an event of watch 5, which does not exist")
    #expect(reason(holders, event(1, joined), event(2, .current), event(3, joined)) == nil)
  }

  @Test mutating func `two watches of one number end the connection`() throws {
    var machine = watching()
    _ = machine.subscribe(content, for: .download)
    #expect(machine.answered(2, .success(5), using: &random) == [.close("two watches have the number 5")])
  }

  /// Random events and calls: the queues stay bounded, and nothing is asked without a connection.
  @Test(arguments: 1...20)
  mutating func `any order of events keeps the machine consistent`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var machine = WatchMachine()
    var isConnected = false
    var asked: [WatchMachine.ID] = []
    var lastNumber = 0
    func check(_ actions: [Action]) {
      for action in actions {
        switch action {
        case .watch(let id, _):
          #expect(isConnected && !asked.contains(id))
          asked.append(id)
        case .unwatch: #expect(isConnected)
        case .wait(_, let pause): #expect(pause > .zero)
        case .deliver, .close: break
        }
      }
    }
    for _ in 0..<2000 {
      let id = machine.ids.randomElement(using: &generator) ?? 0
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: check(machine.subscribe(Bool.random(using: &generator) ? all : content, for: .download)?.actions ?? [])
      case 1:
        asked.removeAll { $0 == id && machine.phase(of: id) != .asked }
        check(machine.unsubscribe(id))
      case 2 where !isConnected:
        isConnected = true
        check(machine.connected(limit: 64))
      case 3 where isConnected:
        isConnected = false
        let abandoned = asked
        asked = []
        check(machine.disconnected())
        for id in abandoned {
          check(machine.answered(id, .failure(WireFailure(.unavailable, "lost")), using: &generator))
        }
      case 4, 5:
        guard !asked.isEmpty else { continue }
        let id = asked.removeFirst()
        lastNumber += 1
        check(machine.answered(id, .success(lastNumber), using: &generator))
      case 6, 7:
        guard case .watching(let number, let seq, let isCurrent)? = machine.phase(of: id) else { continue }
        let bodies: [WatchEvent.Body] = [.overflow, appeared(1), .holder(.joined, try holder("bob"))]
        let body = isCurrent ? bodies.randomElement(using: &generator) : .current
        check(machine.received(event(seq + 1, body ?? .current, watch: number), size: 1 << 20, at: now))
      case 8: check(machine.take(id, using: &generator)?.actions ?? [])
      default: check(machine.timerFired(id))
      }
      for id in machine.ids where machine.phase(of: id) == .asked { #expect(asked.contains(id)) }
    }
  }
}

/// How often a download may begin because a holder has joined.
@Suite struct WakeBudgetTests {
  @Test func `four at once, then one each 10 s`() {
    var budget = WakeBudget(at: 100)
    let times: [(at: Double, isAllowed: Bool)] = [
      (100, true), (100, true), (100, true), (100, true), (100, false), (109, false), (110, true), (110, false),
      (125, true), (125, false), (1e9, true), (1e9, true), (1e9, true), (1e9, true), (1e9, false),
      // A clock that goes back earns nothing.
      (0, false),
    ]
    for time in times {
      let isAllowed = budget.take(at: time.at)
      #expect(isAllowed == time.isAllowed, "at \(time.at)")
    }
  }
}
