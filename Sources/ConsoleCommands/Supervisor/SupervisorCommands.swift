// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct SupervisorStatusCommand: ConsoleCommand {
  static let example = "supervisor status --json"
  static let configuration: CommandConfiguration = .verb("status", "Show every process and its state.")

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
    "restart", "End a process and start it anew; without a name, every process.")

  @Argument(help: ArgumentHelp("The process: index, or a peer.", valueName: "process"))
  var name: String?

  @OptionGroup var options: SupervisorCommandOptions

  func perform(on console: Console) throws -> ExitStatus {
    try SupervisorAction(.restart(name: name), options: options).perform(on: console)
  }
}

struct SupervisorReloadCommand: ConsoleCommand {
  static let example = "supervisor reload"
  static let configuration: CommandConfiguration = .verb(
    "reload", "Read the configuration again.",
    "It tells which settings have changed, and which wait for the next start of the supervisor.")

  @OptionGroup var options: SupervisorCommandOptions

  func perform(on console: Console) throws -> ExitStatus {
    try SupervisorAction(.reload, options: options).perform(on: console) { reply in
      let applied = Self.names(reply["applied"])
      console.noteLine(applied.isEmpty ? "Nothing has changed." : "Changed: \(applied)")
      let postponed = Self.names(reply["postponed"])
      if !postponed.isEmpty { console.noteLine("Waits for the next start of the supervisor: \(postponed)") }
    }
  }

  private static func names(_ list: JSONValue?) -> String {
    TextRules.escapedForTerminal((list?.array ?? []).compactMap(\.string).joined(separator: ", "))
  }
}

/// One request to the supervisor, after which its processes are shown when all are settled.
struct SupervisorAction {
  /// How long processes may take to become ready.
  static let settling = Duration.seconds(30)

  let operation: SupervisorRequest.Operation
  let options: SupervisorCommandOptions

  init(_ operation: SupervisorRequest.Operation, options: SupervisorCommandOptions) {
    self.operation = operation
    self.options = options
  }

  /// - Parameter explain: gets the answer before its effect is waited for.
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
  /// What to say where some process is not ready.
  static func notReady(_ processes: [ProcessStatus]) -> CommandFailure {
    CommandFailure(
      .failed, "not everything is ready",
      processes.filter { $0.state != "ready" && $0.state != "stopped" }.map(ProcessFormat.state)
        + ["Why: p2pctl logs NAME", "Start it again with: p2pctl supervisor start NAME"])
  }
}

/// Options of all commands to the supervisor.
struct SupervisorCommandOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where everything lies. Default: P2P_HOME, else your XDG directories (root: /etc/p2p, /run/p2p, /var/lib/p2p).",
      valueName: "dir"))
  var home: String?

  @Flag(help: "One JSON object on each line.")
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
