// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import WireProtocol

struct ConnectCommand: ConsoleCommand {
  static let example = "connect index.example.org"
  static let configuration: CommandConfiguration = .verb(
    "connect", "Choose the index to use, or show it.",
    "The choice is saved and overrides the configuration until connect --default. Without an address, shows the index.")

  @Argument(help: ArgumentHelp("HOST[:PORT]; the default port is \(Endpoint.defaultIndexPort).", valueName: "address"))
  var address: String?

  @Flag(name: .customLong("default"), help: "Return to the configured index.")
  var usesDefault = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if address != nil, usesDefault { throw ValidationError("specify either an address or --default") }
    do { _ = try endpoint } catch let error as InvalidValue { throw ValidationError(error.reason) }
  }

  func perform(on console: Console) throws -> ExitStatus {
    if address == nil, !usesDefault { return try show(on: console) }
    let reply = try DaemonClient(console: console, options: daemon).request(
      .connect(try endpoint), for: ControlConnectReply.self)
    if daemon.json {
      try console.writeJSON(reply.members)
    } else if reply.connected {
      try console.writeLine("connected to \(TextRules.escapedForTerminal(reply.address.description))")
    }
    guard reply.connected else {
      throw CommandFailure(
        .unavailable,
        TextRules.escapedForTerminal("no index answers at \(reply.address)" + (reply.error.map { ": \($0)" } ?? "")),
        usesDefault
          ? ["This is the configured index. The daemon keeps retrying."]
          : ["The choice was saved, and the daemon keeps retrying.", "Undo with: p2pctl connect --default"])
    }
    return .done
  }

  private func show(on console: Console) throws -> ExitStatus {
    let status = try DaemonClient(console: console, options: daemon).request(.status, for: ControlStatusReply.self)
    if daemon.json {
      try console.writeJSON(status.index.members)
    } else {
      try console.writeLine(TextRules.escapedForTerminal(StatusCommand.text(of: status.index)))
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
