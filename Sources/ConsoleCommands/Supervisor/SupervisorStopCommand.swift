// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct SupervisorStopCommand: ConsoleCommand {
  static let example = "supervisor stop"
  static let configuration: CommandConfiguration = .verb(
    "stop", "Stop a process; without a name, all processes and the supervisor.", "Returns when it has stopped.")

  /// The supervisor stops everything within 10 s.
  private static let timeout = Duration.seconds(15)

  @Argument(help: ArgumentHelp("The process: index or a peer.", valueName: "process"))
  var name: String?

  @OptionGroup var options: SupervisorCommandOptions

  func perform(on console: Console) throws -> ExitStatus {
    let supervisor = SupervisorClient(console: console, home: options.home)
    if let name { return try stop(name, supervisor, on: console) }
    do {
      var connection = try supervisor.open()
      try stop(&connection)
    } catch let error as ControlError {
      guard let locked = try supervisor.locked(after: error) else {
        guard SupervisorClient.isMissing(error) else { throw try supervisor.failure(error) }
        console.noteLine("No supervisor is running: nothing to stop.")
        return .done
      }
      guard try locked.stop(timeout: Self.timeout) else { throw Self.stillStopping }
      console.noteLine("Stopped \(locked.name) by a signal: its control socket was missing or dead.")
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
        // Other processes may take longer; only this one matters.
      }
    }
    let processes = try supervisor.withConnection { try $0.processes() }
    try options.write(processes, on: console)
    guard processes.contains(where: { $0.name == name && $0.state == "stopping" }) else { return .done }
    throw CommandFailure(
      .failed, "\(TextRules.escapedForTerminal(name)) is still stopping",
      ["Check its progress: p2pctl supervisor status"])
  }

  private func stop(_ connection: inout ControlConnection) throws {
    // Opened before the request: afterwards the pid may belong to another process.
    let process = connection.peerProcess.flatMap { ProcessWatch(pid: $0) }
    try connection.supervise(.stop(name: nil), timeout: Self.timeout)
    let isGone =
      if let process {
        try process.waitForExit(timeout: Self.timeout)
      } else {
        try connection.waitForEnd(timeout: Self.timeout)
      }
    guard isGone else { throw Self.stillStopping }
  }

  private static let stillStopping = CommandFailure(
    .failed, "the supervisor is still stopping its processes", ["Check its progress: p2pctl supervisor status"])
}
