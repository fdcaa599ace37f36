// SPDX-License-Identifier: Apache-2.0

@_spi(_Unicode) private import Swift

/// The title of a document: 0–512 bytes of UTF-8 in NFC, without control characters and bidirectional controls.
package struct Title: Hashable, Sendable {
  package static let maximumLength = 512
  package static let empty = Title(unchecked: "")

  package let text: String

  private init(unchecked text: String) {
    self.text = text
  }

  /// Reads a title from the wire: refuses text that is not in normal form.
  package init(_ text: String) throws(InvalidValue) {
    guard text.utf8.count <= Self.maximumLength else {
      throw InvalidValue("a title has at most \(Self.maximumLength) bytes")
    }
    for scalar in text.unicodeScalars {
      guard !TextRules.isControl(scalar) else { throw InvalidValue("a title must not contain control characters") }
      guard !TextRules.isBidirectionalControl(scalar) else {
        throw InvalidValue("a title must not contain bidirectional controls")
      }
    }
    guard TextRules.isNormalized(text) else { throw InvalidValue("a title must be in Unicode normal form C") }
    self.init(unchecked: text)
  }

  /// Makes a title from typed text or from a file: folds white space, drops controls, normalises, and cuts at a
  /// character boundary if it is too long.
  package init(normalizing text: String) {
    var kept = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where !Self.isDropped(scalar) { kept.append(scalar) }
    let words = String(kept).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    var title = TextRules.normalized(words)
    while title.utf8.count > Self.maximumLength { title.removeLast() }
    self.init(unchecked: title)
  }

  /// White space is kept for splitting words, even if it is a control character.
  private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
    !scalar.properties.isWhitespace && (TextRules.isControl(scalar) || TextRules.isBidirectionalControl(scalar))
  }
}

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

  /// The text with control characters, bidirectional controls and line separators written as `\u{…}`: text from outside
  /// must not control a terminal.
  package static func escapedForTerminal(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: controlsTerminal) else { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
      if controlsTerminal(scalar) {
        escaped += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      } else {
        escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func controlsTerminal(_ scalar: Unicode.Scalar) -> Bool {
    isControl(scalar) || isBidirectionalControl(scalar) || scalar.value == 0x2028 || scalar.value == 0x2029
  }

  private static func isASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 < 0x80 }
  }
}

/// A value from outside that breaks a rule of the model. `reason` names the rule; it can be shown to a person and sent
/// in an error reply.
package struct InvalidValue: Error, Equatable, CustomStringConvertible {
  package let reason: String

  package init(_ reason: String) {
    self.reason = reason
  }

  package var description: String { reason }
}
