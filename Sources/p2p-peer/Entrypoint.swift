// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import Glibc
import PeerDaemon
import ProcessSupport
import WireProtocol

@main
struct Entrypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "p2p-peer",
    abstract: "A peer of the network: shares files, serves them to others and fetches theirs.",
    discussion: """
      p2pctl talks to it over its control socket. Under p2p-supervisor it gets its settings and its listening sockets from
      there and takes no options.

      Exit status: 0 stopped by SIGTERM, SIGINT or its supervisor; 1 cannot start; 64 wrong usage; 69 supervisor gone;
      75 temporary failure (the disk is full).

      Example: p2p-peer --name alice --state ~/.local/state/p2p/alice --socket /tmp/alice.sock --index 127.0.0.1:7734
      """,
    version: "p2p-peer \(ProtocolVersion.program)")

  @Option(help: "The name of this peer.", transform: { try PeerName($0) }) var name: PeerName
  @Option(help: "The directory of its key and catalogue; created if missing.") var state: String
  @Option(help: "The path of its control socket.") var socket: String
  @Option(
    help: "The index to use until p2pctl connect sets another, HOST:PORT.",
    transform: { try Endpoint(destination: $0, defaultPort: Endpoint.defaultIndexPort) })
  var index = Endpoint.defaultIndex
  @Option(
    help: "Where other peers connect, HOST:PORT. Default: any port, on loopback if the index is on loopback.",
    transform: { try Endpoint($0) })
  var listen: Endpoint?
  @Option(
    help: "The IP address under which others reach it, if another; the index has to allow it.",
    transform: { try HostAddress(numeric: $0) })
  var advertise: HostAddress?
  @Option(help: "Which other peers may connect without TLS; loopback: those of this machine.")
  var plain = PlainConnections.loopback

  static func main() {
    ProcessResources.requireCommandLine(program: "p2p-peer")
    if PeerProcess.isSupervised { Glibc.exit(PeerProcess.run(nil)) }
    // The parser would print all of its help.
    if CommandLine.arguments.count < 2 {
      exit(withError: ValidationError("--name, --state and --socket are required"))
    }
    main(nil)
  }

  func run() throws {
    throw ExitCode(
      PeerProcess.run(
        .init(
          name: name, state: state, index: index, listen: listen, advertise: advertise, plain: plain, socket: socket)))
  }
}

extension PlainConnections: ExpressibleByArgument {}
