// SPDX-License-Identifier: Apache-2.0

import ContentStore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Downloads whose bytes go to readers.
@Suite struct StreamMachineTests {
  typealias Machine = DownloadMachine

  private static let gone = WireFailure(.noSource, "no source answers")
  private static let changed = Machine.Outcome.noSource(gone, hasChanged: true, hasGained: false)

  private func text(_ action: Machine.Action) -> String {
    switch action {
    case .answer(_, .done): "answer"
    case .answer(_, .failure(let failure)): "answer \(failure.code.rawValue)"
    case .retry: "retry"
    case .probe: "probe"
    default: "\(action)"
    }
  }

  private func active(_ machine: Machine) -> Machine {
    var machine = machine
    _ = machine.join(1)
    _ = machine.admitted()
    return machine
  }

  @Test func `stream waits for its readers when everything is here`() {
    var random = SeededGenerator(seed: 1)
    var machine = active(Machine(kind: .stream))
    #expect(machine.ended(.filled, using: &random).isEmpty)
    #expect(machine.state == .delivering && machine.phase == .active && !machine.isBusy)
    _ = machine.join(2)
    #expect(machine.delivered(1).isEmpty)
    #expect(machine.state == .delivering)
    #expect(machine.delivered(2) == [.discard])
    #expect(machine.state == .done)
  }

  @Test func `stream is paused when its last reader leaves, and goes on with the next one`() {
    var random = SeededGenerator(seed: 1)
    for isWhole in [true, false] {
      var machine = active(Machine(kind: .stream))
      _ = machine.join(2)
      if isWhole { _ = machine.ended(.filled, using: &random) }
      #expect(machine.leave(1).isEmpty)
      #expect(machine.phase == .active)
      #expect(machine.leave(2) == (isWhole ? [] : [.stop]))
      if !isWhole { _ = machine.ended(.stopped, using: &random) }
      #expect(machine.state == .paused)
      // Also if it waited before its connection was lost.
      #expect(machine.join(3, resumes: false).isEmpty)
      #expect(machine.state == .queued)
    }
  }

  @Test func `short stream without readers is not kept`() {
    var random = SeededGenerator(seed: 1)
    var machine = active(Machine(kind: .shortStream))
    #expect(machine.interrupt(1).map(text) == ["answer cancelled", "stop"])
    #expect(machine.ended(.stopped, using: &random) == [.discard])
    #expect(machine.state == .cancelled)
  }

  @Test func `stream that nobody reads is kept whole`() {
    var random = SeededGenerator(seed: 1)
    var machine = Machine(recorded: .active, kind: .stream)
    #expect(machine.state == .paused)
    _ = machine.resume()
    _ = machine.admitted()
    #expect(machine.ended(.filled, using: &random).isEmpty)
    #expect(machine.state == .paused)
  }

  @Test func `reader that has everything ends the fetch`() {
    var random = SeededGenerator(seed: 1)
    var machine = active(Machine(kind: .stream))
    #expect(machine.delivered(1) == [.stop])
    #expect(machine.phase == .active)
    #expect(machine.ended(.filled, using: &random) == [.discard])
    #expect(machine.state == .done)
  }

  @Test func `content is not replaced once a reader has some of it`() {
    var random = SeededGenerator(seed: 1)
    var machine = active(Machine(kind: .stream))
    machine.chooseContent()
    #expect(machine.ended(Self.changed, using: &random).map(text) == ["answer no-source", "retry"])
  }
}
