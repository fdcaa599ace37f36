// SPDX-License-Identifier: Apache-2.0

@_spi(_Unicode) private import Swift

/// The rules for text in titles and keys.
package enum TextRules {
  /// C0, DEL and C1.
  package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
  }

  /// The controls of the bidirectional algorithm (UAX #9), which could disguise a title.
  package static func isBidirectionalControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// Normalization Form C (UAX #15).
  package static func normalized(_ text: String) -> String {
    guard !isASCII(text) else { return text }
    var scalars = String.UnicodeScalarView()
    for scalar in text._nfc { scalars.append(scalar) }
    return String(scalars)
  }

  package static func isNormalized(_ text: String) -> Bool {
    isASCII(text) || text.unicodeScalars.elementsEqual(text._nfc)
  }

  private static func isASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 < 0x80 }
  }
}

// MARK: Text on a terminal

extension TextRules {
  /// The text with everything that controls a terminal or cannot be seen written as `\u{…}`: text from outside must not
  /// control a terminal, nor look like another text.
  package static func escapedForTerminal(_ text: String) -> String {
    guard !isPlain(text) else { return text }
    let scalars = Array(text.unicodeScalars)
    var escaped = String.UnicodeScalarView()
    for (position, scalar) in scalars.enumerated() {
      let next = position + 1 < scalars.count ? scalars[position + 1] : nil
      if isHidden(scalar, after: position > 0 ? scalars[position - 1] : nil, before: next) {
        escaped.append(contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      } else {
        escaped.append(scalar)
      }
    }
    return String(escaped)
  }

  /// Bytes as text, such as the name of a file: what is not UTF-8 is written like `ls` and `printf` do, as `\xe9`.
  ///
  /// The result still has to be escaped for a terminal.
  package static func shown(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      if let (scalar, length) = firstScalar(of: rest) {
        text.unicodeScalars.append(scalar)
        rest = rest.dropFirst(length)
      } else if let byte = rest.popFirst() {
        text += #"\x"# + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }

  private static func firstScalar(of bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
    for length in 1...4 where length <= bytes.count {
      guard let text = String(validating: bytes.prefix(length), as: UTF8.self) else { continue }
      return text.unicodeScalars.first.map { ($0, length) }
    }
    return nil
  }

  /// Whether a text is printable ASCII.
  static func isPlain(_ text: String) -> Bool {
    text.utf8.withContiguousStorageIfAvailable(isPlain) ?? text.utf8.allSatisfy(isPlain)
  }

  /// Looks at all bytes: without a way out of the loop, the compiler makes it look at many at once.
  static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var others = 0
    for byte in bytes { others |= isPlain(byte) ? 0 : 1 }
    return others == 0
  }

  private static func isPlain(_ byte: UInt8) -> Bool { byte &- 0x20 <= 0x5E }

  private static func isHidden(
    _ scalar: Unicode.Scalar, after previous: Unicode.Scalar?, before next: Unicode.Scalar?
  ) -> Bool {
    switch scalar.value {
    // A braille cell without dots looks like a space.
    case 0x2028, 0x2029, 0x2800: return true
    // Joiners belong into emoji and into the scripts that have joining forms, and nowhere else.
    case 0x200C, 0x200D: return !(isJoined(previous) && isJoined(next))
    // Variation selectors choose the form of an emoji or of an ideograph.
    case 0xFE00...0xFE0F, 0xE0100...0xE01EF: return !(previous.map(hasVariations) ?? false)
    // Formats that are visible: signs that enclose or precede numbers.
    case 0x600...0x605, 0x6DD, 0x70F, 0x890...0x891, 0x8E2, 0x110BD, 0x110CD: return false
    default: break
    }
    if isControl(scalar) || isBidirectionalControl(scalar) || scalar.properties.isDefaultIgnorableCodePoint {
      return true
    }
    switch scalar.properties.generalCategory {
    case .format, .privateUse, .unassigned: return true
    // A space that is none looks like one: `a\u{A0}b`.
    case .spaceSeparator: return scalar != " "
    default: return false
    }
  }

  private static func isJoined(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    switch scalar.value {
    case 0x0600...0x08FF, 0x0900...0x0DFF, 0x1000...0x109F, 0x1780...0x17FF, 0x1800...0x18AF, 0xFE0F, 0x1F3FB...0x1F3FF:
      return true
    default: return hasVariations(scalar) && scalar.properties.isEmoji
    }
  }

  /// Digits are emoji too: keycaps.
  private static func hasVariations(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isEmoji || scalar.properties.isIdeographic || scalar.properties.generalCategory == .mathSymbol
  }
}
