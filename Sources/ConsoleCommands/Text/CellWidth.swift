// SPDX-License-Identifier: Apache-2.0

/// The number of terminal cells that a text occupies, as wcwidth(3) counts them: two for East Asian wide characters and
/// emoji (UAX #11), none for marks that are drawn over others.
package enum CellWidth {
  package static func of(_ text: some StringProtocol) -> Int {
    text.reduce(0) { $0 + of($1) }
  }

  /// An emoji is one symbol however many scalars it has; other characters occupy the cells of all their scalars.
  package static func of(_ character: Character) -> Int {
    if character.isASCII { return 1 }
    let scalars = character.unicodeScalars
    if scalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
    if let first = scalars.first, first.properties.isEmoji, !first.isASCII {
      return scalars.contains { $0.properties.isEmojiPresentation } ? 2 : 1
    }
    return scalars.reduce(0) { $0 + of($1) }
  }

  private static func of(_ scalar: Unicode.Scalar) -> Int {
    if scalar.isASCII { return 1 }
    switch scalar.value {
    // Vowels and final consonants of Hangul join the syllable before them.
    case 0x1160...0x11FF, 0xD7B0...0xD7FB: return 0
    // Formats that are drawn.
    case 0x600...0x605, 0x6DD, 0x70F, 0x890...0x891, 0x8E2, 0x110BD, 0x110CD: return 1
    default: break
    }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: return isWide(scalar) ? 2 : 1
    }
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

  /// The longest end that fits, behind an ellipsis if anything was cut.
  package static func cutAtStart(_ text: String, to cells: Int) -> String {
    guard of(text) > cells else { return text }
    var kept = [Character]()
    var used = 0
    for character in text.reversed() {
      let width = of(character)
      guard used + width <= cells - 1 else { break }
      kept.append(character)
      used += width
    }
    return cells > 0 ? "…" + String(kept.reversed()) : ""
  }

  /// East Asian Width W and F, and emoji with default emoji presentation (Unicode 15).
  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.properties.isEmojiPresentation { return true }
    switch scalar.value {
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x9FFF,
      0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F265,
      0x20000...0x2FFFD, 0x30000...0x3FFFD:
      return true
    default:
      return false
    }
  }
}
