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

    package init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  /// The number of rows that determine the widths.
  package static let measuredRows = 256
  private static let gap = "  "

  private let columns: [Column]
  /// Rows are cut to this many cells, but never within the first column, because a partial key is useless. `nil` cuts
  /// nothing.
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

  /// Adds a row and returns the lines that can be printed: none until enough rows determine the widths.
  /// - Parameter cells: one per column; missing ones are empty.
  package mutating func add(_ cells: [String]) -> String {
    let row = columns.indices.map { index in
      TextRules.escapedForTerminal(index < cells.count ? cells[index] : "")
    }
    guard !isMeasured else { return line(row) }
    pending.append(row)
    return pending.count < Self.measuredRows ? "" : measured()
  }

  /// The remaining lines; empty if there were no rows.
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

/// The number of terminal cells that a text occupies: two for East Asian wide characters and emoji (UAX #11), none for
/// combining marks.
package enum CellWidth {
  package static func of(_ text: some StringProtocol) -> Int {
    text.reduce(0) { $0 + of($1) }
  }

  /// The first scalar determines the width, unless a variation selector requests emoji presentation.
  package static func of(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    if first.isASCII { return character.unicodeScalars.contains { $0.value == 0xFE0F } ? 2 : 1 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if isWide(first) || character.unicodeScalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
    return 1
  }

  /// The longest prefix that fits, ending in an ellipsis if anything was cut.
  package static func cut(_ text: String, to cells: Int) -> String {
    guard of(text) > cells else { return text }
    var kept = ""
    var used = 0
    for character in text {
      let width = of(character)
      guard used + width <= cells - 1 else { break }
      kept.append(character)
      used += width
    }
    return cells > 0 ? kept + "…" : ""
  }

  /// East Asian Width W and F, and emoji with default emoji presentation (Unicode 15).
  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.properties.isEmojiPresentation { return true }
    switch scalar.value {
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
      0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1B000...0x1B2FF, 0x1F200...0x1F265,
      0x20000...0x2FFFD, 0x30000...0x3FFFD:
      return true
    default:
      return false
    }
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
