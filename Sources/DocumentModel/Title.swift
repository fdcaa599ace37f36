// SPDX-License-Identifier: Apache-2.0

/// The title of a document: 0–512 bytes of UTF-8 in NFC, without control characters and bidirectional controls.
package struct Title: Hashable, Sendable {
  package static let maximumLength = 512
  package static let empty = Title(unchecked: "")

  package let text: String

  private init(unchecked text: String) {
    self.text = text
  }

  /// Takes a title as the wire has it: refuses what is not in normal form.
  package init(_ text: String) throws(InvalidValue) {
    guard text.utf8.count <= Self.maximumLength else {
      throw InvalidValue("a title has at most \(Self.maximumLength) bytes")
    }
    for scalar in text.unicodeScalars {
      guard !TextRules.isControl(scalar) else { throw InvalidValue("a title holds no control characters") }
      guard !TextRules.isBidirectionalControl(scalar) else {
        throw InvalidValue("a title holds no bidirectional controls")
      }
    }
    guard TextRules.isNormalized(text) else { throw InvalidValue("a title is in Unicode normal form C") }
    self.init(unchecked: text)
  }

  /// Makes a title of what a person typed or a file says: white space folded, controls dropped, normalised, and cut
  /// at a character boundary where it is too long.
  package init(normalizing text: String) {
    var kept = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where !Self.isDropped(scalar) { kept.append(scalar) }
    let words = String(kept).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    var title = TextRules.normalized(words)
    while title.utf8.count > Self.maximumLength { title.removeLast() }
    self.init(unchecked: title)
  }

  /// White space stays until words are told apart, even where it is a control character.
  private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
    !scalar.properties.isWhitespace && (TextRules.isControl(scalar) || TextRules.isBidirectionalControl(scalar))
  }
}
