// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import LineJSON
import WireProtocol

struct StatusCommand: ConsoleCommand {
  static let example = "status --json"
  static let configuration: CommandConfiguration = .verb(
    "status", "Show the daemon's status: its index, its address, what it shares and what it has moved.",
    "What was uploaded and downloaded is counted across restarts; a daemon that is killed loses the last seconds.")

  @Flag(name: .customLong("index"), help: "Show what the index counts instead.")
  var ofIndex = false

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    if ofIndex { return try showStatistics(on: console) }
    let status = try DaemonClient(console: console, options: daemon).request(.status, for: ControlStatusReply.self)
    if daemon.json {
      try console.writeJSON(Self.members(of: status))
    } else {
      try console.write(Self.text(of: status, width: console.tableWidth))
    }
    return .done
  }

  private func showStatistics(on console: Console) throws -> ExitStatus {
    let statistics = try DaemonClient(console: console, options: daemon).request(.stats, for: StatsReply.self)
    if daemon.json {
      try console.writeJSON(statistics.members)
    } else {
      try console.write(Self.text(of: statistics, width: console.tableWidth))
    }
    return .done
  }

  static func text(of statistics: StatsReply, width: Int? = nil) -> String {
    let counts = [
      ("documents", statistics.documents), ("keys", statistics.keys), ("records", statistics.records),
      ("peers", statistics.peers), ("sessions", statistics.sessions),
    ]
    var rows = counts.map { ($0, "\($1)") }
    if let time = statistics.time { rows.append(("time", "\(time)")) }
    if let bytes = statistics.bytes { rows.append(("memory", Quantity.size(Int64(bytes)))) }
    if let delay = statistics.delay {
      let waits = [("median", delay.p50), ("99 %", delay.p99), ("longest", delay.max)]
      rows.append(("waits", waits.map { "\($0) \(milliseconds($1)) ms" }.joined(separator: ", ")))
    }
    if !statistics.refusals.isEmpty {
      rows.append(("refusals", statistics.refusals.map { "\($0.limit) \($0.count)" }.joined(separator: ", ")))
    }
    if !statistics.refused.isEmpty {
      let refused = statistics.refused.map { "\($0.host) \($0.count) (\($0.limit))" }
      rows.append(("refused", refused.joined(separator: ", ")))
    }
    return text(of: rows, indent: 11, width: width)
  }

  /// One decimal.
  private static func milliseconds(_ microseconds: Int) -> String {
    let tenths = (microseconds + 50) / 100
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// The index, and how it is connected: `127.0.0.1:7734, connected since …`.
  static func text(of index: IndexState) -> String {
    "\(index.address), \(index.connected ? "connected" : "not connected") since \(index.since)"
      + (index.source == .connect ? " (chosen with connect)" : "") + (index.id.map { ", id \($0)" } ?? "")
      + (index.role.map { $0 == MemberStanding.noRole ? "" : ", member as \($0)" } ?? "")
      + (index.error.map { ": \($0)" } ?? "")
  }

  private static func text(of rows: [(String, String)], indent: Int, width: Int?) -> String {
    rows.map { WrappedText.beside($0, TextRules.escapedForTerminal($1), indent: indent, width: width) }.joined()
  }

  static func members(of status: ControlStatusReply) -> JSONMembers {
    var members: JSONMembers = [
      "peer": .string(status.name.text), "id": .string(status.peer.hex), "socket": .string(status.socket),
      "uploads": .string(status.uploads.description), "index": status.index.json,
      "documents": .integer(Int64(status.documents)), "bytes": .integer(status.bytes),
    ]
    if status.withheld > 0 { members["withheld"] = .integer(Int64(status.withheld)) }
    if let moved = status.moved { for member in moved.members { members[member.key] = member.value } }
    if let error = status.error { members["error"] = .string(error) }
    return members
  }

  static func text(of status: ControlStatusReply, width: Int? = nil) -> String {
    var rows = [
      ("peer", status.name.text), ("id", status.peer.hex), ("socket", status.socket),
      ("uploads", status.uploads.description), ("index", text(of: status.index)),
      ("shares", "\(Quantity.count(status.documents, "document")), \(Quantity.size(status.bytes))"),
    ]
    if status.withheld > 0 {
      let count = Quantity.count(status.withheld, "document")
      rows.append(
        ("withheld", "\(count) shared in other networks; p2pctl connect ADDRESS --share-existing announces them here"))
    }
    if let moved = status.moved {
      rows.append(
        (
          "moved",
          "\(Quantity.size(moved.uploaded)) up, \(Quantity.size(moved.downloaded)) down since \(moved.since)"
        ))
    }
    if let error = status.error { rows.append(("problem", error)) }
    return text(of: rows, indent: 9, width: width)
  }
}

struct PeersCommand: ConsoleCommand {
  static let example = "peers --limit 20"
  static let configuration: CommandConfiguration = .verb("peers", "List the peers that are connected to the index.")

  @Option(help: ArgumentHelp("Maximum number of peers.", valueName: "number"), transform: TypedNumber.rows)
  var limit: Int?

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    var table = Table(
      [
        Table.Column("PEER"), Table.Column("ID", rank: 2), Table.Column("DOCUMENTS", .right, rank: 4),
        Table.Column("ADDRESS", rank: 6),
      ],
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
