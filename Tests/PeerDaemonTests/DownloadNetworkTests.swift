// SPDX-License-Identifier: Apache-2.0

import ContentStore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// A download while its peer is in another network than that in which it began.
@Suite struct DownloadNetworkTests {
  private typealias Machine = DownloadMachine

  private enum Event {
    case join, admitted, noSource, full, stopped, pause, cancel
  }

  @discardableResult
  private func apply(_ event: Event, to machine: inout Machine) -> [Machine.Action] {
    var random = SeededGenerator(seed: 1)
    let gone = WireFailure(.noSource, "no source answers")
    switch event {
    case .join: return machine.join(1)
    case .admitted: return machine.admitted()
    case .noSource: return machine.ended(.noSource(gone, hasChanged: false, hasGained: false), using: &random)
    case .full: return machine.ended(.storage(WireFailure(.cannotCreate, "the disk is full")), using: &random)
    case .stopped: return machine.ended(.stopped, using: &random)
    case .pause: return machine.pause()
    case .cancel: return machine.cancel()
    }
  }

  private func active() -> Machine {
    var machine = Machine()
    for event in [.join, .admitted] as [Event] { apply(event, to: &machine) }
    return machine
  }

  private static let elsewhere = WireFailure(.unavailable, "began in another network")

  @Test func `unfinished download waits while its peer is in another network`() {
    var machine = active()
    #expect(machine.networkLeft(Self.elsewhere) == [.stop])
    #expect(machine.phase == .waiting && machine.isBusy)
    var random = SeededGenerator(seed: 1)
    #expect(machine.ended(.stopped, using: &random) == [.answer([1], .failure(Self.elsewhere))])
    #expect(machine.state == .waiting(.otherNetwork) && machine.error == Self.elsewhere)
    // Neither time nor news nor a command makes it ask an index.
    #expect(machine.timerFired().isEmpty && machine.sourcesMayBeBack().isEmpty && machine.resume().isEmpty)
    #expect(machine.probed(true, using: &random).isEmpty)
    #expect(machine.state == .waiting(.otherNetwork))
    #expect(machine.networkEntered().isEmpty)
    #expect(machine.state == .queued && machine.error == nil)
  }

  @Test func `download that is done as its peer leaves the network is done`() {
    var machine = active()
    _ = machine.networkLeft(Self.elsewhere)
    var random = SeededGenerator(seed: 1)
    #expect(machine.ended(.done, using: &random) == [.answer([1], .done)])
    #expect(machine.state == .done && machine.error == nil)
  }

  @Test func `waiting and queued downloads leave without a step, paused ones stay paused`() {
    for path in [[], [.join, .admitted, .noSource], [.join, .admitted, .full]] as [[Event]] {
      var machine = Machine()
      for step in path { _ = apply(step, to: &machine) }
      #expect(machine.networkLeft(Self.elsewhere).isEmpty, "\(path)")
      #expect(machine.state == .waiting(.otherNetwork), "\(path)")
      #expect(apply(.pause, to: &machine).isEmpty && machine.state == .paused && machine.error == nil, "\(path)")
      #expect(machine.networkLeft(Self.elsewhere).isEmpty && machine.state == .paused, "\(path)")
    }
  }

  @Test func `command decides over a download that is being stopped for another network`() {
    for (event, state) in [(.pause, .paused), (.cancel, .cancelled)] as [(Event, Machine.State)] {
      var machine = active()
      _ = machine.networkLeft(Self.elsewhere)
      #expect(apply(event, to: &machine).isEmpty)
      _ = apply(.stopped, to: &machine)
      #expect(machine.state == state)
    }
    var back = active()
    _ = back.networkLeft(Self.elsewhere)
    #expect(back.networkEntered().isEmpty)
    _ = apply(.stopped, to: &back)
    #expect(back.state == .queued && back.error == nil)
  }
}
