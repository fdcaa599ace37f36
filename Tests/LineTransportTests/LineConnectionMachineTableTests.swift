// SPDX-License-Identifier: Apache-2.0

import LineTransport
import TestSupport
import Testing

/// Every state × every event: the next state and the action.
@Suite struct LineConnectionMachineTableTests {
  enum Event: CaseIterable {
    case beginTurn, beginLine
    case verdictNext, verdictBody, verdictBusy, verdictPause, verdictAgain, verdictClose, yield
    case endTurn, endTurnBlocked
    case received, flooded, readMore, readMoreBlocked, inputEnded, channelClosed
    case resume, close, drainRequested, drain, drainBlocked
    case pauseElapsed, outputClosed, discardTimeElapsed
  }

  /// How each situation is reached; more than states, because a turn and what ends the connection matter.
  static let situations: [String: [Event]] = [
    "reading": [],
    "turn": [.beginTurn],
    "line": [.beginTurn, .beginLine],
    "line, resumed": [.beginTurn, .beginLine, .resume],
    "line, closing": [.beginTurn, .beginLine, .close],
    "line, input ended": [.inputEnded, .beginTurn, .beginLine],
    "line, channel closed": [.beginTurn, .beginLine, .channelClosed],
    "busy": [.beginTurn, .beginLine, .verdictBusy, .endTurn],
    "busy in turn": [.beginTurn, .beginLine, .verdictBusy],
    "busy, input ended": [.beginTurn, .beginLine, .verdictBusy, .endTurn, .inputEnded],
    "busy, drained": [.beginTurn, .beginLine, .verdictBusy, .endTurn, .drain],
    "paused": [.beginTurn, .beginLine, .verdictPause, .endTurn],
    "paused, drained": [.beginTurn, .beginLine, .verdictPause, .endTurn, .drain],
    "draining": [.drainBlocked],
    "draining, input ended": [.inputEnded],
    "lingering": [.close],
    "lingering, flushed": [.close, .outputClosed],
    "lingering, input ended": [.close, .inputEnded],
    "lingering, overdue": [.close, .discardTimeElapsed],
    "closed": [.channelClosed],
  ]

