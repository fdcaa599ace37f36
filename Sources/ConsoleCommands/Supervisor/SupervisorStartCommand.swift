// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import ProcessSupport
import WireProtocol

struct SupervisorStartCommand: ConsoleCommand {
  static let example = "supervisor start --serve-index :7734 --peer alice"
  static let configuration: CommandConfiguration = .verb(
    "start", "Start the index and peers in the background.",
    """
    Without flags, reads the configuration; without a configuration, serves an index on \(Endpoint.defaultIndex) and \
    runs one peer named after you. Returns when everything is ready. With the name of a process, starts that process \
    again in the running supervisor.
    """)

  @Argument(help: ArgumentHelp("A stopped or parked process: index or a peer.", valueName: "process"))
  var name: String?

  @Option(
    defaultAsFlag: Endpoint.defaultIndex.description,
    help: ArgumentHelp("Serve an index; the default address is \(Endpoint.defaultIndex).", valueName: "host:port"))
  var serveIndex: String?

  @Option(help: ArgumentHelp("Use the index at this address.", valueName: "host:port"))
  var index: String?

  @Option(help: ArgumentHelp("Run a peer with this name; may be repeated.", valueName: "name[=host:port]"))
  var peer: [String] = []

  @Option(help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file())
  var config: String?

  @OptionGroup var options: SupervisorCommandOptions

  func validate() throws {
    if name != nil, !flags.isEmpty { throw ValidationError("a process name cannot be combined with flags") }
    do throws(InvalidValue) {
      if let serveIndex { _ = try Endpoint(serveIndex) }
      if let index { _ = try Endpoint(destination: index, defaultPort: Endpoint.defaultIndexPort) }
      for peer in peer { try Self.check(peer: peer) }
    } catch {
      throw ValidationError(error.reason)
    }
  }

  func perform(on console: Console) throws -> ExitStatus {
    if let name {
      return try SupervisorAction(.start(name: name), options: options).perform(on: console)
    }
    let supervisor = SupervisorClient(console: console, home: options.home)
    if let running = try alreadyRunning(supervisor) {
      try options.write(running, on: console)
      console.noteLine(
        "Already running."
          + (flags.isEmpty ? "" : " To start it with other flags, stop it first: p2pctl supervisor stop"))
      return .done
    }
    let started = try SupervisorLaunch(
      console: console, layout: try layout(on: console), flags: try arguments(on: console)
    )
    .perform()
    try options.write(started.processes, on: console)
    guard started.isReady else { throw CommandFailure.notReady(started.processes) }
    console.noteLine("Stop it with: p2pctl supervisor stop" + homeHint)
    return .done
  }

  /// The processes of a supervisor that answers; `nil` if none does.
  private func alreadyRunning(_ supervisor: SupervisorClient) throws -> [ProcessStatus]? {
    do {
      return try supervisor.processes()
    } catch ControlError.noSocket, ControlError.refused {
      return nil
    } catch let error as ControlError {
      throw CommandFailure(error, whom: "the supervisor")
    }
  }

  private func layout(on console: Console) throws -> Layout {
    if let home = options.home { return Layout(home: try console.absolutePath(home, orFail: .usage)) }
    guard let layout = console.environment.layouts.first else { throw CommandFailure(SocketSearch.Failure.nowhere) }
    return layout
  }

  /// Tells how other commands find a supervisor with `--home`.
  private var homeHint: String {
    guard let home = options.home else { return "" }
    let path = TextRules.escapedForTerminal(home)
    return " --home \(path)\nFor other commands, set P2P_HOME=\(path)"
  }

  // MARK: Flags of run

  private var flags: [String] {
    var flags = [String]()
    if let serveIndex { flags += ["--serve-index", serveIndex] }
    if let index { flags += ["--index", index] }
    for peer in peer { flags += ["--peer", peer] }
    if let config { flags += ["--config", config] }
    return flags
  }

  /// With absolute paths, because the supervisor runs in another directory.
  private func arguments(on console: Console) throws -> [String] {
    var absolute = self
    absolute.config = try config.map { try console.absolutePath($0, orFail: .usage) }
    let named = options.home ?? console.environment.variable("P2P_HOME").flatMap { $0.isEmpty ? nil : $0 }
    let home = try named.map { ["--home", try console.absolutePath($0, orFail: .usage)] } ?? []
    return ["run"] + home + absolute.flags
  }

  private static func check(peer: String) throws(InvalidValue) {
    let parts = peer.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    _ = try PeerName(String(parts.first ?? ""))
    if parts.count == 2 { _ = try Endpoint(String(parts[1])) }
  }
}
