// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import WireProtocol

/// What `transfers --watch` shows on a terminal: a value that is laid out for any size.
///
/// Active downloads have details: a map of their pieces and their sources. If there is too little room, first sources are
/// left out, then maps, then rows; the last line counts what is missing.
package struct TransferScreen {
  /// How much is shown of active downloads.
  private enum Detail: CaseIterable {
    case allSources
    case someSources
    case map
    case row

    var maxSources: Int? {
      switch self {
      case .allSources: 16
      case .someSources: 3
      case .map, .row: nil
      }
    }
  }

  /// A line of details.
  private enum Line {
    case text(String)
    case source(RunningTransfer.Source)
  }

  private struct Block {
    let transfer: RunningTransfer
    var details: [Line] = []

    var height: Int { 1 + details.count }
  }

  private static let indent = "  "
  private static let maxMap = 120

  private let downloads: [RunningTransfer]
  private let uploads: [RunningTransfer]
  private let counts: TransferCounts
  private let glyphs: PieceMap.Glyphs
  private let style: TextStyle

  /// - Parameters:
  ///   - rows: in the order of their interest.
  ///   - counts: of all transfers, shown or not.
  package init(
    _ rows: [RunningTransfer], counts: TransferCounts, glyphs: PieceMap.Glyphs = .blocks, style: TextStyle = .plain
  ) {
    downloads = rows.filter { $0.direction == .download }
    uploads = rows.filter { $0.direction == .upload }
    self.counts = counts
    self.glyphs = glyphs
    self.style = style
  }

  /// At most `rows` lines of at most `columns` cells.
  package func lines(columns: Int, rows: Int) -> [String] {
    let head = [CellWidth.cut(summary, to: columns)]
    guard !downloads.isEmpty || !uploads.isEmpty else {
      return Array((head + [CellWidth.cut("No active transfers.", to: columns)]).prefix(max(rows, 1)))
    }
    let all = body(columns: columns, rows: rows - 1)
    if all.hidden == nil { return head + all.lines }
    let cut = body(columns: columns, rows: rows - 2)
    return Array((head + cut.lines + [CellWidth.cut(cut.hidden ?? "", to: columns)]).prefix(max(rows, 1)))
  }

  // MARK: Summary

  private var summary: String {
    let states = [
      (counts.active, "active"), (counts.waiting, "waiting"), (counts.paused, "paused"), (counts.queued, "queued"),
      (counts.uploads, counts.uploads == 1 ? "upload" : "uploads"),
    ]
    return
      (["down \(Quantity.rate(counts.down, seconds: 1))", "up \(Quantity.rate(counts.up, seconds: 1))"]
      + states.filter { $0.0 > 0 }.map { "\($0) \($1)" }).joined(separator: "  ")
  }

  /// What is not shown; `nil` if that is nothing.
  private func hidden(_ blocks: [Block], _ shownUploads: Int) -> String? {
    func shown(_ state: String) -> Int { blocks.count { $0.transfer.state == state } }
    let known = ["active", "waiting", "paused", "queued"]
    let ended = downloads.count { !known.contains($0.state) } - blocks.count { !known.contains($0.transfer.state) }
    let rest = [
      (counts.active - shown("active"), "active"), (counts.waiting - shown("waiting"), "waiting"),
      (counts.paused - shown("paused"), "paused"), (counts.queued - shown("queued"), "queued"), (ended, "ended"),
      (counts.uploads - shownUploads, "uploads"),
    ].filter { $0.0 > 0 }
    guard !rest.isEmpty else { return nil }
    let total = rest.reduce(0) { $0 + $1.0 }
    return "and \(total) more: " + rest.map { "\($0) \($1)" }.joined(separator: ", ")
  }

  // MARK: Rows

  private func body(columns: Int, rows: Int) -> (lines: [String], hidden: String?) {
    let hasDownloads = !downloads.isEmpty
    let room = rows - (hasDownloads ? 1 : 0) - (uploads.isEmpty ? 0 : 1)
    let wanted = downloads.reduce(0) { $0 + block($1, .allSources, columns).height }
    let shownUploads = max(min(uploads.count, max(room / 4, room - wanted)), 0)
    let blocks = blocks(columns: columns, rows: room - shownUploads)
    var lines = [String]()
    if !blocks.isEmpty { lines += downloadLines(blocks, columns) }
    if shownUploads > 0 { lines += uploadLines(uploads.prefix(shownUploads), columns) }
    return (lines, hidden(blocks, shownUploads))
  }

  /// Active downloads get what the others leave, and two thirds at least.
  private func blocks(columns: Int, rows: Int) -> [Block] {
    guard rows > 0 else { return [] }
    let active = downloads.filter { $0.state == "active" }
    let others = downloads.filter { $0.state != "active" }.map { block($0, .allSources, columns) }
    let otherHeight = others.reduce(0) { $0 + $1.height }
    let room = rows - min(otherHeight, active.isEmpty ? rows : rows / 3)
    var chosen = [Block]()
    for detail in Detail.allCases {
      chosen = active.map { block($0, detail, columns) }
      if chosen.reduce(0, { $0 + $1.height }) <= room { break }
    }
    chosen = Self.fitting(chosen, rows: room)
    let left = rows - chosen.reduce(0) { $0 + $1.height }
    let bare = otherHeight > left ? others.map { Block(transfer: $0.transfer) } : others
    return chosen + Self.fitting(bare, rows: left)
  }

  private static func fitting(_ blocks: [Block], rows: Int) -> [Block] {
    var left = rows
    return Array(
      blocks.prefix { block in
        left -= block.height
        return left >= 0
      })
  }

  private func block(_ transfer: RunningTransfer, _ detail: Detail, _ columns: Int) -> Block {
    var block = Block(transfer: transfer)
    guard detail != .row else { return block }
    if let map = map(of: transfer, columns) { block.details.append(.text(map)) }
    if let error = transfer.error { block.details.append(.text(TextRules.escapedForTerminal(error))) }
    guard let max = detail.maxSources else { return block }
    // Of a download that rests only those that lied.
    let isActive = transfer.state == "active"
    let sources = transfer.sources.filter { isActive || $0.error != nil }
      .sorted { ($0.rate, $0.bytes) > ($1.rate, $1.bytes) }
    block.details += sources.prefix(max).map(Line.source)
    if sources.count > max { block.details.append(.text("and \(sources.count - max) more sources")) }
    return block
  }

  private func map(of transfer: RunningTransfer, _ columns: Int) -> String? {
    let cells = min(columns - Self.indent.count, Self.maxMap)
    guard ["active", "paused", "waiting"].contains(transfer.state), let pieces = transfer.pieces, pieces > 1 else {
      return nil
    }
    if let map = transfer.map { return PieceMap.line(map, cells: cells, glyphs: glyphs) }
    guard let have = transfer.have, have > 0 || transfer.state == "active" else { return nil }
    return PieceMap.line(have, of: pieces, cells: cells, glyphs: glyphs)
  }

  // MARK: Lines

  private func downloadLines(_ blocks: [Block], _ columns: Int) -> [String] {
    var table = Table(
      [
        Table.Column("ID", .right, rank: 8), Table.Column("STATE", rank: 7), Table.Column("DONE", .right, rank: 8),
        Table.Column("SIZE", .right, rank: 4), Table.Column("RATE", .right, rank: 6),
        Table.Column("LEFT", .right, rank: 5), Table.Column("WHAT", rank: 9, isFlexible: true),
      ], width: columns, keepsFirst: false, style: style)
    // The empty column indents.
    var sources = Table(
      [
        Table.Column("", rank: 9), Table.Column("", rank: 9, isFlexible: true), Table.Column("", .right, rank: 8),
        Table.Column("", .right, rank: 7), Table.Column("", rank: 6, isFlexible: true),
      ], width: columns, keepsFirst: false, hasTitles: false)
    var (rowText, sourceText) = ("", "")
    for block in blocks {
      let transfer = block.transfer
      rowText += table.add([
        "\(transfer.id)", TransferTable.state(of: transfer), TransferTable.share(of: transfer),
        TransferTable.size(of: transfer), TransferTable.rate(of: transfer), TransferTable.left(of: transfer),
        TransferTable.what(transfer),
      ])
      for case .source(let source) in block.details {
        sourceText += sources.add([
          "", source.name, Quantity.rate(source.rate, seconds: 1), Quantity.size(source.bytes), source.error ?? "",
        ])
      }
    }
    var rows = Self.split(rowText + table.finish())[...]
    var parts = Self.split(sourceText + sources.finish())[...]
    var lines = [rows.popFirst() ?? ""]
    for block in blocks {
      lines.append(rows.popFirst() ?? "")
      for detail in block.details {
        switch detail {
        case .text(let text): lines.append(CellWidth.cut(Self.indent + text, to: columns))
        case .source: lines.append(parts.popFirst() ?? "")
        }
      }
    }
    return lines
  }

  private func uploadLines(_ uploads: some Collection<RunningTransfer>, _ columns: Int) -> [String] {
    var table = Table(
      [
        Table.Column("", rank: 9), Table.Column("UPLOAD TO", rank: 8, isFlexible: true),
        Table.Column("SENT", .right, rank: 5), Table.Column("SIZE", .right, rank: 4),
        Table.Column("RATE", .right, rank: 7), Table.Column("WHAT", rank: 9, isFlexible: true),
      ], width: columns, keepsFirst: false, style: style)
    var text = ""
    for upload in uploads {
      text += table.add([
        "", upload.sources.first?.name ?? "-", Quantity.size(upload.received), TransferTable.size(of: upload),
        Quantity.rate(upload.rate, seconds: 1), TransferTable.what(upload),
      ])
    }
    return Self.split(text + table.finish())
  }

  private static func split(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }
}