  /// Events that change a state or ask for an action. All others leave the state as it is and ask for nothing.
  static let table: [String: [Event: String]] = [
    "reading": [
      .beginTurn: "reading true", .received: "reading keep", .flooded: "reading keep", .readMore: "reading read",
      .readMoreBlocked: "reading awaitReader", .inputEnded: "draining -i beginTurn", .channelClosed: "closed release",
      .close: "lingering linger", .drainRequested: "reading askRole", .drain: "lingering linger",
      .drainBlocked: "draining -d none",
    ],
    "turn": [
      .yield: "paused true",
      .received: "reading keep", .flooded: "reading keep", .readMore: "reading read",
      .readMoreBlocked: "reading awaitReader", .inputEnded: "draining -i beginTurn", .channelClosed: "closed release",
      .close: "lingering linger", .drainRequested: "reading askRole", .drain: "draining -d none",
      .drainBlocked: "draining -d none",
    ],
    "line": [
      .verdictBody: "reading expectBody(7)", .verdictBusy: "busy none", .verdictPause: "paused startPause",
      .verdictAgain: "paused startPause",
      .verdictClose: "lingering linger",
      .received: "reading keep", .flooded: "reading keep", .readMore: "reading read",
      .readMoreBlocked: "reading awaitReader", .inputEnded: "draining -i beginTurn", .channelClosed: "closed release",
      .drainRequested: "reading askRole", .drain: "draining -d none", .drainBlocked: "draining -d none",
    ],
    // The work is done before `.busy` is known: the next line follows.
    "line, resumed": [
      .verdictBody: "reading expectBody(7)", .verdictBusy: "reading none", .verdictPause: "paused startPause",
      .verdictAgain: "paused startPause",
      .verdictClose: "lingering linger",
      .received: "reading keep", .flooded: "reading keep", .readMore: "reading read",
      .readMoreBlocked: "reading awaitReader", .inputEnded: "draining -i beginTurn", .channelClosed: "closed release",
      .drainRequested: "reading askRole", .drain: "draining -d none", .drainBlocked: "draining -d none",
    ],
    // The answer to the line is written first, whatever the verdict.
    "line, closing": [
      .verdictNext: "lingering linger", .verdictBody: "lingering linger", .verdictBusy: "lingering linger",
      .verdictPause: "lingering linger", .verdictAgain: "lingering linger", .verdictClose: "lingering linger",
      .received: "reading keep", .flooded: "reading keep", .readMore: "reading read",
      .readMoreBlocked: "reading awaitReader", .inputEnded: "draining -i beginTurn", .channelClosed: "closed release",
      .drainRequested: "reading askRole", .drain: "draining -d none", .drainBlocked: "draining -d none",
    ],
    "line, input ended": [
      .verdictBody: "draining -i expectBody(7)", .verdictBusy: "busy -i none", .verdictPause: "paused -i startPause",
      .verdictAgain: "paused -i startPause",
      .verdictClose: "lingering -i linger", .endTurn: "lingering -i linger",
      .received: "draining -i keep", .flooded: "draining -i keep", .readMoreBlocked: "draining -i awaitReader",
      .inputEnded: "draining -i beginTurn", .channelClosed: "closed release", .drainRequested: "draining -i askRole",
      .drain: "draining -di none", .drainBlocked: "draining -di none",
    ],
    "line, channel closed": [.received: "closed discard", .flooded: "closed discard"],
    "busy": [
      .received: "busy keep", .flooded: "busy keep", .inputEnded: "busy -i none", .channelClosed: "closed release",
      .resume: "reading beginTurn", .close: "lingering linger", .drainRequested: "busy askRole",
      .drain: "busy -d none", .drainBlocked: "busy -d none",
    ],
    "busy in turn": [
      .received: "busy keep", .flooded: "busy keep", .inputEnded: "busy -i none", .channelClosed: "closed release",
      .resume: "reading beginTurn", .close: "lingering linger", .drainRequested: "busy askRole",
      .drain: "busy -d none", .drainBlocked: "busy -d none",
    ],
    "busy, input ended": [
      .received: "busy -i keep", .flooded: "busy -i keep", .channelClosed: "closed release",
      .resume: "draining -i beginTurn", .close: "lingering -i linger", .drainRequested: "busy -i askRole",
      .drain: "busy -di none", .drainBlocked: "busy -di none",
    ],
    "busy, drained": [
      .received: "busy -d keep", .flooded: "busy -d keep", .inputEnded: "busy -di none",
      .channelClosed: "closed release", .resume: "draining -d beginTurn", .close: "lingering linger",
    ],
    "paused": [
      .received: "paused keep", .flooded: "paused keep", .inputEnded: "paused -i none",
      .channelClosed: "closed release", .close: "lingering linger", .drainRequested: "paused askRole",
      .drain: "paused -d none", .drainBlocked: "paused -d none", .pauseElapsed: "reading beginTurn",
    ],
    "paused, drained": [
      .received: "paused -d keep", .flooded: "paused -d keep", .inputEnded: "paused -di none",
      .channelClosed: "closed release", .close: "lingering linger", .pauseElapsed: "draining -d beginTurn",
    ],
    "draining": [
      .beginTurn: "draining -d true", .endTurn: "lingering linger", .received: "draining -d keep",
      .flooded: "draining -d keep", .readMoreBlocked: "draining -d awaitReader",
      .inputEnded: "draining -di beginTurn", .channelClosed: "closed release", .close: "lingering linger",
      .drain: "lingering linger",
    ],
    "draining, input ended": [
      .beginTurn: "draining -i true", .endTurn: "lingering -i linger", .received: "draining -i keep",
      .flooded: "draining -i keep", .readMoreBlocked: "draining -i awaitReader",
      .inputEnded: "draining -i beginTurn", .channelClosed: "closed release", .close: "lingering -i linger",
      .drainRequested: "draining -i askRole", .drain: "lingering -i linger", .drainBlocked: "draining -di none",
    ],
    "lingering": [
      .received: "lingering discard", .flooded: "lingering abort", .readMore: "lingering read",
      .readMoreBlocked: "lingering read", .inputEnded: "lingering -i awaitReader", .channelClosed: "closed release",
      .outputClosed: "lingering -f none", .discardTimeElapsed: "lingering -o awaitReader",
    ],
    "lingering, flushed": [
      .received: "lingering -f discard", .flooded: "lingering -f abort", .readMore: "lingering -f read",
      .readMoreBlocked: "lingering -f read", .inputEnded: "lingering -fi abort", .channelClosed: "closed release",
      .discardTimeElapsed: "lingering -fo abort",
    ],
    "lingering, input ended": [
      .received: "lingering -i discard", .flooded: "lingering -i abort", .readMore: "lingering -i awaitReader",
      .readMoreBlocked: "lingering -i awaitReader", .inputEnded: "lingering -i awaitReader",
      .channelClosed: "closed release", .outputClosed: "lingering -fi abort",
      .discardTimeElapsed: "lingering -io awaitReader",
    ],
    "lingering, overdue": [
      .received: "lingering -o discard", .flooded: "lingering -o abort", .readMore: "lingering -o awaitReader",
      .readMoreBlocked: "lingering -o awaitReader", .inputEnded: "lingering -io awaitReader",
      .channelClosed: "closed release", .outputClosed: "lingering -fo abort",
      .discardTimeElapsed: "lingering -o awaitReader",
    ],
    "closed": [.received: "closed discard", .flooded: "closed discard"],
  ]

  @Test func `table covers every situation`() {
    #expect(Set(Self.table.keys) == Set(Self.situations.keys))
  }

  @Test(arguments: situations.keys.sorted(), Event.allCases)
  func `transition`(situation: String, event: Event) throws {
    var connection = DrivenMachine()
    for event in try #require(Self.situations[situation]) { connection.apply(event) }
    let before = connection.state
    let action = connection.apply(event)
    #expect("\(connection.state) \(action)" == Self.table[situation]?[event] ?? "\(before) none")
  }

