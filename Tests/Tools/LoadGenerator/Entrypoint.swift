// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

@main
struct Entrypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bin/bench",
    abstract: "Measures this project beside peer programs, in several rounds.",
    discussion: """
      All programs share the processors of this machine, so only ratios within one run are meaningful. State is kept in a
      temporary directory, in memory if there is room, and removed at the end.

      Exit status: 0 measured, even if a goal was missed; 1 failed; 64 usage; 130 interrupted.

      Example: bin/bench quick --json /tmp/bench.jsonl
      """)

  enum Extent: String, ExpressibleByArgument, CaseIterable {
    case full
    case quick
    case restart
    case transfer
    case index
    case closed
  }

  @Argument(
    help:
      "full takes at most five minutes, quick at most two; restart kills 100 times in four; transfer takes eight; index and closed six."
  )
  var extent = Extent.full

  @Option(help: "Number of kills of each process in restart.")
  var kills = 100

  @Flag(help: "With index: measure how long a client waits while others do their worst.")
  var hostile = false

  @Option(help: "What others do in index; may be repeated. Default: all.")
  var kind: [HostileBench.Kind] = []

  @Option(help: "Number of rounds of transfer, index or closed.")
  var rounds = 3

  @Option(help: "A trial of transfer; may be repeated. Default: all.")
  var trial: [TransferBench.Trial] = []

  @Option(help: ArgumentHelp("Output of every value, one JSON object per line.", valueName: "file"))
  var json = ".build/bench.jsonl"

  @Option(help: ArgumentHelp("The executables of a release build.", valueName: "directory"))
  var executables = ".build/release"

  @Option(help: ArgumentHelp("An empty directory for all state.", valueName: "directory"))
  var scratch: String

  @Option(
    help: ArgumentHelp("An empty directory on a disk, for transfer. Default: as scratch.", valueName: "directory"))
  var disk: String?

  func run() throws {
    let services = try Services()
    defer { services.end() }
    let results = try measure(services)
    try TextFile.write(try results.lines(), to: json)
    print(results.table(), terminator: "")
    Self.report("all values are in \(json)")
  }

  private func measure(_ services: Services) throws -> Results {
    let effort: Effort
    switch extent {
    case .full: effort = .full
    case .quick: effort = .quick
    case .restart: effort = .restart(kills: max(1, kills))
    case .transfer:
      let bench = try TransferBench(
        rounds: max(1, rounds), trials: trial.isEmpty ? TransferBench.Trial.allCases : trial, executables: executables,
        directory: scratch, disk: disk ?? scratch, services: services, report: Self.report)
      try bench.run()
      return bench.results
    case .index:
      guard hostile else {
        let bench = try IndexBench(
          rounds: max(1, rounds), executables: executables, directory: scratch, services: services, report: Self.report)
        try bench.run()
        return bench.results
      }
      let bench = HostileBench(
        rounds: max(1, rounds), kinds: kind.isEmpty ? HostileBench.Kind.allCases : kind, executables: executables,
        directory: scratch, services: services, report: Self.report)
      try bench.run()
      return bench.results
    case .closed:
      let bench = ClosedBench(
        rounds: max(1, rounds), executables: executables, directory: scratch, services: services, report: Self.report)
      try bench.run()
      return bench.results
    }
    let bench = try Bench(
      effort: effort, executables: executables, directory: scratch, services: services, report: Self.report)
    try bench.run()
    return bench.results
  }

  private static func report(_ message: String) {
    let line = Array("bench: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}

extension TransferBench.Trial: ExpressibleByArgument {}
extension HostileBench.Kind: ExpressibleByArgument {}
