// SPDX-License-Identifier: Apache-2.0

/// The title of a document: 0–512 bytes of UTF-8 in NFC, without control characters or bidirectional controls.
package struct Title: Hashable, Sendable {
  package static let maximumLength = 512
  package static let empty = Title(unchecked: "")

  package let text: String

  private init(unchecked text: String) {
    self.text = text
  }

  /// A text that was that of a title before.
  package init(known text: String) {
    self.init(unchecked: text)
  }

  /// Reads a title from the wire: refuses text that is not in normal form.
  package init(_ text: String) throws(InvalidValue) {
    guard text.utf8.count <= Self.maximumLength else {
      throw InvalidValue("a title has at most \(Self.maximumLength) bytes")
    }
    // Most titles: nothing of what follows can be wrong with them.
    if !TextRules.isPlain(text) { try Self.check(text) }
    self.init(unchecked: text)
  }

  private static func check(_ text: String) throws(InvalidValue) {
    for scalar in text.unicodeScalars {
      guard !TextRules.isControl(scalar) else { throw InvalidValue("a title must not contain control characters") }
      guard !TextRules.isBidirectionalControl(scalar) else {
        throw InvalidValue("a title must not contain bidirectional controls")
      }
    }
    guard TextRules.isNormalized(text) else { throw InvalidValue("a title must be in Unicode normal form C") }
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

/// A value from outside that breaks a rule of the model. `reason` names the rule; it can be shown to a person and sent
/// in an error reply.
package struct InvalidValue: Error, Equatable, CustomStringConvertible {
  package let reason: String

  package init(_ reason: String) {
    self.reason = reason
  }

  package var description: String { reason }
}
