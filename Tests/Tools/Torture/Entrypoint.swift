// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

@main
struct Entrypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bin/torture",
    abstract: "Runs an index and four peers under a supervisor, injects faults, and checks the result.",
    discussion: """
      Faults: kill -9, SIGSTOP, connection resets, stalls and corrupted bytes (through a proxy), a full disk, read-only \
      directories, limited file sizes, files that change while the daemon uses them, and hostile bytes on every socket. \
      Meanwhile documents are added, looked up, fetched and removed. Afterwards all processes must be ready, no final name \
      may hold a wrong byte, every acknowledged add must be in the catalogue and in the index, and there must be no record \
      of a dead session, no orphan process, and no growth of memory or descriptors.

      A seed repeats the same faults and requests; their timing depends on the machine. Only loopback addresses and a \
      temporary directory are used. After a failure the logs are kept and their path is printed.

      Exit status: 0 no fault found; 1 a fault found, or it could not run; 64 usage; 130 interrupted.

      Example: bin/torture 60 42
      """)

  @Argument(help: "Duration of the faults in seconds. The checks follow.")
  var seconds = 60

  @Argument(help: "Determines the faults; random by default. It is printed.")
  var seed: UInt64 = .random(in: 0...999_999)

  @Flag(
    help: "A closed network: all connections use TLS, and peers show each other passes. No bytes are corrupted then.")
  var closed = false

  @Flag(help: "No faults: only restarts, while memory and descriptors are sampled. For long runs.")
  var calm = false

  @Option(
    help: ArgumentHelp("Longest pause of each of the eight users between two requests.", valueName: "milliseconds"))
  var pause: Int?

  @Option(
    help: ArgumentHelp("Output of memory and descriptors per process, one JSON object per line.", valueName: "file"))
  var samples: String?

  @Option(help: ArgumentHelp("Where to keep the logs after a failure.", valueName: "directory"))
  var keep = ".build/torture"

  @Option(help: ArgumentHelp("The directory of the executables.", valueName: "directory"))
  var executables = ".build/debug"

  @Option(help: ArgumentHelp("An empty directory for all state.", valueName: "directory"))
  var scratch: String

  func validate() throws {
    guard (1...100_000).contains(seconds) else { throw ValidationError("SECONDS is from 1 to 100000") }
  }

  func run() throws {
    let options = Torture.Options(
      seconds: seconds, seed: seed, isClosed: closed, isCalm: calm, pause: pause ?? (calm ? 400 : 60), samples: samples,
      keep: keep,
      executables: executables, scratch: scratch)
    let status = try Torture(options).run()
    guard status == 0 else { throw ExitCode(status) }
  }
}
