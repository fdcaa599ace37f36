// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import WireProtocol

/// The supervisor's processes as table rows and as JSON rows.
enum ProcessFormat {
  /// One object per process.
  static func members(of process: ProcessStatus) -> JSONMembers {
    var row: JSONMembers = [
      "name": .string(process.name), "role": .string(process.role.rawValue),
      "pid": process.pid.map { .integer(Int64($0)) } ?? .null, "state": .string(process.state),
      "responsive": .bool(process.responsive), "restarts": .integer(process.restarts),
      "address": .string(process.address), "since": .string(process.since.text),
    ]
    if let reason = process.reason { row["reason"] = .string(reason) }
    return row
  }

  static func table(of processes: [ProcessStatus], width: Int?, style: TextStyle) -> String {
    var table = Table(
      [
        Table.Column("NAME"), Table.Column("ROLE", rank: 3), Table.Column("STATE", rank: 9),
        Table.Column("PID", .right, rank: 6), Table.Column("RESTARTS", .right, rank: 4),
        Table.Column("ADDRESS", rank: 8), Table.Column("SINCE", rank: 2),
      ], width: width, style: style)
    var text = ""
    for process in processes {
      text += table.add([
        process.name, process.role.rawValue, process.responsive ? process.state : "\(process.state), not responding",
        process.pid.map(String.init) ?? "-", String(process.restarts), process.address, process.since.text,
      ])
    }
    return text + table.finish()
  }

  /// `alice is backing-off after 3 restarts (ended by signal 9)`.
  static func state(of process: ProcessStatus) -> String {
    var text = "\(process.name) is \(process.state)"
    if !process.responsive { text += " and not responding" }
    if process.restarts > 0 { text += " after \(Quantity.count(Int(clamping: process.restarts), "restart"))" }
    if let reason = process.reason, !reason.isEmpty { text += " (\(reason))" }
    return TextRules.escapedForTerminal(text)
  }
}
