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
    Without flags, reads the configuration; without a configuration, repeats the flags of the last start; without \
    these, serves an index on \(Endpoint.defaultIndex) and runs one peer named after you. Returns when everything is \
    ready, and ends with the connection to the index. --index replaces an index that was chosen with connect. With the \
    name of a process, starts that process again in the running supervisor.
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

  @Flag(help: "Let the served index admit every peer, not only members.")
  var open = false

  @Option(help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file())
  var config: String?

  @Flag(help: "Forget the flags of the last start.")
  var fresh = false

  @OptionGroup var options: SupervisorCommandOptions

  func validate() throws {
    if name != nil, fresh || !flags.isEmpty { throw ValidationError("a process name cannot be combined with flags") }
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
    let layout = try layout(on: console)
    let supervisor = SupervisorClient(console: console, home: options.home)
    if let running = try alreadyRunning(supervisor) {
      try options.write(running, on: console)
      console.noteLine(
        "Already running."
          + (flags.isEmpty && !fresh ? "" : " To start it with other flags, stop it first: p2pctl supervisor stop"))
      if let peer = firstPeer, options.home == nil, !running.contains(where: { $0.role == .peer }) {
        console.noteLine(StartAdvice.adding(peer, in: try supervisor.layout(), on: console))
      }
      try showIndex(of: running, try supervisor.layout(), on: console)
      return .done
    }
    let source = try source(in: layout, on: console)
    noteDropped(by: source, in: layout, on: console)
    if fresh { try RememberedStart.forget(in: layout) }
    let started = try SupervisorLaunch(console: console, layout: layout, flags: try arguments(source, on: console))
      .perform { remember(source, in: layout, on: console) }
    try options.write(started.processes, on: console)
    guard started.isReady else { throw CommandFailure.notReady(started.processes) }
    for warning in started.warnings { console.noteLine("warning: \(warning)") }
    noteClosed(layout, on: console)
    console.noteLine("Stop it with: p2pctl supervisor stop" + homeHint)
    try showIndex(of: started.processes, layout, on: console)
    return .done
  }

  private func showIndex(of processes: [ProcessStatus], _ layout: Layout, on console: Console) throws {
    for line in try IndexConnections.lines(of: processes, in: layout, on: console) {
      if options.json { console.noteLine(line) } else { try console.writeLine(line) }
    }
  }

  /// Whether the index that was started serves members only.
  private func noteClosed(_ layout: Layout, on console: Console) {
    // A supervisor that was killed may have left a socket behind.
    guard (try? ControlConnection.open(layout.indexSocket, role: .index, timeout: console.helloTimeout)) != nil
    else { return }
    console.noteLine("The index serves members only. Invite others with: p2pctl network invite")
  }

  /// The processes of a supervisor that answers; `nil` if none runs.
  private func alreadyRunning(_ supervisor: SupervisorClient) throws -> [ProcessStatus]? {
    do {
      var connection = try supervisor.open()
      return try connection.processes()
    } catch let error as ControlError {
      if SupervisorClient.isMissing(error), try supervisor.locked(after: error) == nil { return nil }
      throw try supervisor.failure(error)
    }
  }

  func layout(on console: Console) throws -> Layout {
    if let home = options.home { return Layout(home: try console.absolutePath(home, orFail: .usage)) }
    guard let layout = console.environment.layouts.first else { throw CommandFailure(SocketSearch.Failure.nowhere) }
    return layout
  }

  /// Tells how other commands find a supervisor with `--home`.
  private var homeHint: String {
    guard let home = options.home else { return "" }
    let path = TextRules.escapedForTerminal(ShellWords.escaped(home, in: nil))
    return " --home \(path)\nFor other commands, set P2P_HOME=\(path)"
  }

  // MARK: Flags of run

  /// Where the flags of this start come from.
  enum Source {
    /// Typed now: absolute, and remembered unless a configuration file exists.
    case typed([String])
    case repeated(RememberedStart)
    case configuration
  }

  func source(in layout: Layout, on console: Console) throws -> Source {
    if flags.isEmpty, StartAdvice.exists(layout.configurationFile) { return .configuration }
    if flags.isEmpty, !fresh, let remembered = try RememberedStart.read(in: layout) { return .repeated(remembered) }
    return .typed(try absolute(on: console).flags)
  }

  /// Flags name exactly what starts: a process of the last start that they leave out should not vanish silently.
  private func noteDropped(by source: Source, in layout: Layout, on console: Console) {
    guard case .typed(let flags) = source, !fresh, !flags.isEmpty, !StartAdvice.exists(layout.configurationFile),
      let dropped = (try? RememberedStart.read(in: layout))?.dropped(by: flags), !dropped.flags.isEmpty
    else { return }
    console.noteLine("No longer started, because flags name exactly what starts: \(dropped.text)")
  }

  func remember(_ source: Source, in layout: Layout, on console: Console) {
    guard case .typed(let flags) = source, !StartAdvice.exists(layout.configurationFile) else { return }
    guard let error = RememberedStart(flags: flags).write(in: layout) else { return }
    let path = TextRules.escapedForTerminal(RememberedStart.path(in: layout))
    console.noteLine("warning: cannot remember these flags for the next start: \(path): \(error)")
  }

  private var flags: [String] {
    var flags = [String]()
    if let serveIndex { flags += ["--serve-index", serveIndex] }
    if let index { flags += ["--index", index] }
    for peer in peer { flags += ["--peer", peer] }
    if open { flags.append("--open") }
    if let config { flags += ["--config", config] }
    return flags
  }

  /// With absolute paths, because the supervisor runs in another directory.
  private func absolute(on console: Console) throws -> Self {
    var absolute = self
    absolute.config = try config.map { try console.absolutePath($0, orFail: .usage) }
    return absolute
  }

  func arguments(_ source: Source, on console: Console) throws -> [String] {
    let named = options.home ?? console.environment.variable("P2P_HOME").flatMap { $0.isEmpty ? nil : $0 }
    let home = try named.map { ["--home", try console.absolutePath($0, orFail: .usage)] } ?? []
    switch source {
    case .configuration: return ["run"] + home
    case .typed(let flags): return ["run"] + home + flags
    case .repeated(let remembered):
      if !remembered.flags.isEmpty {
        console.noteLine(
          "Starting as before: \(remembered.text)\nTo forget these flags: p2pctl supervisor start --fresh")
      }
      // A choice made since then is the later one.
      return ["run"] + home + remembered.flags + (remembered.flags.contains("--index") ? ["--keep-connect"] : [])
    }
  }

  private var firstPeer: PeerName? {
    peer.first?.split(separator: "=", maxSplits: 1).first.flatMap { try? PeerName(String($0)) }
  }

  private static func check(peer: String) throws(InvalidValue) {
    let parts = peer.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    _ = try PeerName(String(parts.first ?? ""))
    if parts.count == 2 { _ = try Endpoint(String(parts[1])) }
  }
}
