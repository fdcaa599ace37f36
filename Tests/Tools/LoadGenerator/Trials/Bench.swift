// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import TestSupport

/// Measures everything, round by round, each program next to the one beside it.
final class Bench {
  let effort: Effort
  let directory: String
  let installation: Installation
  let rivals: RivalServers
  let documents: Documents
  private(set) var samples: [Sample] = []
  private let figures: [Figure]
  let report: (String) -> Void

  /// - Parameters:
  ///   - executables: the directory of a release build.
  ///   - directory: for all state; exists and is empty.
  ///   - report: takes what is going on, for people.
  init(
    effort: Effort, executables: String, directory: String, services: Services, report: @escaping (String) -> Void
  ) throws {
    self.effort = effort
    self.directory = directory
    self.report = report
    figures = Figure.all(large: effort.largeSize)
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
    samples.append(sample)
  }

  /// The table for people.
  func table() -> String {
    ResultTable(samples).render(figures)
  }

  /// A line of JSON for each sample.
  func lines() throws -> [UInt8] {
    let units = Dictionary(uniqueKeysWithValues: figures.map { ($0.id, $0.unit) })
    return try samples.flatMap { try $0.line(unit: units[$0.figure] ?? .seconds) }
  }

  /// Redis is asked for values of the bytes that the index answers with.
  private func storeAnswersInRedis() throws {
    let connection = try RawConnection(to: try installation.index().endpoint)
    func answer(to request: LoadRequest) throws -> [UInt8] {
      try connection.send(request.bytes)
      guard let line = try connection.line(), line.contains(#""status":200"#) else {
        throw BenchFailure("the index does not answer what is to be measured")
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
