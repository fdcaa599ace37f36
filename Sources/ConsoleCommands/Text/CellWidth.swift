// SPDX-License-Identifier: Apache-2.0

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
