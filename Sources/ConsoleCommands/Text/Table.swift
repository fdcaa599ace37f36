// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Rows in columns, aligned by terminal cells.
///
/// Widths follow from the first rows, so that a list of any length goes out in bounded memory; a later cell that is
/// wider pushes the rest of its row. Cells are escaped: what comes from outside must not drive a terminal.
package struct Table {
  package enum Alignment {
    case left
    case right
  }

  package struct Column {
    package let title: String
    package let alignment: Alignment

    package init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  /// So many rows decide the widths.
  package static let measuredRows = 256
  private static let gap = "  "

  private let columns: [Column]
  /// Cells of the terminal to which rows are cut, but never into their first column: a key is good for nothing where
  /// it is not whole. `nil` where nothing is cut.
  private let width: Int?
  private let style: TextStyle
  private var widths: [Int]
  private var pending: [[String]] = []
  private var isMeasured = false

  package init(_ columns: [Column], width: Int? = nil, style: TextStyle = .plain) {
    self.columns = columns
    self.width = width
    self.style = style
    widths = columns.map { CellWidth.of($0.title) }
  }

  /// Takes a row and returns the lines that can go out: none until enough rows have come to know the widths.
  /// - Parameter cells: as many as there are columns; missing ones are empty.
  package mutating func add(_ cells: [String]) -> String {
    let row = columns.indices.map { index in
      TextRules.escapedForTerminal(index < cells.count ? cells[index] : "")
    }
    guard !isMeasured else { return line(row) }
    pending.append(row)
    return pending.count < Self.measuredRows ? "" : measured()
  }

  /// The lines that are left; empty where there was no row at all.
  package mutating func finish() -> String {
    isMeasured || pending.isEmpty ? "" : measured()
  }

  private mutating func measured() -> String {
    for row in pending {
      for (index, cell) in row.enumerated() { widths[index] = max(widths[index], CellWidth.of(cell)) }
    }
    isMeasured = true
    defer { pending = [] }
    return style.bold(line(columns.map(\.title), ended: false)) + "\n" + pending.map { line($0) }.joined()
  }

  private func line(_ row: [String], ended: Bool = true) -> String {
    var line = ""
    for (index, cell) in row.enumerated() {
      let padding = String(repeating: " ", count: max(0, widths[index] - CellWidth.of(cell)))
      if index > 0 { line += Self.gap }
      switch columns[index].alignment {
      case .right: line += padding + cell
      case .left: line += cell + padding
      }
    }
    while line.last == " " { line.removeLast() }
    if let width { line = CellWidth.cut(line, to: max(width, (row.first.map(CellWidth.of) ?? 0) + Self.gap.count)) }
    return ended ? line + "\n" : line
  }
}
