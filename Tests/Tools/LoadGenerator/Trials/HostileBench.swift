// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import TestSupport

/// Measures how long an honest client of the index waits while four connections do their worst.
///
/// The hostile connections are served by one thread with low priority, so they use one processor at most.
final class HostileBench {
  enum Kind: String, CaseIterable, Sendable {
    /// Nobody else.
    case quiet
    /// Pipelined requests.
    case ping, lookup, peer, search, add
    /// The same batch again and again.
    case again = "repeat"
    /// A session of 300,000 records that drops.
    case departure
  }

  private static let connections = 4
  /// Contents under one key.
  private static let crowd = 50_000
  private static let records = 300_000
  private static let duration = Duration.seconds(4)

  private let endpoint: Endpoint
  private let kinds: [Kind]
  private let rounds: Int
  private let report: (String) -> Void
  private(set) var results = Results(Figure.hostile)

  init(
    rounds: Int, kinds: [Kind], executables: String, directory: String, services: Services,
    report: @escaping (String) -> Void
  ) throws {
    endpoint = Endpoint(host: "127.0.0.1", port: try LoopbackPort.free())
    self.kinds = kinds
    self.rounds = rounds
    self.report = report
    _ = try services.start(
      executables + "/p2p-index", ["--listen", endpoint.description], log: directory + "/index.log")
    try LoopbackPort.waitForServer(at: endpoint)
  }

  func run() throws {
    let crowd = try session(1)
    try fill(crowd, Self.crowd) { number in HostileLines.document("file/crowd", number, "title word\(number)") }
    let pulse = KeptAlive([crowd])
    defer { pulse.stop() }
    for round in 1...rounds {
      for kind in kinds {
        report("round \(round), \(kind.rawValue)")
        try measure(kind, round)
      }
    }
  }

  private func measure(_ kind: Kind, _ round: Int) throws {
    let waits: Waits
    if kind == .departure {
      var leaving: RawConnection? = try session(2)
      if let leaving {
        try fill(leaving, Self.records) { number in HostileLines.document("data/\(number)", number, "title \(number)") }
      }
      leaving = nil
      waits = try waitHonestly()
    } else {
      let flood =
        try kind == .quiet
        ? nil
        : Flood(
          endpoint, connections: Self.connections, lines: HostileLines.lines(of: kind))
      defer { flood?.stop() }
      waits = try waitHonestly()
    }
    for (contender, value) in [
      (Figure.own, waits.quantile(0.99)), ("p50", waits.quantile(0.5)), ("max", waits.quantile(1)),
    ] {
      results.add(Sample(kind.figure, contender, round: round, value: value))
    }
  }

  /// Asks one request after the other, a ping and a look-up in turn.
  private func waitHonestly() throws -> Waits {
    let honest = try session(3, port: nil)
    let clock = ContinuousClock()
    let end = clock.now + Self.duration
    var waits = Waits()
    while clock.now < end {
      for line in [#"{"id":3,"op":"ping"}"#, #"{"id":4,"op":"lookup","key":"file/none"}"#] {
        waits.add(try clock.measure { _ = try honest.ask(line) })
      }
      usleep(2_000)
    }
    return waits
  }

  private func session(_ number: Int, port: Int? = 1) throws -> RawConnection {
    let connection = try RawConnection(to: endpoint)
    _ = try connection.ask(HostileLines.hello(number, port: port))
    return connection
  }

  private func fill(_ connection: RawConnection, _ count: Int, _ document: (Int) -> String) throws {
    for start in stride(from: 0, to: count, by: 1000) {
      _ = try connection.ask(HostileLines.add((start..<start + 1000).map(document)))
    }
  }
}

/// How long requests took.
private struct Waits {
  private var milliseconds: [Double] = []

  mutating func add(_ wait: Duration) {
    milliseconds.append(wait.inSeconds * 1000)
  }

  func quantile(_ share: Double) -> Double {
    let sorted = milliseconds.sorted()
    return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }
}

extension HostileBench.Kind {
  var figure: Figure.ID {
    switch self {
    case .quiet: .hostileQuiet
    case .ping: .hostilePing
    case .lookup: .hostileLookup
    case .peer: .hostilePeer
    case .search: .hostileSearch
    case .add: .hostileAdd
    case .again: .hostileRepeat
    case .departure: .hostileDeparture
    }
  }
}

extension Figure {
  /// How long an honest client waits, by what the others do: the 99th percentile, beside the median and the maximum.
  static let hostile: [Figure] = [
    row(.hostileQuiet, "others: none"), row(.hostilePing, "others: pings"),
    row(.hostileLookup, "others: look-ups of 50,000 contents"),
    row(.hostilePeer, "others: look-ups of one peer among these"),
    row(.hostileSearch, "others: searches for words"), row(.hostileAdd, "others: documents of many words"),
    row(.hostileRepeat, "others: one batch repeated"),
    row(.hostileDeparture, "a session of 300,000 records drops", within: 50),
  ]

  private static func row(_ id: ID, _ title: String, within goal: Double = 10) -> Figure {
    Figure(id, title + ": wait, p99", .milliseconds, rivals: [Rival("p50"), Rival("max")], goal: .within(goal))
  }
}
