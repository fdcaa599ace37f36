// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// Measures all figures, round by round, each program next to its rivals.
final class Bench {
  let effort: Effort
  let directory: String
  let installation: Installation
  let rivals: RivalServers
  let documents: Documents
  private(set) var results: Results
  let report: (String) -> Void

  /// - Parameters:
  ///   - executables: the directory of a release build.
  ///   - directory: an empty directory for all state.
  ///   - report: receives progress messages.
  init(
    effort: Effort, executables: String, directory: String, services: Services, report: @escaping (String) -> Void
  ) throws {
    self.effort = effort
    self.directory = directory
    self.report = report
    results = Results(Figure.all(large: effort.largeSize))
    report("starting an index, two peers, Redis and nginx in \(directory)")
    let shared = directory + "/documents"
    rivals = try RivalServers(directory: directory, documents: shared, services: services)
    let web = "http://\(rivals.nginx)"
    documents = try Documents(in: shared, largeSize: effort.largeSize) { "\(web)/\($0)" }
    installation = try Installation(executables: executables, directory: directory, services: services)
    try installation.run("alice", "add", documents.large)
    try installation.run("alice", "add", "--recursive", documents.small, "--key", "\(Documents.smallCollection)/")
    try storeAnswersInRedis()
  }

  func run() throws {
    for round in 1..<effort.rounds + 1 {
      report("round \(round) of \(effort.rounds)")
      try measureHashing(round)
      try measureLoad(round)
      try measureTransfers(round)
      try measureStart(round)
      try measureColdStart(round)
    }
    report("\(effort.kills) restarts under load")
    try measureRestarts()
  }

  func add(_ sample: Sample) {
    results.add(sample)
  }

  /// Stores values in Redis that are as long as the answers of the index.
  private func storeAnswersInRedis() throws {
    let connection = try RawConnection(to: try installation.index().endpoint)
    func answer(to request: LoadRequest) throws -> [UInt8] {
      try connection.send(request.bytes)
      guard let line = try connection.line(), line.contains(#""status":200"#) else {
        throw BenchFailure("the index refused a request that is to be measured")
      }
      return Array(line.utf8)
    }
    try connection.send(LoadRequest.lookup("").greeting)
    _ = try connection.line()
    let value = try answer(to: Self.lookup)
    let row = [UInt8](repeating: UInt8(ascii: "x"), count: try answer(to: Self.list).count / Self.page)
    try rivals.store(
      value: value, under: Self.redisKey, rows: Array(repeating: row, count: Self.page), underList: Self.redisList)
  }
}

/// How much to measure.
struct Effort: Sendable {
  let rounds: Int
  /// Size of the large file in bytes.
  let largeSize: Int
  /// Duration of one load.
  let load: Duration
  /// Duration of `openssl speed`, in seconds.
  let speedSeconds: Int
  /// Repetitions per round of measurements that take milliseconds.
  let repetitions: Int
  /// Kills of each process, 2 s apart.
  let kills: Int

  /// Takes at most five minutes.
  static let full = Effort(
    rounds: 5, largeSize: 1 << 30, load: .seconds(1), speedSeconds: 2, repetitions: 10, kills: 20)
  /// Takes at most two minutes.
  static let quick = Effort(
    rounds: 2, largeSize: 256 << 20, load: .milliseconds(500), speedSeconds: 1, repetitions: 5, kills: 5)
  /// Only restarts: 100 take four minutes.
  static func restart(kills: Int) -> Effort {
    Effort(rounds: 0, largeSize: 64 << 20, load: .zero, speedSeconds: 0, repetitions: 0, kills: kills)
  }
}
