// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

@main
struct Entrypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bin/torture",
    abstract: "Runs an index and four peers under a supervisor while everything goes wrong, and checks what is left.",
    discussion: """
      Random kill -9, SIGSTOP, connection resets, stalls and changed bytes (through a proxy of its own), a full disk, \
      read-only directories, limited files, files that change under the daemon and hostile bytes on every socket, while \
      documents are added, looked up, fetched and removed. Afterwards: no wrong byte under a final name, every \
      acknowledged add in the catalogue and to be found, no record of a dead session, no orphan, no growth of memory and \
      descriptors, everything ready.

      A seed brings back the same faults and the same wishes; what coincides is up to the machine. Everything happens on \
      this machine's loopback addresses and in a temporary directory, and nothing is left of it; after a failure its \
      logs are kept, and the path is told.

      Exit status: 0 nothing was found; 1 something was, or it could not run; 64 wrong use; 130 interrupted.

      Example: bin/torture 60 42
      """)

  @Argument(help: "How long everything goes wrong, in seconds; the checks come after that.")
  var seconds = 60

  @Argument(help: "Decides what goes wrong when; random by default, and told.")
  var seed: UInt64 = .random(in: 0...999_999)

  @Flag(help: "No faults: peers come and go, and memory and descriptors are sampled. For long runs.")
  var calm = false

  @Option(help: ArgumentHelp("Longest pause of each of the eight users between two wishes.", valueName: "milliseconds"))
  var pause: Int?

  @Option(
    help: ArgumentHelp("Where memory and descriptors of every process go, as lines of JSON.", valueName: "file"))
  var samples: String?

  @Option(help: ArgumentHelp("Where logs are kept after a failure.", valueName: "directory"))
  var keep = ".build/torture"

  @Option(help: ArgumentHelp("Where the executables lie.", valueName: "directory"))
  var executables = ".build/debug"

  @Option(help: ArgumentHelp("An empty directory for all state.", valueName: "directory"))
  var scratch: String

  func validate() throws {
    guard (1...100_000).contains(seconds) else { throw ValidationError("SECONDS is from 1 to 100000") }
  }

  func run() throws {
    let options = Torture.Options(
      seconds: seconds, seed: seed, isCalm: calm, pause: pause ?? (calm ? 400 : 60), samples: samples, keep: keep,
      executables: executables, scratch: scratch)
    let status = try Torture(options).run()
    guard status == 0 else { throw ExitCode(status) }
  }
}
