// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import WireProtocol

struct ConnectCommand: ConsoleCommand {
  static let example = "connect index.example.org"
  static let configuration: CommandConfiguration = .verb(
    "connect", "Choose the index to use, or show it.",
    "The choice is saved and overrides the configuration until connect --default. Without an address, shows the index. "
      + "What you shared in another network stays unknown to this one without --share-existing. The id of an index is remembered at the first contact by TLS; another one at its address is refused until --id "
      + "names it.")

  @Argument(help: ArgumentHelp("HOST[:PORT]; the default port is \(Endpoint.defaultIndexPort).", valueName: "address"))
  var address: String?

  @Option(
    help: ArgumentHelp(
      "The id that the index has to prove, 64 hex digits. Replaces the one that is known.", valueName: "id"))
  var id: String?

  @Flag(name: .customLong("default"), help: "Return to the configured index.")
  var usesDefault = false

  @Flag(help: "Also announce what was shared in other networks.")
  var shareExisting = false

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if shareExisting, address == nil, !usesDefault {
      throw ValidationError("--share-existing needs the address of the index, or --default")
    }
    if address != nil, usesDefault { throw ValidationError("specify either an address or --default") }
    if id != nil, address == nil { throw ValidationError("--id needs the address of the index") }
    if let id, PeerID(hex: id) == nil { throw ValidationError("--id takes 64 hex digits, as p2pctl status shows them") }
    do { _ = try endpoint } catch let error as InvalidValue { throw ValidationError(error.reason) }
  }

  func perform(on console: Console) throws -> ExitStatus {
    if address == nil, !usesDefault { return try show(on: console) }
    let reply = try DaemonClient(console: console, options: daemon).request(
      .connect(try endpoint, id: id.flatMap { PeerID(hex: $0) }, sharesExisting: shareExisting),
      for: ControlConnectReply.self)
    if daemon.json {
      try console.writeJSON(reply.members)
    } else if reply.connected {
      let id = reply.index.map { ", id \($0)" } ?? ""
      try console.writeLine("connected to \(TextRules.escapedForTerminal(reply.address.description))\(id)")
      console.noteWithheld(
        reply.withheld, command: "connect \(usesDefault ? "--default" : "\(reply.address)")")
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
