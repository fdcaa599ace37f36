// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ArgumentParser
import LineJSON
import WireProtocol

struct StatusCommand: ConsoleCommand {
  static let words = ["status"]
  static let example = "status --json"
  static let configuration: CommandConfiguration = .verb(
    "status", "Show how the daemon stands: its index, its address, what it shares.")

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
