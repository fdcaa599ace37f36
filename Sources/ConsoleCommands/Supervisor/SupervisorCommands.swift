// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct SupervisorStatusCommand: ConsoleCommand {
  static let example = "supervisor status --json"
  static let configuration: CommandConfiguration = .verb("status", "Show all processes and their states.")

  @OptionGroup var options: SupervisorCommandOptions

  func perform(on console: Console) throws -> ExitStatus {
    let supervisor = SupervisorClient(console: console, home: options.home)
    try options.write(try supervisor.withConnection { try $0.processes() }, on: console)
    return .done
  }
}

struct SupervisorRestartCommand: ConsoleCommand {
  static let example = "supervisor restart alice"
  static let configuration: CommandConfiguration = .verb(
    "restart", "Restart a process; without a name, all processes.")

  @Argument(help: ArgumentHelp("The process: index or a peer.", valueName: "process"))
  var name: String?

  @OptionGroup var options: SupervisorCommandOptions

  func perform(on console: Console) throws -> ExitStatus {
    try SupervisorAction(.restart(name: name), options: options).perform(on: console)
  }
}

struct SupervisorReloadCommand: ConsoleCommand {
  static let example = "supervisor reload"
  static let configuration: CommandConfiguration = .verb(
    "reload", "Reload the configuration.",
    "Prints which settings were changed, and which take effect at the next start of the supervisor.")

  @OptionGroup var options: SupervisorCommandOptions

  func perform(on console: Console) throws -> ExitStatus {
    try SupervisorAction(.reload, options: options).perform(on: console) { reply in
      let applied = Self.names(reply["applied"])
      console.noteLine(applied.isEmpty ? "No settings have changed." : "Changed: \(applied)")
      let postponed = Self.names(reply["postponed"])
      if !postponed.isEmpty { console.noteLine("Takes effect at the next start of the supervisor: \(postponed)") }
    }
  }

  private static func names(_ list: JSONValue?) -> String {
    TextRules.escapedForTerminal((list?.array ?? []).compactMap(\.string).joined(separator: ", "))
  }
}

/// Sends one request to the supervisor, waits until its processes have settled, and shows them.
struct SupervisorAction {
  /// How long the processes may take to become ready.
  static let settling = Duration.seconds(30)

  let operation: SupervisorRequest.Operation
  let options: SupervisorCommandOptions

  init(_ operation: SupervisorRequest.Operation, options: SupervisorCommandOptions) {
    self.operation = operation
    self.options = options
  }

  /// - Parameter explain: receives the answer before the wait for its effect.
  func perform(on console: Console, explain: (JSONValue) -> Void = { _ in }) throws -> ExitStatus {
    var isReady = true
    let processes = try SupervisorClient(console: console, home: options.home).withConnection { connection in
      explain(try connection.supervise(operation))
      isReady = try connection.waitUntilSettled(timeout: Self.settling)
      return try connection.processes()
    }
    try options.write(processes, on: console)
    guard isReady else { throw CommandFailure.notReady(processes) }
    return .done
  }
}

extension CommandFailure {
  private static let maxNamed = 3

  private static func name(of process: ProcessStatus) -> String { TextRules.escapedForTerminal(process.name) }

  /// Reports that some processes are not ready.
  static func notReady(_ processes: [ProcessStatus]) -> CommandFailure {
    let missing = processes.filter { $0.state != "ready" && $0.state != "stopped" }
    let isRetried = missing.contains { $0.state == "backing-off" || $0.state == "starting" }
    var details = missing.map(ProcessFormat.state)
    details += missing.prefix(maxNamed).map { "Find the cause: p2pctl logs \(name(of: $0))" }
    if isRetried { details.append("The supervisor keeps retrying.") }
    details += missing.prefix(maxNamed).map { "To start it at once: p2pctl supervisor start \(name(of: $0))" }
    return CommandFailure(.failed, "some processes are not ready", details)
  }
}

/// The options that all supervisor commands share.
struct SupervisorCommandOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The base directory. Default: P2P_HOME, else your XDG directories (root: /etc/p2p, /run/p2p, /var/lib/p2p).",
      valueName: "dir"))
  var home: String?

  @Flag(help: "Print one JSON object per line.")
  var json = false
}

extension SupervisorCommandOptions {
  func write(_ processes: [ProcessStatus], on console: Console) throws {
    if json {
      for process in processes { try console.writeJSON(ProcessFormat.members(of: process)) }
    } else {
      try console.write(ProcessFormat.table(of: processes, width: console.tableWidth, style: console.style))
    }
  }
}
