// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Rows in columns, aligned by terminal cells.
///
/// The first rows determine the widths, so a list of any length needs bounded memory; a later, wider cell shifts the rest
/// of its row. Cells are escaped: text from other peers must not control the terminal.
package struct Table {
  package enum Alignment {
    case left
    case right
  }

  package struct Column {
    package let title: String
    package let alignment: Alignment
    /// On a narrow terminal, columns with the lowest rank are left out first.
    package let rank: Int
    /// Whether cells may be cut to fit.
    package let isFlexible: Bool

    package init(_ title: String, _ alignment: Alignment = .left, rank: Int = 5, isFlexible: Bool = false) {
      self.title = title
      self.alignment = alignment
      self.rank = rank
      self.isFlexible = isFlexible
    }
  }

  /// The number of rows that determine the widths.
  package static let measuredRows = 256
  private static let gap = "  "

  private let columns: [Column]
  /// Rows are cut to this many cells. `nil` cuts nothing.
  private let width: Int?
  /// Whether the first column is never cut, because a partial key is useless: a long one gets a line of its own.
  private let keepsFirst: Bool
  private let style: TextStyle
  private let hasTitles: Bool
  private var layout: TableLayout?
  private var pending: [[String]] = []

  /// - Parameters:
  ///   - keepsFirst: whether a row with a long first cell takes two lines.
  ///   - hasTitles: whether the first line names the columns.
  package init(
    _ columns: [Column], width: Int? = nil, keepsFirst: Bool = true, style: TextStyle = .plain, hasTitles: Bool = true
  ) {
    self.keepsFirst = keepsFirst
    self.columns = columns
    self.width = width
    self.style = style
    self.hasTitles = hasTitles
  }

  /// Adds a row and returns the lines that can be printed: none until enough rows determine the widths.
  /// - Parameter cells: one per column; missing ones are empty.
  package mutating func add(_ cells: [String]) -> String {
    let row = columns.indices.map { index in
      TextRules.escapedForTerminal(index < cells.count ? cells[index] : "")
    }
    if let layout { return line(row, layout) + "\n" }
    pending.append(row)
    return pending.count < Self.measuredRows ? "" : measured()
  }

  /// The remaining lines; empty if there were no rows.
  package mutating func finish() -> String {
    layout != nil || pending.isEmpty ? "" : measured()
  }

  private mutating func measured() -> String {
    var widths = columns.map { hasTitles ? CellWidth.of($0.title) : 0 }
    for row in pending {
      for (index, cell) in row.enumerated() { widths[index] = max(widths[index], CellWidth.of(cell)) }
    }
    let layout = TableLayout(columns, natural: widths, width: width, gap: Self.gap.count)
    self.layout = layout
    defer { pending = [] }
    let titles = hasTitles ? style.bold(line(columns.map(\.title), layout)) + "\n" : ""
    return titles + pending.map { line($0, layout) + "\n" }.joined()
  }

  private func line(_ row: [String], _ layout: TableLayout) -> String {
    let line = joined(row, layout)
    guard let width, CellWidth.of(line) > width else { return line }
    guard keepsFirst, let first = row.first, let room = layout.widths[0], CellWidth.of(first) > room else {
      return CellWidth.cut(line, to: width)
    }
    let rest = joined([""] + row.dropFirst(), layout)
    return Self.trimmed(first) + (rest.isEmpty ? "" : "\n" + CellWidth.cut(rest, to: width))
  }

  private func joined(_ row: [String], _ layout: TableLayout) -> String {
    var line = ""
    for (index, whole) in row.enumerated() {
      guard let width = layout.widths[index] else { continue }
      // The last column is cut with the line.
      let isCut = columns[index].isFlexible && index > 0 && index != layout.last
      let cell = isCut ? CellWidth.cut(whole, to: width) : whole
      let padding = String(repeating: " ", count: max(0, width - CellWidth.of(cell)))
      if index > 0 { line += Self.gap }
      switch columns[index].alignment {
      case .right: line += padding + cell
      case .left: line += cell + padding
      }
    }
    return Self.trimmed(line)
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}

/// Which columns fit into a terminal, and how wide they are.
struct TableLayout {
  /// Flexible columns are not made narrower than this.
  private static let minimum = 8

  /// `nil` for a column that is left out.
  private(set) var widths: [Int?]

  init(_ columns: [Table.Column], natural: [Int], width: Int?, gap: Int) {
    widths = natural
    guard let width, total(gap) > width else { return }
    // One long key must not push everything else off all rows: at first it gets half of the terminal.
    for (index, column) in columns.enumerated() {
      let least = index == 0 ? width / 2 : Self.minimum
      if index == 0 || column.isFlexible { widths[index] = min(natural[index], least) }
    }
    let byRank = columns.indices.dropFirst().sorted { (columns[$0].rank, -$0) < (columns[$1].rank, -$1) }
    for index in byRank where total(gap) > width { widths[index] = nil }
    for index in columns.indices where index == 0 || columns[index].isFlexible {
      guard let current = widths[index] else { continue }
      widths[index] = min(natural[index], current + max(0, width - total(gap)))
    }
  }

  /// The last column that is shown.
  var last: Int? { widths.lastIndex { $0 != nil } }

  private func total(_ gap: Int) -> Int {
    let shown = widths.compactMap { $0 }
    return shown.reduce(0, +) + gap * max(0, shown.count - 1)
  }
}

/// Emphasis by ECMA-48 SGR. Off if the output is not a terminal, if `TERM` is `dumb`, or if `NO_COLOR` is set.
package enum TextStyle: Sendable {
  case plain
  case ansi

  package func bold(_ text: String) -> String { emphasized(text, "1") }
  package func error(_ text: String) -> String { emphasized(text, "1;31") }

  private func emphasized(_ text: String, _ code: String) -> String {
    switch self {
    case .plain: text
    case .ansi: "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
  }
}
