// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// The faults of a run and their times. Determined by the seed alone.
package struct FaultPlan: Sendable, Equatable {
  package enum Change: Hashable, Sendable {
    case begin(Fault)
    case end(Fault)
  }

  package struct Event: Hashable, Sendable {
    /// Milliseconds since the start.
    package let at: Int
    package let change: Change
  }

  /// Frequencies of faults.
  package struct Mix: Sendable {
    package let kinds: [(choice: Fault.Kind, weight: Int)]
    /// Milliseconds between two beginnings.
    package let gap: ClosedRange<Int>

    /// Every fault that is possible here.
    package static func storm(without missing: Set<Fault.Kind>) -> Mix {
      let weights: [(choice: Fault.Kind, weight: Int)] = [
        (.kill, 20), (.pause, 10), (.reset, 10), (.stall, 8), (.corrupt, 8), (.fillDisk, 6), (.readOnly, 6),
        (.limitFileSize, 5), (.hostile, 20), (.restart, 4), (.takeAway, 3), (.reload, 1),
      ]
      return Mix(kinds: weights.filter { !missing.contains($0.choice) }, gap: 50...900)
    }

    /// No faults, only orderly restarts and absences.
    package static let calm = Mix(kinds: [(.restart, 1), (.takeAway, 2)], gap: 5_000...30_000)
  }

  /// Ordered by time. Every fault that begins also ends within the duration.
  package let events: [Event]

  /// - Parameters:
  ///   - duration: in milliseconds.
  ///   - peers: number of peers.
  package init(seed: UInt64, duration: Int, peers: Int, mix: Mix) {
    var random = SeededGenerator(seed: seed)
    var events: [Event] = []
    var busyUntil: [Fault: Int] = [:]
    var now = Int.random(in: mix.gap, using: &random)
    while now < duration {
      if let kind = random.pick(weighted: mix.kinds) {
        let fault = Self.fault(kind, peers: max(1, peers), &random)
        let length = fault.milliseconds.map { Int.random(in: $0, using: &random) }
        // A fault does not begin again before it has ended.
        if busyUntil[fault, default: 0] <= now {
          events.append(Event(at: now, change: .begin(fault)))
          if let length {
            let end = min(now + length, duration)
            busyUntil[fault] = end + 1
            events.append(Event(at: end, change: .end(fault)))
          }
        }
      }
      now += Int.random(in: mix.gap, using: &random)
    }
    // A stable sort: events at the same time keep their order.
    self.events = events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  private static func fault(_ kind: Fault.Kind, peers: Int, _ random: inout SeededGenerator) -> Fault {
    let peer = Int.random(in: 0..<peers, using: &random)
    switch kind {
    case .kill: return .kill(victim(peer, &random))
    case .pause: return .pause(victim(peer, &random))
    case .reset: return .reset(random.once(in: 2) ? .index : .uploads)
    case .stall: return .stall(random.once(in: 2) ? .index : .uploads)
    case .corrupt: return .corrupt
    case .fillDisk: return .fillDisk
    case .readOnly: return .readOnly(peer)
    case .limitFileSize: return .limitFileSize(peer)
    case .hostile: return hostile(peer, &random)
    case .restart: return .restart(random.once(in: 4) ? .index : .peer(peer))
    case .takeAway: return .takeAway(peer)
    case .reload: return .reload
    }
  }

  private static func victim(_ peer: Int, _ random: inout SeededGenerator) -> Victim {
    random.pick(weighted: [(.index, 3), (.supervisor, 1), (.peer(peer), 6)]) ?? .index
  }

  private static func hostile(_ peer: Int, _ random: inout SeededGenerator) -> Fault {
    let targets: [(choice: HostileTarget, weight: Int)] = [
      (.index, 3), (.uploads(peer), 3), (.control(peer), 2), (.supervisor, 1),
    ]
    let kind = HostileBytes.Kind.allCases.randomElement(using: &random) ?? .noise
    return .hostile(kind, to: random.pick(weighted: targets) ?? .index)
  }
}
