// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport

/// Measures how long an honest client of the index waits while others do their worst.
///
/// The hostile connections are served by one thread with low priority, so they use one processor at most.
final class HostileBench {
  enum Kind: String, CaseIterable, Sendable {
    /// Nobody else.
    case quiet
    /// Pipelined requests of four connections.
    case ping, lookup, peer, search, add
    /// The same batch again and again.
    case again = "repeat"
    /// A session of 300,000 records that drops.
    case departure
    /// Clients that ask for large answers and do not read them.
    case answers
    /// Clients with a line that does not end.
    case unfinished
    /// Connections that say nothing, more than the index takes.
    case silent
    /// Clients that watch everything, and one that adds documents.
    case fanout
    /// No attack: as many watches and changes as an index is meant for.
    case watch
  }

  private static let records = 300_000
  private static let duration = Duration.seconds(4)
  /// How long after the end of a flood its memory is looked at.
  private static let pause: UInt32 = 2
  /// Fewer than there are silent connections.
  private static let fewDescriptors = 10_000

  private let kinds: [Kind]
  private let rounds: Int
  private let makeIndex: (_ descriptors: Int?) throws -> HostileIndex
  private let report: (String) -> Void
  private(set) var results = Results(Figure.hostile)

  init(
    rounds: Int, kinds: [Kind], executables: String, directory: String, services: Services,
    report: @escaping (String) -> Void
  ) {
    self.kinds = kinds
    self.rounds = rounds
    self.report = report
    makeIndex = { descriptors in
      try HostileIndex(executables: executables, directory: directory, services: services, descriptors: descriptors)
    }
  }

  func run() throws {
    for round in 1...rounds {
      for kind in kinds {
        report("round \(round), \(kind.rawValue)")
        let index = try makeIndex(kind == .silent ? Self.fewDescriptors : nil)
        defer { index.end() }
        if kind == .watch {
          for sample in try WatchTrial(index: index, round: round, report: report).run() { results.add(sample) }
        } else {
          try measure(kind, round, index)
        }
      }
    }
  }

  private func measure(_ kind: Kind, _ round: Int, _ index: HostileIndex) throws {
    let honest = try index.session(3, port: kind == .unfinished ? 3 : nil)
    let waits: [Double]
    var floods = [Flood]()
    defer { for flood in floods { flood.stop() } }
    if kind == .departure {
      var leaving: RawConnection? = try index.session(2)
      if let leaving {
        try HostileIndex.fill(leaving, Self.records) { HostileLines.document("data/\($0)", $0, "title \($0)") }
      }
      leaving = nil
      waits = try self.waits(honest)
    } else {
      floods = try kind.habits.map { try Flood(index.endpoint, $0) }
      switch kind {
      case .silent:
        waits = try self.waits(honest)
        try add(waitsOfNewClients(index), .hostileSilentNew, round, try index.milliseconds("delay", by: honest))
      case .unfinished: waits = try self.waits(honest) { try Self.addMuch(honest) }
      default: waits = try self.waits(honest)
      }
    }
    try add(waits, kind.figure, round, try index.milliseconds("delay", by: honest))
    if let figure = kind.memoryFigure {
      let most = try index.memory().most
      for flood in floods { flood.stop() }
      floods = []
      sleep(Self.pause)
      results.add(Sample(figure, Figure.own, round: round, value: most))
      results.add(Sample(figure, Figure.afterwards, round: round, value: try index.memory().now))
    }
  }

  /// - Parameter delay: what the index has measured itself.
  private func add(_ waits: [Double], _ figure: Figure.ID, _ round: Int, _ delay: (p99: Double, max: Double)) throws {
    guard let statistics = Statistics(waits) else { throw BenchFailure("nothing was measured") }
    for (contender, value) in [
      (Figure.own, statistics.percentile(99)), (Figure.median, statistics.median), (Figure.longest, statistics.most),
      (Figure.queue, delay.p99), (Figure.longestQueue, delay.max),
    ] {
      results.add(Sample(figure, contender, round: round, value: value))
    }
  }

  // MARK: The honest client

  /// Asks one request after the other, a ping and a look-up in turn.
  /// - Parameter now: called each half second.
  /// - Returns: milliseconds.
  private func waits(_ honest: RawConnection, everyHalfSecond now: () throws -> Void = {}) throws -> [Double] {
    var last = ContinuousClock.now
    return try waits {
      if ContinuousClock.now - last > .milliseconds(500) {
        try now()
        last = .now
      }
      return [#"{"id":3,"op":"ping"}"#, #"{"id":4,"op":"lookup","key":"file/none"}"#].map { line in
        { _ = try honest.ask(line) }
      }
    }
  }

  /// Comes anew each time: connects, says hello and pings.
  private func waitsOfNewClients(_ index: HostileIndex) throws -> [Double] {
    try waits {
      [{ _ = try index.session(4, port: nil).ask(#"{"id":3,"op":"ping"}"#) }]
    }
  }

  private func waits(_ requests: () throws -> [() throws -> Void]) throws -> [Double] {
    let clock = ContinuousClock()
    let end = clock.now + Self.duration
    var milliseconds = [Double]()
    while clock.now < end {
      for request in try requests() { milliseconds.append(try clock.measure(request).inMilliseconds) }
      usleep(2_000)
    }
    return milliseconds
  }

  /// A batch of 600 kB must be taken, whatever others hold.
  private static func addMuch(_ honest: RawConnection) throws {
    let title = String(repeating: "t", count: 500)
    let documents = (0..<900).map { HostileLines.document("data/much/\($0)", $0, title) }
    guard try honest.ask(HostileLines.add(documents))["status"] == 200 else {
      throw BenchFailure("the index refuses a batch of an honest client")
    }
  }
}

extension HostileBench.Kind {
  fileprivate var habits: [Flood.Habit] {
    var habit = Flood.Habit()
    habit.lines = HostileLines.lines(of: self)
    switch self {
    case .quiet, .departure, .watch: return []
    case .ping, .lookup, .peer, .search, .add, .again: break
    case .fanout:
      (habit.connections, habit.repeats) = (156, false)
      var adding = Flood.Habit()
      (adding.connections, adding.lines) = (1, HostileLines.lines(of: .add))
      return [habit, adding]
    case .answers: (habit.connections, habit.reads) = (400, false)
    case .unfinished: (habit.connections, habit.reads, habit.repeats) = (600, false, false)
    case .silent:
      (habit.connections, habit.hosts) = (15_000, 15)
      (habit.greets, habit.reads, habit.repeats) = (false, false, false)
    }
    return [habit]
  }
}
