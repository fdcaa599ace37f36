// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import WireProtocol

struct ConnectCommand: ConsoleCommand {
  static let example = "connect index.example.org"
  static let configuration: CommandConfiguration = .verb(
    "connect", "Choose the index.", "The choice is kept and wins over the settings until connect --default.")

  @Argument(help: ArgumentHelp("HOST[:PORT]; without a port \(Endpoint.defaultIndexPort).", valueName: "address"))
  var address: String?

  @Flag(name: .customLong("default"), help: "Return to the index of the settings.")
  var usesDefault = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    guard (address == nil) == usesDefault else { throw ValidationError("name an address, or --default") }
    do { _ = try endpoint } catch let error as InvalidValue { throw ValidationError(error.reason) }
  }

  func perform(on console: Console) throws -> ExitStatus {
    let reply = try DaemonClient(console: console, options: daemon).request(
      .connect(try endpoint), for: ControlConnectReply.self)
    if daemon.json {
      try console.writeJSON(reply.members)
    } else if reply.connected {
      try console.writeLine("connected to \(TextRules.escapedForTerminal(reply.address.description))")
    }
    guard reply.connected else {
      throw CommandFailure(
        .unavailable, "no index answers at \(TextRules.escapedForTerminal(reply.address.description))",
        usesDefault
          ? ["It is the index of the settings, and the daemon goes on trying."]
          : ["The choice is kept, and the daemon goes on trying.", "Take it back with: p2pctl connect --default"])
    }
    return .done
  }

  private var endpoint: Endpoint? {
    get throws {
      guard let address else { return nil }
      return try Endpoint(destination: address, defaultPort: Endpoint.defaultIndexPort)
    }
  }
}
