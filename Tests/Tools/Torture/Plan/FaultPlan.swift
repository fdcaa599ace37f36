// SPDX-License-Identifier: Apache-2.0

/// What goes wrong when. It follows from its seed alone.
package struct FaultPlan: Sendable, Equatable {
  package enum Change: Hashable, Sendable {
    case begin(Fault)
    case end(Fault)
  }

  package struct Event: Hashable, Sendable {
    /// Since the start, in milliseconds.
    package let at: Int
    package let change: Change
  }

  /// How much of what.
  package struct Mix: Sendable {
    package let kinds: [(choice: Fault.Kind, weight: Int)]
    /// Between two beginnings, in milliseconds.
    package let gap: ClosedRange<Int>

    /// Everything that is permitted here.
    package static func storm(without missing: Set<Fault.Kind>) -> Mix {
      let weights: [(choice: Fault.Kind, weight: Int)] = [
        (.kill, 20), (.pause, 10), (.reset, 10), (.stall, 8), (.corrupt, 8), (.fillDisk, 6), (.readOnly, 6),
        (.limitFileSize, 5), (.hostile, 20), (.restart, 4), (.takeAway, 3), (.reload, 1),
      ]
      return Mix(kinds: weights.filter { !missing.contains($0.choice) }, gap: 50...900)
    }

    /// No faults: peers come and go as they do on a quiet day.
    package static let calm = Mix(kinds: [(.restart, 1), (.takeAway, 2)], gap: 5_000...30_000)
  }

  /// In the order of time. What begins also ends, within the duration.
  package let events: [Event]

  /// - Parameters:
  ///   - duration: in milliseconds.
  ///   - peers: how many there are.
  package init(seed: UInt64, duration: Int, peers: Int, mix: Mix) {
    var random = SeededGenerator(seed: seed)
    var events: [Event] = []
    var busyUntil: [Fault: Int] = [:]
    var now = Int.random(in: mix.gap, using: &random)
    while now < duration {
      if let kind = random.pick(mix.kinds) {
        let fault = Self.fault(kind, peers: max(1, peers), &random)
        let length = fault.milliseconds.map { Int.random(in: $0, using: &random) }
        // What lasts still cannot begin again.
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
    // Stable: what ends goes before what begins at the same time only if it came first.
    self.events = events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  private static func fault(_ kind: Fault.Kind, peers: Int, _ random: inout SeededGenerator) -> Fault {
    let peer = Int.random(in: 0..<peers, using: &random)
    switch kind {
    case .kill: return .kill(victim(peer, &random))
    case .pause: return .pause(victim(peer, &random))
    case .reset: return .reset(random.chance(1, of: 2) ? .index : .uploads)
    case .stall: return .stall(random.chance(1, of: 2) ? .index : .uploads)
    case .corrupt: return .corrupt
    case .fillDisk: return .fillDisk
    case .readOnly: return .readOnly(peer)
    case .limitFileSize: return .limitFileSize(peer)
    case .hostile: return hostile(peer, &random)
    case .restart: return .restart(random.chance(1, of: 4) ? .index : .peer(peer))
    case .takeAway: return .takeAway(peer)
    case .reload: return .reload
    }
  }

  private static func victim(_ peer: Int, _ random: inout SeededGenerator) -> Victim {
    random.pick([(.index, 3), (.supervisor, 1), (.standby, 1), (.peer(peer), 6)]) ?? .index
  }

  private static func hostile(_ peer: Int, _ random: inout SeededGenerator) -> Fault {
    let targets: [(choice: HostileTarget, weight: Int)] = [
      (.index, 3), (.uploads(peer), 3), (.control(peer), 2), (.supervisor, 1),
    ]
    let kind = HostileBytes.Kind.allCases.randomElement(using: &random) ?? .noise
    return .hostile(kind, to: random.pick(targets) ?? .index)
  }
}
