// SPDX-License-Identifier: Apache-2.0

package import DocumentModel

/// One line that shows how full each stretch of a content is.
package enum PieceMap {
  /// The characters of a map: from nothing to everything.
  package enum Glyphs {
    case blocks
    /// For a locale that is not UTF-8.
    case ascii

    fileprivate var levels: [Character] {
      switch self {
      case .blocks: [" ", "░", "▒", "▓", "█"]
      case .ascii: [" ", ".", "-", "=", "#"]
      }
    }

    /// Those that the locale has: setlocale(3).
    package init(variable: (String) -> String?) {
      let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first { !$0.isEmpty } ?? ""
      let name = locale.lowercased()
      self = name.contains("utf-8") || name.contains("utf8") ? .blocks : .ascii
    }
  }

  /// Empty and full characters mean none and all of a stretch. At most one cell for each piece.
  /// - Parameter cells: of the line, with its brackets.
  package static func line(_ pieces: PieceSet, cells: Int, glyphs: Glyphs) -> String {
    let count = min(cells - 2, pieces.count)
    guard count > 0 else { return "" }
    let stretches = (0..<count).map { cell in
      let range = cell * pieces.count / count..<(cell + 1) * pieces.count / count
      return (present: range.count { pieces.contains($0) }, all: range.count)
    }
    return line(stretches, glyphs)
  }

  /// The same of a part at the start.
  package static func line(_ part: Int64, of all: Int64, cells: Int, glyphs: Glyphs) -> String {
    let count = Int(min(Int64(cells - 2), all))
    guard count > 0 else { return "" }
    let filled = Int(Double(min(max(part, 0), all)) / Double(all) * Double(count))
    return line((0..<count).map { (present: $0 < filled ? 1 : 0, all: 1) }, glyphs)
  }

  private static func line(_ stretches: [(present: Int, all: Int)], _ glyphs: Glyphs) -> String {
    let levels = glyphs.levels
    let characters = stretches.map { present, all -> Character in
      guard present > 0 else { return levels[0] }
      guard present < all else { return levels[levels.count - 1] }
      return levels[1 + present * (levels.count - 2) / all]
    }
    return "[" + String(characters) + "]"
  }
}
