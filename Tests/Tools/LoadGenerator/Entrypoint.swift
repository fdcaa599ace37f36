// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

@main
struct Entrypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bin/bench",
    abstract: "Measures this project beside peer programs: medians of several rounds, in turn.",
    discussion: """
      Everything runs on this machine and shares its processors, so that only ratios within one run mean anything.
      State lies in a temporary directory, in memory where there is room, and is removed at the end.

      Exit status: 0 measured, whatever the goals; 1 something failed; 64 wrong use; 130 interrupted.

      Example: bin/bench quick --json /tmp/bench.jsonl
      """)

  enum Extent: String, ExpressibleByArgument, CaseIterable {
    case full
    case quick
    case restart
  }

  @Argument(help: "full takes at most five minutes, quick at most two; restart kills 100 times and takes four.")
  var extent = Extent.full

  @Option(help: "How often restart kills.")
  var kills = 100

  @Option(help: ArgumentHelp("Where every single value goes, as lines of JSON.", valueName: "file"))
  var json = ".build/bench.jsonl"

  @Option(help: ArgumentHelp("Where the executables of a release lie.", valueName: "directory"))
  var executables = ".build/release"

  @Option(help: ArgumentHelp("An empty directory for all state.", valueName: "directory"))
  var scratch: String

  func run() throws {
    let services = try Services()
    defer { services.end() }
    let effort: Effort =
      switch extent {
      case .full: .full
      case .quick: .quick
      case .restart: .restart(kills: max(1, kills))
      }
    let bench = try Bench(
      effort: effort, executables: executables, directory: scratch, services: services, report: Self.report)
    try bench.run()
    try TextFile.write(try bench.lines(), to: json)
    print(bench.table(), terminator: "")
    Self.report("every value is in \(json)")
  }

  private static func report(_ message: String) {
    let line = Array("bench: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
