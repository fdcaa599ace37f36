// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct TransfersCommand: ConsoleCommand {
  static let example = "transfers"
  static let configuration: CommandConfiguration = .verb(
    "transfers", "Show active downloads and uploads.",
    "Rates are those of the last seconds. An upload ends when everything was sent, or when nothing was asked for 5 s.")

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    var table = Table(
      [
        Table.Column("DIRECTION"), Table.Column("MOVED", .right, rank: 7), Table.Column("SIZE", .right, rank: 3),
        Table.Column("RATE", .right, rank: 6), Table.Column("LEFT", .right, rank: 5),
        Table.Column("PEER", rank: 4, isFlexible: true), Table.Column("WHAT", rank: 9, isFlexible: true),
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
      transfer.direction.rawValue, Quantity.size(transfer.received), Quantity.size(transfer.content.size),
      Quantity.rate(transfer.rate, seconds: 1), transfer.eta.map { Quantity.duration(Double($0)) } ?? "-",
      transfer.sources.map(\.name).joined(separator: ","),
      transfer.key?.text ?? String(transfer.content.root.hex.prefix(DocumentFormat.rootPrefix)),
    ]
  }
}