  @Test func `resume before the busy verdict is not lost`() {
    var connection = DrivenMachine()
    connection.apply(.beginTurn, .beginLine, .resume, .verdictBusy)
    let handsOut = connection.handsOut
    #expect(handsOut)
  }

  @Test func `resume counts for one line only`() {
    var connection = DrivenMachine()
    connection.apply(.beginTurn, .beginLine, .resume, .verdictNext, .beginLine, .verdictBusy)
    let handsOut = connection.handsOut
    #expect(!handsOut)
  }

  @Test func `connection that is resumed after its drain ends`() {
    var connection = DrivenMachine()
    connection.apply(.beginTurn, .beginLine, .verdictBusy, .endTurn, .drain, .resume, .beginTurn)
    #expect(connection.apply(.endTurn) == "linger")
  }

  @Test func `bytes are counted over the whole lingering`() {
    var machine = LineConnectionMachine(discardBytes: 10)
    #expect(machine.close() == .linger)
    #expect(machine.received(bytes: 6) == .discard)
    #expect(machine.received(bytes: 4) == .discard)
    #expect(machine.received(bytes: 1) == .abort)
    #expect(machine.received(bytes: .max) == .abort)
  }

  /// Whatever arrives in whatever order, a closed connection asks for nothing, and no state is left but by its rules.
  @Test(arguments: 0..<100 as Range<UInt64>)
  func `random events keep the rules`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var connection = DrivenMachine()
    for _ in 0..<300 {
      guard let event = Event.allCases.randomElement(using: &random) else { return }
      let before = connection.state
      let action = connection.apply(event)
      let after = connection.state
      if before == "closed" { #expect(after == "closed" && ["none", "discard"].contains(action)) }
      if before.hasPrefix("lingering") { #expect(after.hasPrefix("lingering") || after == "closed") }
      if action == "linger" { #expect(after.hasPrefix("lingering") && !before.hasPrefix("lingering")) }
      if connection.handsOut { #expect(after == "reading" || after.hasPrefix("draining")) }
    }
  }
}

/// A machine and the words for what it says.
private struct DrivenMachine: ~Copyable {
  var machine = LineConnectionMachine(discardBytes: 100)

  var handsOut: Bool { machine.handsOut }

  var state: String {
    switch machine.state {
    case .reading: "reading"
    case .busy(let ending): "busy" + Self.flags(ending)
    case .paused(let ending): "paused" + Self.flags(ending)
    case .draining(let ending): "draining" + Self.flags(ending)
    case .lingering(let lingering):
      "lingering" + Self.flags(("f", lingering.isFlushed), ("i", lingering.inputEnded), ("o", lingering.isOverdue))
    case .closed: "closed"
    }
  }

  private static func flags(_ ending: LineConnectionMachine.Ending) -> String {
    flags(("d", ending.isDrained), ("i", ending.inputEnded))
  }

  private static func flags(_ flags: (String, Bool)...) -> String {
    let set = flags.filter(\.1).map(\.0).joined()
    return set.isEmpty ? "" : " -" + set
  }

  @discardableResult
  mutating func apply(_ event: LineConnectionMachineTableTests.Event) -> String {
    switch event {
    case .beginTurn: return machine.beginTurn() ? "true" : "none"
    case .beginLine: machine.beginLine()
    case .verdictNext: return "\(machine.endLine(.next))"
    case .verdictBody: return "\(machine.endLine(.body(7)))"
    case .verdictBusy: return "\(machine.endLine(.busy))"
    case .verdictPause: return "\(machine.endLine(.pause))"
    case .verdictAgain: return "\(machine.endLine(.again))"
    case .yield: return machine.yield() ? "true" : "none"
    case .verdictClose: return "\(machine.endLine(.close))"
    case .endTurn: return "\(machine.endTurn(isWritable: true))"
    case .endTurnBlocked: return "\(machine.endTurn(isWritable: false))"
    case .received: return "\(machine.received(bytes: 1))"
    case .flooded: return "\(machine.received(bytes: 101))"
    case .readMore: return "\(machine.readMore(isWritable: true))"
    case .readMoreBlocked: return "\(machine.readMore(isWritable: false))"
    case .inputEnded: return "\(machine.inputEnded())"
    case .channelClosed: return "\(machine.channelClosed())"
    case .resume: return "\(machine.resume())"
    case .close: return "\(machine.close())"
    case .drainRequested: return "\(machine.drainRequested())"
    case .drain: return "\(machine.drain(isWritable: true))"
    case .drainBlocked: return "\(machine.drain(isWritable: false))"
    case .pauseElapsed: return "\(machine.pauseElapsed())"
    case .outputClosed: return "\(machine.outputClosed())"
    case .discardTimeElapsed: return "\(machine.discardTimeElapsed())"
    }
    return "none"
  }

  mutating func apply(_ events: LineConnectionMachineTableTests.Event...) {
    for event in events { _ = apply(event) }
  }
}
