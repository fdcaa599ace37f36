import ArgumentParser
import ControlClient
import LineJSON
import WireProtocol

struct SupervisorStopCommand: ConsoleCommand {
  static let words = ["supervisor", "stop"]
  static let example = "supervisor stop"
  static let configuration: CommandConfiguration = .verb(
    "stop", "Stop a process; without a name, everything and the supervisor itself.", "Returns when it is gone.")

  /// It stops everything within 10 s.
  private static let patience = Duration.seconds(15)

  @Argument(help: "The process: index, or a peer.")
  var name: String?

  @OptionGroup var options: SupervisorOptions

  func perform(on console: Console) throws -> ExitStatus {
    if let name {
      return try SupervisorRequestRun(.stop(name: name), options: options, waits: false).perform(on: console)
    }
    let supervisor = Supervisor(console: console, home: options.home)
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

  private func stop(_ connection: inout ControlConnection) throws {
    // Looked up before it is asked to end: afterwards the number may belong to another.
    let process = connection.peerProcess.flatMap { ListeningProcess(pid: $0) }
    try connection.supervise(.stop(name: nil), patience: Self.patience)
    let isGone =
      if let process {
        try process.waitForEnd(patience: Self.patience)
      } else {
        try connection.waitForEnd(patience: Self.patience)
      }
    guard isGone else {
      throw CommandFailure(
        .failed, "the supervisor is still stopping its processes", ["See how far it is: p2pctl supervisor status"])
    }
  }
}
