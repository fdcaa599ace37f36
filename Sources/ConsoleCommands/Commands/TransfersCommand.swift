// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import WireProtocol

struct TransfersCommand: ConsoleCommand {
  static let words = ["transfers"]
  static let example = "transfers"
  static let configuration: CommandConfiguration = .verb("transfers", "Show downloads and uploads that are under way.")

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
    if reply.transfers == 0, !daemon.json { console.noteLine("Nothing is under way.") }
    return .done
  }

  static func cells(of transfer: RunningTransfer) -> [String] {
    [
      transfer.direction.rawValue, Quantity.size(transfer.done), Quantity.size(transfer.content.size),
      Quantity.rate(transfer.done, seconds: transfer.seconds), transfer.peer, transfer.host,
      transfer.key?.text ?? String(transfer.content.root.hex.prefix(DocumentRows.rootPrefix)),
    ]
  }
}
