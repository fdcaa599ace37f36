// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// Rows of `transfers` as cells of tables.
enum TransferTable {
  static let columns = [
    Table.Column("ID", .right, rank: 8), Table.Column("STATE", rank: 8), Table.Column("DIRECTION", rank: 2),
    Table.Column("DONE", .right, rank: 7), Table.Column("MOVED", .right, rank: 4),
    Table.Column("SIZE", .right, rank: 3), Table.Column("RATE", .right, rank: 6), Table.Column("LEFT", .right, rank: 5),
    Table.Column("PEER", rank: 4, isFlexible: true), Table.Column("WHAT", rank: 9, isFlexible: true),
  ]

  static func cells(of transfer: RunningTransfer) -> [String] {
    [
      "\(transfer.id)", state(of: transfer), transfer.direction.rawValue, share(of: transfer),
      Quantity.size(transfer.received), size(of: transfer), rate(of: transfer), left(of: transfer),
      transfer.sources.map(\.name).joined(separator: ","), what(transfer),
    ]
  }

  static func state(of transfer: RunningTransfer) -> String {
    transfer.state == "active" ? transfer.activity ?? transfer.state : transfer.state
  }

  /// `43%`; of a tree the documents, `12/300`, or `12/?` while it is listed.
  static func share(of transfer: RunningTransfer) -> String {
    if transfer.prefix != nil { return "\(transfer.have ?? 0)/\(transfer.pieces.map { "\($0)" } ?? "?")" }
    switch transfer.direction {
    case .upload: return percent(transfer.received, of: transfer.size)
    case .download:
      guard let pieces = transfer.pieces else { return "-" }
      // A file of one piece is there or not.
      return pieces > 1 || transfer.have == pieces
        ? percent(transfer.have ?? 0, of: pieces) : percent(transfer.received, of: transfer.size, max: 99)
    }
  }

  private static func percent(_ part: Int64, of whole: Int64?, max: Int = 100) -> String {
    guard let whole else { return "-" }
    guard whole > 0 else { return "\(max)%" }
    return "\(min(max, Int(Double(min(part, whole)) / Double(whole) * 100)))%"
  }

  static func size(of transfer: RunningTransfer) -> String { transfer.size.map(Quantity.size) ?? "-" }

  static func rate(of transfer: RunningTransfer) -> String {
    transfer.state == "active" ? Quantity.rate(transfer.rate, seconds: 1) : "-"
  }

  static func left(of transfer: RunningTransfer) -> String {
    transfer.eta.map(Quantity.clock) ?? "-"
  }

  /// The key, or the beginning of the content id.
  static func what(_ transfer: RunningTransfer) -> String {
    transfer.name ?? transfer.content.map { String($0.root.hex.prefix(DocumentFormat.rootPrefix)) } ?? "-"
  }

  /// Why it waits or has failed, and who sent wrong bytes.
  static func problems(of transfer: RunningTransfer) -> [String] {
    // If all of them did, its error says so.
    if let error = transfer.error, transfer.state == "failed" { return [error] }
    return (transfer.error.map { [$0] } ?? [])
      + transfer.sources.compactMap { source in source.error.map { "\(source.name) \($0)" } }
  }
}
