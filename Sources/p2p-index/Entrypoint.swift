// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import Glibc
import IndexServer
import ProcessSupport
import WireProtocol

@main
struct Entrypoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "p2p-index",
    abstract: "The index of a network of peers: which peer shares which documents, and at which address.",
    discussion: """
      It stores no documents: those of a peer are listed while the peer is connected. Its key is in --state; with a key
      it speaks TLS 1.3 with clients that do, on the same port. Under p2p-supervisor it gets its settings from there.
      Exit status: 0 stopped; 1 cannot listen; 64 wrong usage; 69 supervisor gone; 75 temporary failure (too few threads).

      If other machines reach it, it serves members only, unless --open is given: p2pctl network invite --socket SOCKET

      Example: p2p-index --listen :7734 --state ~/.local/state/p2p/index --allow-advertise 10.0.0.0/8
      """,
    version: "p2p-index \(ProtocolVersion.program)")

  @Option(
    help: ArgumentHelp("Where to listen; :PORT means all addresses, port 0 any free port.", valueName: "host:port"),
    transform: { try Endpoint($0) })
  var listen = Endpoint.defaultIndex

  @Option(
    help: ArgumentHelp(
      "Addresses that peers may advertise without connecting from them. May be repeated. Default: none.",
      valueName: "address[/bits]"), transform: { try AddressRange($0) })
  var allowAdvertise: [AddressRange] = []

  @Option(help: "The directory of its key, created if missing. Needed unless it listens on loopback only.")
  var state: String?

  @Option(help: "Serve members only: the control socket, to be made, through which they are invited.") var control:
    String?
  @Flag(help: "Serve every peer.") var open = false

  @Option(help: "Which connections it takes without TLS; loopback: those of this machine.")
  var plain = PlainConnections.loopback

  static func main() {
    ProcessResources.requireCommandLine(program: "p2p-index")
    // A supervisor passes no arguments, so a restart need not load the parser.
    if CommandLine.arguments.count < 2 { Glibc.exit(IndexProcess.run()) }
    main(nil)
  }

  func run() throws {
    var options = IndexProcess.Options()
    (options.listen, options.allowAdvertise) = (listen, allowAdvertise)
    (options.state, options.plain, options.control, options.isOpen) = (state, plain, control, open)
    throw ExitCode(IndexProcess.run(options))
  }
}

extension PlainConnections: ExpressibleByArgument {}
