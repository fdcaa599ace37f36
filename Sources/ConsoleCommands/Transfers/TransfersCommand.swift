// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct TransfersCommand: ConsoleCommand {
  static let example = "transfers --watch"
  static let configuration: CommandConfiguration = .verb(
    "transfers", "Show downloads and active uploads.",
    """
    Rates are those of the last seconds. An upload ends when everything was sent, or when nothing was asked for 5 s.

    --watch draws a screen each second, with the sources of each download, their rates, and a map of its pieces: from \
    empty to full for each stretch of the file. What does not fit is counted in the last line. Where standard output is no \
    terminal, it prints the table each second in which something has changed; with --json each row that has changed, and an \
    upload that has ended once more, as done.
    """)

  @Flag(help: "Also show the downloads that ended within the last day.")
  var all = false

  @Flag(help: "Show them every second, until Ctrl-C.")
  var watch = false

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    if watch { try TransferWatch(console: console, options: daemon, all: all).run() }
    var table = Table(TransferTable.columns, width: console.tableWidth, style: console.style)
    var problems = TransferProblems()
    let reply = try DaemonClient(console: console, options: daemon).request(
      .transfers(ListTransfers(all: all)), for: ControlTransfersReply.self
    ) {
      guard case .transfer(let transfer) = $0 else { return }
      if daemon.json {
        try console.writeJSON(transfer.members)
      } else {
        try console.write(table.add(TransferTable.cells(of: transfer)))
        problems.add(transfer)
      }
    }
    try console.write(table.finish())
    for problem in problems.lines { console.noteLine(TextRules.escapedForTerminal(problem)) }
    if reply.transfers == 0, !daemon.json { console.noteLine(all ? "No transfers." : "No active transfers.") }
    return .done
  }
}
