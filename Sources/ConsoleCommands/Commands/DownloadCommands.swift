// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

/// The downloads that a command line names: a number, a key, a prefix or all.
struct DownloadChoice: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The number of a download, as in transfers, or its key or prefix.", valueName: "job"))
  var job: String?

  @Flag(help: "All downloads that have not ended.")
  var all = false

  func validate() throws {
    _ = try selection
  }

  var selection: DownloadSelection {
    get throws {
      switch (job, all) {
      case (nil, true): return .all
      case (let job?, false):
        // A bare number is a download here, not an RFC.
        if let number = Int64(job), (0...Content.maximumSize).contains(number) { return .job(number) }
        do {
          switch try GetSubject(job) {
          case .key(let key): return .key(key)
          case .prefix(let prefix): return .prefix(prefix)
          }
        } catch let error as InvalidValue {
          throw ValidationError("expected the number of a download or a key: \(error.reason)")
        }
      case (nil, false), (.some, true): throw ValidationError("specify a download, its key, or --all")
      }
    }
  }

  /// Sends a request about them and reports the outcome.
  /// - Parameter verb: what has happened to them: `paused`.
  func carryOut(
    _ request: (DownloadSelection) -> ControlRequest, _ verb: String, _ options: DaemonOptions, on console: Console,
    timeout: Duration? = DaemonClient.timeout
  ) throws -> ExitStatus {
    let reply: ControlDownloadsReply = try DaemonClient(console: console, options: options).request(
      request(try selection), timeout: timeout)
    if options.json {
      try console.writeJSON(reply.members)
    } else {
      try console.writeLine("\(Quantity.count(reply.downloads, "download")) \(verb)")
    }
    return .done
  }
}

struct PauseCommand: ConsoleCommand {
  static let example = "pause 7"
  static let configuration: CommandConfiguration = .verb(
    "pause", "Pause downloads.",
    "What is verified is kept. resume makes them go on, and so does the same get.")

  @OptionGroup var choice: DownloadChoice
  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    try choice.carryOut({ .pause(PauseDownloads($0)) }, "paused", daemon, on: console)
  }
}

struct ResumeCommand: ConsoleCommand {
  static let example = "resume --all"
  static let configuration: CommandConfiguration = .verb(
    "resume", "Let paused downloads go on.", "Downloads that wait for a source or for the disk try again at once.")

  @OptionGroup var choice: DownloadChoice
  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    try choice.carryOut(ControlRequest.resume, "resumed", daemon, on: console)
  }
}

struct CancelCommand: ConsoleCommand {
  static let example = "cancel rfc/793"
  static let configuration: CommandConfiguration = .verb(
    "cancel", "End downloads and remove what was fetched.", "Finished files stay where they are.")

  @OptionGroup var choice: DownloadChoice
  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    // Large files take a while to remove.
    try choice.carryOut(ControlRequest.cancel, "cancelled", daemon, on: console, timeout: nil)
  }
}
