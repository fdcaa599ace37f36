// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import Glibc
import ProcessSupport
import SupervisorDaemon

@main
struct Entrypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "p2p-supervisor", abstract: "Starts an index and peers, and keeps them running.",
    version: SupervisorRun.version, subcommands: [Run.self])

  static func main() {
    ProcessResources.requireCommandLine(program: "p2p-supervisor")
    main(nil)
  }
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run in the foreground until SIGTERM.", discussion: SupervisorRun.help)

  @Option(
    help: "The directory of configuration, state, sockets and logs. Default: P2P_HOME, else the user's directories.")
  var home: String?
  @Option(defaultAsFlag: Endpoint.defaultIndex.description, help: "Serve an index. Default: 127.0.0.1:7734.")
  var serveIndex: String?
  @Option(help: "Use this index.", transform: { try Endpoint(destination: $0, defaultPort: Endpoint.defaultIndexPort) })
  var index: Endpoint?
  @Flag(help: "Keep an index that was chosen with p2pctl connect, although --index names another.")
  var keepConnect = false
  @Option(
    name: .customLong("peer"), parsing: .singleValue, help: "Run this peer, NAME or NAME=HOST:PORT. May be repeated.",
    transform: { try RunFlags.Peer($0) })
  var peers: [RunFlags.Peer] = []
  @Flag(help: "Let the served index admit every peer, not only members.")
  var open = false
  @Option(help: "The configuration file. Default: config/p2p.toml of the installation.")
  var config: String?
  @Flag(help: "Print a configuration with all settings and their defaults, and exit.")
  var printDefaultConfig = false

  // Not a transform: with an optional value, the parser would take a wrong one for another argument.
  func validate() throws { _ = try serveIndex.map { try Endpoint($0, defaultPort: 7734) } }

  func run() throws {
    let served = try serveIndex.map { try Endpoint($0, defaultPort: 7734) }
    if printDefaultConfig { return print(SupervisorRun.defaultConfiguration, terminator: "") }
    do throws(SupervisorError) {
      let flags = RunFlags(serveIndex: served, index: index, peers: peers, keepsConnect: keepConnect, open: open)
      try SupervisorRun.run { () throws(SupervisorError) in
        try SupervisorInvocation.options(flags: flags, home: home, configuration: config)
      }
    } catch {
      let line = Array("p2p-supervisor: \(error)\n".utf8)
      _ = write(STDERR_FILENO, line, line.count)
      throw ExitCode(error.exitStatus)
    }
  }
}
