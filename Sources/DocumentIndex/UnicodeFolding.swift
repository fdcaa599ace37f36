// SPDX-License-Identifier: Apache-2.0

@_spi(_Unicode) private import Swift

/// Folds scalar by scalar: decomposed (NFD), in lower case, without combining marks, ligatures as letters, full-width and
/// half-width forms as usual ones.
struct UnicodeFolding {
  /// The last character of a run without spaces, not yet followed by another.
  private var last: Unicode.Scalar?

  mutating func append(_ scalar: Unicode.Scalar, to folded: inout [UInt8]) {
    let scalar = Self.usualWidth(scalar)
    if scalar.isASCII {
      endRun(&folded)
      folded.append(WordFolding.folded(UInt8(truncatingIfNeeded: scalar.value)))
    } else if Self.isWhole(scalar) {
      appendToRun(scalar, &folded)
    } else if let letters = Self.ligature(scalar) {
      endRun(&folded)
      letters.withUTF8Buffer { folded.append(contentsOf: $0) }
    } else {
      for part in String(scalar)._nfd {
        for part in part.properties.lowercaseMapping.unicodeScalars { appendFolded(part, &folded) }
      }
    }
  }

  /// Ends a run of characters that no space separates.
  mutating func endRun(_ folded: inout [UInt8]) {
    guard let scalar = last.take() else { return }
    Self.append(scalar, &folded)
    folded.append(WordFolding.separator)
  }

  private mutating func appendFolded(_ scalar: Unicode.Scalar, _ folded: inout [UInt8]) {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: break
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .spacingMark,
      .decimalNumber, .letterNumber, .otherNumber:
      if Self.isWithoutSpaces(scalar) { return appendToRun(scalar, &folded) }
      endRun(&folded)
      Self.append(scalar, &folded)
    case .otherSymbol, .mathSymbol, .currencySymbol:
      endRun(&folded)
      folded.append(WordFolding.separator)
      Self.append(scalar, &folded)
      folded.append(WordFolding.separator)
    // Skin tones of an emoji.
    case .modifierSymbol where (0x1F3FB...0x1F3FF).contains(scalar.value): break
    default:
      endRun(&folded)
      folded.append(WordFolding.separator)
    }
  }

  private mutating func appendToRun(_ scalar: Unicode.Scalar, _ folded: inout [UInt8]) {
    if let last {
      Self.append(last, &folded)
      Self.append(scalar, &folded)
    }
    folded.append(WordFolding.separator)
    last = scalar
  }

  private static func append(_ scalar: Unicode.Scalar, _ folded: inout [UInt8]) {
    folded.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  // MARK: Characters

  /// Ideographs, kana, bopomofo, hangul, Thai, Lao, Burmese and Khmer.
  private static func isWithoutSpaces(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1100...0x11FF, 0x1780...0x17FF, 0x2E80...0x2FDF, 0x3005...0x3007,
      0x3021...0x3029, 0x3031...0x318F, 0x31A0...0x31BF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
      0xA960...0xA97F, 0xAC00...0xD7FF, 0xF900...0xFAFF, 0x1B000...0x1B16F, 0x20000...0x3FFFF:
      true
    default: false
    }
  }

  /// Ideographs, which have nothing to fold, and hangul syllables, which decompose into up to three characters.
  private static func isWhole(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3: true
    default: false
    }
  }

  /// Full-width and half-width forms (U+FF00 to U+FF9F) as the usual ones.
  private static func usualWidth(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0xFF01...0xFF5E: Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar
    case 0xFF65...0xFF9F: halfWidthKatakana[Int(scalar.value - 0xFF65)]
    default: scalar
    }
  }

  private static let halfWidthKatakana = Array(
    "・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u{3099}\u{309A}"
      .unicodeScalars)

  /// The letters of a ligature, or of another letter whose case folding is not its lower case (CaseFolding.txt of Unicode).
  private static func ligature(_ scalar: Unicode.Scalar) -> StaticString? {
    switch scalar.value {
    case 0x00DF, 0x1E9E: "ss"
    case 0x00C6, 0x00E6: "ae"
    case 0x0131: "i"
    case 0x0132, 0x0133: "ij"
    case 0x0149: "n"
    case 0x0152, 0x0153: "oe"
    case 0x017F: "s"
    case 0x01C4...0x01C6, 0x01F1...0x01F3: "dz"
    case 0x01C7...0x01C9: "lj"
    case 0x01CA...0x01CC: "nj"
    case 0x03C2: "σ"
    case 0x0587: "եւ"
    case 0xFB00: "ff"
    case 0xFB01: "fi"
    case 0xFB02: "fl"
    case 0xFB03: "ffi"
    case 0xFB04: "ffl"
    case 0xFB05, 0xFB06: "st"
    case 0xFB13: "մն"
    case 0xFB14: "մե"
    case 0xFB15: "մի"
    case 0xFB16: "վն"
    case 0xFB17: "մխ"
    default: nil
    }
  }
}
