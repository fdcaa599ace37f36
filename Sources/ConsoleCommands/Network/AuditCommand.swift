// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct AuditCommand: ConsoleCommand {
  static let example = "network log -n 20"
  static let configuration: CommandConfiguration = .verb(
    "log", "Show who joined, was invited, revoked or refused.", "Refusals of a kind are counted for a minute.")

  @Option(
    name: [.customShort("n"), .customLong("lines")],
    help: ArgumentHelp("Number of the last entries to show.", valueName: "number"), transform: TypedNumber.rows)
  var lines = 100

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let client = NetworkClient(console: console, options: daemon)
    var entries: [AuditEntry] = []
    // The index gives them in pages from the end.
    try client.pages { before in
      .log(LogRequest(limit: min(lines - entries.count, 500), before: before))
    } next: { (page: LogReply) in
      entries.count < lines ? page.before : nil
    } leads: {
      $1 < $0
    } _: { page in
      entries = page.entries + entries
    }
    // A page has refusals that are still being counted beside those that were asked for.
    for entry in entries.suffix(lines) {
      if daemon.json {
        try console.writeJSON(entry.members)
      } else {
        try console.writeLine(TextRules.escapedForTerminal(Self.text(of: entry)))
      }
    }
    return .done
  }

  /// One line: when, what, whom, and what else is known.
  static func text(of entry: AuditEntry) -> String {
    var words = [entry.time.text, entry.event.rawValue]
    if let prefix = entry.prefix { words.append(prefix) }
    if let peer = entry.peer { words.append(shortID(peer)) }
    if let role = entry.role { words.append("as \(role.rawValue)") }
    if let ticket = entry.ticket { words.append("by ticket \(ticket)") }
    if let by = entry.by { words.append("(\(shortID(by)))") }
    if let host = entry.host { words.append("from \(host)") }
    if let count = entry.count { words.append("\(count) times") }
    if let tickets = entry.tickets { words.append("with \(Quantity.count(tickets, "ticket")) of its making") }
    return words.joined(separator: " ") + (entry.reason.map { ": \($0)" } ?? "")
  }
}

struct NetworkLimitsCommand: ConsoleCommand {
  static let example = "network limits"
  static let configuration: CommandConfiguration = .verb(
    "limits", "Show what members and addresses may have.",
    "They are set in [index] and [network.limits] of the configuration of the index.")

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let reply: LimitsReply = try NetworkClient(console: console, options: daemon).ask(.limits)
    var table = Table(
      [Table.Column("LIMIT"), Table.Column("VALUE", .right, rank: 7), Table.Column("PER", rank: 6)],
      width: console.tableWidth, style: console.style)
    for limit in reply.limits {
      if daemon.json {
        try console.writeJSON(limit.members)
      } else {
        try console.write(table.add([limit.limit, limit.value.map { "\($0)" } ?? "none", limit.per.rawValue]))
      }
    }
    try console.write(table.finish())
    return .done
  }
}
