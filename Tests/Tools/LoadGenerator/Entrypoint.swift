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
  }

  @Argument(help: "full takes at most five minutes, quick at most two; restart kills 100 times in four.")
  var extent = Extent.full

  @Option(help: "Number of kills of each process in restart.")
  var kills = 100

  @Option(help: ArgumentHelp("Output of every value, one JSON object per line.", valueName: "file"))
  var json = ".build/bench.jsonl"

  @Option(help: ArgumentHelp("The executables of a release build.", valueName: "directory"))
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
    try TextFile.write(try bench.results.lines(), to: json)
    print(bench.results.table(), terminator: "")
    Self.report("all values are in \(json)")
  }

  private static func report(_ message: String) {
    let line = Array("bench: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
