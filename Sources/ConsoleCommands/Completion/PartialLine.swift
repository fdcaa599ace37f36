// SPDX-License-Identifier: Apache-2.0

/// A line up to the cursor, split into words, and the replacement of its end by a completed word.
package struct PartialLine: Equatable {
  /// The complete words.
  package let words: [String]
  /// The last word so far, without quotes and backslashes.
  package let typed: String
  /// The last word so far, as typed.
  package let raw: String
  /// The quote that is open at the end.
  package let quote: Character?

  package init(_ line: String) {
    let parsed = ShellWords.partial(line)
    words = parsed.words
    typed = parsed.typed
    raw = parsed.raw
    quote = parsed.quote
  }

  /// The text that completes the last word to `word`.
  ///
  /// - Parameter replaced: the end of the line that the text replaces, a suffix of `raw`.
  /// - Returns: `nil` if replacing only that cannot produce the word.
  package func completed(to word: String, replacing replaced: String) -> String? {
    guard !word.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }),
      Self.begins(word, with: typed)
    else { return nil }
    if word.utf8.starts(with: typed.utf8) {
      let rest = word.unicodeScalars.dropFirst(typed.unicodeScalars.count)
      return replaced + ShellWords.escaped(String(String.UnicodeScalarView(rest)), in: quote)
    }
    // Equal text in other code points. File names are compared by bytes, so all of it is replaced.
    guard replaced == raw, quote == nil else { return nil }
    return ShellWords.escaped(word, in: nil)
  }

  /// Whether a word starts with the typed text: as characters, or as code points if the last character is incomplete.
  package static func begins(_ word: String, with typed: some StringProtocol) -> Bool {
    word.hasPrefix(typed) || word.utf8.starts(with: typed.utf8)
  }

  /// The end of the line that bash replaces: after an open quote, else after the last of COMP_WORDBREAKS.
  package func replacedByBash(breaks: String) -> String {
    if let quote, let open = raw.lastIndex(of: quote) { return String(raw[raw.index(after: open)...]) }
    var start = raw.startIndex
    var isEscaped = false
    for index in raw.indices {
      if isEscaped {
        isEscaped = false
      } else if raw[index] == "\\" {
        isEscaped = true
      } else if breaks.contains(raw[index]) {
        start = raw.index(after: index)
      }
    }
    return String(raw[start...])
  }
}
