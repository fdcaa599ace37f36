// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct SupervisorStopCommand: ConsoleCommand {
  static let example = "supervisor stop"
  static let configuration: CommandConfiguration = .verb(
    "stop", "Stop a process; without a name, everything and the supervisor itself.", "Returns when it is gone.")

  /// It stops everything within 10 s.
  private static let timeout = Duration.seconds(15)

  @Argument(help: ArgumentHelp("The process: index, or a peer.", valueName: "process"))
  var name: String?

  @OptionGroup var options: SupervisorCommandOptions

  func perform(on console: Console) throws -> ExitStatus {
    let supervisor = SupervisorClient(console: console, home: options.home)
    if let name { return try stop(name, supervisor, on: console) }
    do {
      var connection = try supervisor.open()
      try stop(&connection)
    } catch ControlError.noSocket, ControlError.refused {
      console.noteLine("No supervisor runs here: there is nothing to stop.")
      return .done
    } catch let error as ControlError {
      throw CommandFailure(error, whom: "the supervisor")
    }
    if options.json {
      try console.writeJSON(["stopped": .bool(true)])
    } else {
      try console.writeLine("stopped")
    }
    return .done
  }

  private func stop(_ name: String, _ supervisor: SupervisorClient, on console: Console) throws -> ExitStatus {
    try supervisor.withConnection { connection in
      try connection.supervise(.stop(name: name))
      do {
        _ = try connection.waitUntilSettled(timeout: Self.timeout)
      } catch ControlError.noAnswer {
        // Others may be on their way for longer; what counts is this one.
      }
    }
    let processes = try supervisor.withConnection { try $0.processes() }
    try options.write(processes, on: console)
    guard processes.contains(where: { $0.name == name && $0.state == "stopping" }) else { return .done }
    throw CommandFailure(
      .failed, "\(TextRules.escapedForTerminal(name)) is still stopping",
      ["See how far it is: p2pctl supervisor status"])
  }

  private func stop(_ connection: inout ControlConnection) throws {
    // Looked up before it is asked to end: afterwards the number may belong to another.
    let process = connection.peerProcess.flatMap { ProcessWatch(pid: $0) }
    try connection.supervise(.stop(name: nil), timeout: Self.timeout)
    let isGone =
      if let process {
        try process.waitForExit(timeout: Self.timeout)
      } else {
        try connection.waitForEnd(timeout: Self.timeout)
      }
    guard isGone else {
      throw CommandFailure(
        .failed, "the supervisor is still stopping its processes", ["See how far it is: p2pctl supervisor status"])
    }
  }
}
