// SPDX-License-Identifier: Apache-2.0

import Testing
import TestSupport
import Torture

@Suite struct FaultPlanTests {
  private static let storm = FaultPlan.Mix.storm(without: [])

  private func plan(seed: UInt64, duration: Int = 60_000, mix: FaultPlan.Mix = storm) -> FaultPlan {
    FaultPlan(seed: seed, duration: duration, peers: 4, mix: mix)
  }

  @Test func `same seed gives same plan`() {
    #expect(plan(seed: 7) == plan(seed: 7))
    #expect(plan(seed: 7) != plan(seed: 8))
  }

  @Test func `events are ordered and within the duration`() {
    for seed in UInt64(0)..<20 {
      let times = plan(seed: seed).events.map(\.at)
      #expect(times == times.sorted())
      #expect(times.allSatisfy { (0...60_000).contains($0) })
      #expect(times.count > 60)
    }
  }

  @Test func `lasting fault ends before it begins again`() {
    for seed in UInt64(0)..<20 {
      var lasting: Set<Fault> = []
      for event in plan(seed: seed).events {
        switch event.change {
        case .begin(let fault) where fault.milliseconds != nil:
          #expect(lasting.insert(fault).inserted, "\(fault) begins again")
        case .begin: break
        case .end(let fault): #expect(lasting.remove(fault) != nil, "\(fault) never began")
        }
      }
      #expect(lasting.isEmpty, "\(lasting) never ends")
    }
  }

  @Test func `long storm has every fault and every victim`() {
    let begun = plan(seed: 1, duration: 600_000).events.compactMap { event -> Fault? in
      if case .begin(let fault) = event.change { fault } else { nil }
    }
    #expect(Set(begun.map(\.kind)) == Set(Fault.Kind.allCases))
    let killed = begun.compactMap { fault -> Victim? in if case .kill(let victim) = fault { victim } else { nil } }
    #expect(Set(killed) == [.index, .supervisor, .peer(0), .peer(1), .peer(2), .peer(3)])
  }

  @Test func `impossible faults are left out`() {
    let missing: Set<Fault.Kind> = [.fillDisk, .readOnly]
    for event in plan(seed: 3, duration: 300_000, mix: .storm(without: missing)).events {
      if case .begin(let fault) = event.change { #expect(!missing.contains(fault.kind)) }
    }
  }

  @Test func `calm run has no faults`() {
    let quiet: Set<Fault.Kind> = [.restart, .takeAway]
    let events = plan(seed: 3, duration: 600_000, mix: .calm).events
    #expect(!events.isEmpty)
    for event in events {
      if case .begin(let fault) = event.change { #expect(quiet.contains(fault.kind)) }
    }
  }

  @Test(arguments: HostileBytes.Kind.allCases)
  func `hostile bytes are reproducible and bounded`(kind: HostileBytes.Kind) {
    var (first, second) = (SeededGenerator(seed: 5), SeededGenerator(seed: 5))
    let bytes = HostileBytes.make(kind, &first)
    #expect(bytes == HostileBytes.make(kind, &second))
    #expect((1...(4 << 20)).contains(bytes.count))
  }
}
