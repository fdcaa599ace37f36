// SPDX-License-Identifier: Apache-2.0

import LineJSON
import WireProtocol

/// `transfers --watch`: looks every second until Ctrl-C.
struct TransferWatch {
  private static let interval = Duration.seconds(1)
  /// How soon a change of the terminal's size is followed.
  private static let sizeInterval = Duration.milliseconds(100)
  /// Rows that are asked for, in screens: some have no room for a reason that only their rows tell.
  private static let screens = 2
  private static let maxRows = 1_000

  let console: Console
  let options: DaemonOptions
  let all: Bool

  func run() throws -> Never {
    if options.json { try printChanges() }
    guard console.terminal.isOutput, !console.terminal.isDumb else { try printTables() }
    // Before the screen is taken: a daemon that does not run is reported as usual.
    let first = try look(list, offersStart: true)
    try console.write(LiveScreen.begin)
    console.screenSignals(true)
    defer {
      console.screenSignals(false)
      try? console.write(LiveScreen.end)
    }
    try draw(first)
  }

  private typealias Transfers = (rows: [RunningTransfer], counts: TransferCounts)

  private func look(_ list: ListTransfers, offersStart: Bool = false) throws -> Transfers {
    var rows = [RunningTransfer]()
    let reply = try DaemonClient(console: console, options: options, offersStart: offersStart).request(
      .transfers(list), for: ControlTransfersReply.self
    ) {
      if case .transfer(let transfer) = $0 { rows.append(transfer) }
    }
    return (rows, reply.counts)
  }

  // MARK: On a terminal

  private var list: ListTransfers {
    ListTransfers(all: all, limit: max(console.screenSize().rows, 1) * Self.screens, map: true)
  }

  private func draw(_ first: Transfers) throws -> Never {
    let glyphs = PieceMap.Glyphs(variable: console.environment.variable)
    var transfers = first
    while true {
      let screen = TransferScreen(transfers.rows, counts: transfers.counts, glyphs: glyphs, style: console.style)
      try showUntilNext { screen.lines(columns: $0.columns, rows: $0.rows) }
      transfers = try lookAgain()
    }
  }

  /// A daemon that was killed is soon back.
  private func lookAgain() throws -> Transfers {
    while true {
      do {
        return try look(list)
      } catch let failure as CommandFailure where failure.status == .unavailable {
        let lines = [failure.message] + failure.details + ["Trying again; Ctrl-C ends this."]
        try showUntilNext { size in lines.prefix(size.rows).map { CellWidth.cut($0, to: size.columns) } }
      }
    }
  }

  /// Draws the lines, and again whenever the size changes.
  private func showUntilNext(_ lines: (Console.ScreenSize) -> [String]) throws {
    var shown: Console.ScreenSize?
    for _ in 0..<Int(Self.interval / Self.sizeInterval) {
      let size = console.screenSize()
      if size != shown { try console.write(LiveScreen.frame(lines(size), rows: size.rows)) }
      shown = size
      try console.pause(Self.sizeInterval)
    }
  }

  // MARK: Elsewhere

  /// A table each time that something has changed, with an empty line between two.
  private func printTables() throws -> Never {
    var last = ""
    while true {
      var table = Table(TransferTable.columns, width: console.tableWidth)
      var text = ""
      for row in try look(ListTransfers(all: all, limit: Self.maxRows)).rows {
        text += table.add(TransferTable.cells(of: row))
      }
      text += table.finish()
      if text.isEmpty { text = "No active transfers.\n" }
      if text != last { try console.write(last.isEmpty ? text : "\n" + text) }
      last = text
      try console.flush()
      try console.pause(Self.interval)
    }
  }

  /// Rows that have changed, as objects. One that has ended is printed once more.
  private func printChanges() throws -> Never {
    var known: [Int64: RunningTransfer] = [:]
    var isFirst = true
    while true {
      let rows = try look(ListTransfers(all: true, limit: Self.maxRows)).rows
      for row in rows where known[row.id] != row {
        let hasEnded = Self.endStates.contains(row.state)
        // What had ended before is no change.
        if !hasEnded || all || known[row.id] != nil || !isFirst { try console.writeJSON(row.members) }
        known[row.id] = row
      }
      let present = Set(rows.map(\.id))
      for (id, row) in known.sorted(by: { $0.key < $1.key }) where !present.contains(id) {
        known[id] = nil
        guard row.direction == .upload else { continue }
        var last = row
        last.state = "done"
        last.rate = 0
        last.sources = row.sources.map { source in
          var source = source
          source.rate = 0
          return source
        }
        try console.writeJSON(last.members)
      }
      isFirst = false
      try console.flush()
      try console.pause(Self.interval)
    }
  }

  private static let endStates: Set<String> = ["done", "failed", "cancelled"]
}
