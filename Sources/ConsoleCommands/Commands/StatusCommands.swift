// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct StatusCommand: ConsoleCommand {
  static let example = "status --json"
  static let configuration: CommandConfiguration = .verb(
    "status", "Show the daemon's status: its index, its address and what it shares.")

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let status = try DaemonClient(console: console, options: daemon).request(.status, for: ControlStatusReply.self)
    if daemon.json {
      try console.writeJSON(Self.members(of: status))
    } else {
      try console.write(Self.text(of: status))
    }
    return .done
  }

  static func members(of status: ControlStatusReply) -> JSONMembers {
    [
      "peer": .string(status.name.text), "id": .string(status.peer.hex), "socket": .string(status.socket),
      "uploads": .string(status.uploads.description), "index": status.index.json,
      "documents": .integer(Int64(status.documents)), "bytes": .integer(status.bytes),
    ]
  }

  static func text(of status: ControlStatusReply) -> String {
    let index = status.index
    let rows = [
      ("peer", status.name.text), ("id", status.peer.hex), ("socket", status.socket),
      ("uploads", status.uploads.description),
      (
        "index",
        "\(index.address), \(index.connected ? "connected" : "not connected") since \(index.since)"
          + (index.source == .connect ? " (chosen with connect)" : "") + (index.error.map { ": \($0)" } ?? "")
      ),
      ("shares", "\(Quantity.count(status.documents, "document")), \(Quantity.size(status.bytes))"),
    ]
    return rows.map { name, value in
      name + String(repeating: " ", count: 9 - name.count) + TextRules.escapedForTerminal(value) + "\n"
    }.joined()
  }
}

struct PeersCommand: ConsoleCommand {
  static let example = "peers --limit 20"
  static let configuration: CommandConfiguration = .verb("peers", "List the peers that are connected to the index.")

  @Option(help: ArgumentHelp("Maximum number of peers.", valueName: "number"))
  var limit: Int?

  @OptionGroup var daemon: DaemonOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
  }

  func perform(on console: Console) throws -> ExitStatus {
    var table = Table(
      [Table.Column("PEER"), Table.Column("ID"), Table.Column("DOCUMENTS", .right), Table.Column("ADDRESS")],
      width: console.tableWidth, style: console.style)
    _ = try DaemonClient(console: console, options: daemon).request(.peers(limit: limit), for: ControlPeersReply.self) {
      guard case .peer(let peer) = $0 else { return }
      if daemon.json {
        try console.writeJSON(Self.members(of: peer))
      } else {
        try console.write(
          table.add([
            peer.name.text, String(peer.peer.hex.prefix(DocumentFormat.rootPrefix)), String(peer.documents),
            Endpoint(host: peer.host, port: peer.port).description,
          ]))
      }
    }
    try console.write(table.finish())
    return .done
  }

  static func members(of peer: PeerListing) -> JSONMembers {
    [
      "peer": .string(peer.name.text), "id": .string(peer.peer.hex), "host": .string(peer.host),
      "port": .integer(Int64(peer.port)), "documents": .integer(Int64(peer.documents)),
    ]
  }
}

struct TransfersCommand: ConsoleCommand {
  static let example = "transfers"
  static let configuration: CommandConfiguration = .verb("transfers", "Show active downloads and uploads.")

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    var table = Table(
      [
        Table.Column("DIRECTION"), Table.Column("DONE", .right), Table.Column("SIZE", .right),
        Table.Column("RATE", .right), Table.Column("PEER"), Table.Column("HOST"), Table.Column("WHAT"),
      ], width: console.tableWidth, style: console.style)
    let reply = try DaemonClient(console: console, options: daemon).request(.transfers, for: ControlTransfersReply.self)
    {
      guard case .transfer(let transfer) = $0 else { return }
      if daemon.json {
        try console.writeJSON(transfer.members)
      } else {
        try console.write(table.add(Self.cells(of: transfer)))
      }
    }
    try console.write(table.finish())
    if reply.transfers == 0, !daemon.json { console.noteLine("No active transfers.") }
    return .done
  }

  static func cells(of transfer: RunningTransfer) -> [String] {
    [
      transfer.direction.rawValue, Quantity.size(transfer.done), Quantity.size(transfer.content.size),
      Quantity.rate(transfer.done, seconds: transfer.seconds), transfer.peer, transfer.host,
      transfer.key?.text ?? String(transfer.content.root.hex.prefix(DocumentFormat.rootPrefix)),
    ]
  }
}
