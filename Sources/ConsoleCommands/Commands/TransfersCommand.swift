// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct TransfersCommand: ConsoleCommand {
  static let example = "transfers"
  static let configuration: CommandConfiguration = .verb(
    "transfers", "Show downloads and active uploads.",
    "Rates are those of the last seconds. An upload ends when everything was sent, or when nothing was asked for 5 s.")

  @Flag(help: "Also show the downloads that ended within the last day.")
  var all = false

  @Flag(help: "Show them every second, until Ctrl-C.")
  var watch = false

  @OptionGroup var daemon: DaemonOptions

  private static let interval = Duration.seconds(1)

  func perform(on console: Console) throws -> ExitStatus {
    guard watch else { return try show(on: console) }
    let isDrawn = console.terminal.isOutput && !console.terminal.isDumb && !daemon.json
    while true {
      // Home, and clear what is below.
      if isDrawn { try console.write("\u{1B}[H\u{1B}[J") }
      _ = try show(on: console)
      try console.flush()
      try console.pause(Self.interval)
    }
  }

  private func show(on console: Console) throws -> ExitStatus {
    var table = Table(
      [
        Table.Column("ID", .right, rank: 8), Table.Column("STATE", rank: 8),
        Table.Column("DIRECTION"), Table.Column("MOVED", .right, rank: 7), Table.Column("SIZE", .right, rank: 3),
        Table.Column("RATE", .right, rank: 6), Table.Column("LEFT", .right, rank: 5),
        Table.Column("PEER", rank: 4, isFlexible: true), Table.Column("WHAT", rank: 9, isFlexible: true),
      ], width: console.tableWidth, style: console.style)
    var problems = [String]()
    let reply = try DaemonClient(console: console, options: daemon).request(
      .transfers(all: all), for: ControlTransfersReply.self
    ) {
      guard case .transfer(let transfer) = $0 else { return }
      if daemon.json {
        try console.writeJSON(transfer.members)
      } else {
        try console.write(table.add(Self.cells(of: transfer)))
        if let error = transfer.error { problems.append("\(transfer.id): \(error)") }
      }
    }
    try console.write(table.finish())
    for problem in problems { console.noteLine(TextRules.escapedForTerminal(problem)) }
    if reply.transfers == 0, !daemon.json { console.noteLine(all ? "No transfers." : "No active transfers.") }
    return .done
  }

  static func cells(of transfer: RunningTransfer) -> [String] {
    [
      "\(transfer.id)", transfer.state, transfer.direction.rawValue, Quantity.size(transfer.received),
      Quantity.size(transfer.content.size),
      Quantity.rate(transfer.rate, seconds: 1), transfer.eta.map { Quantity.duration(Double($0)) } ?? "-",
      transfer.sources.map(\.name).joined(separator: ","),
      transfer.key?.text ?? String(transfer.content.root.hex.prefix(DocumentFormat.rootPrefix)),
    ]
  }
}
