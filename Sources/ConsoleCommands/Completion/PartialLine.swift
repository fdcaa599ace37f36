// SPDX-License-Identifier: Apache-2.0

/// A line up to where somebody types, taken apart, and put together again with a word completed.
package struct PartialLine: Equatable {
  /// The words that are finished.
  package let words: [String]
  /// What there is of the last word, without quotes.
  package let typed: String
  /// The same as it stands there.
  package let raw: String
  /// The quote that is open at its end.
  package let quote: Character?

  package init(_ line: String) {
    let parsed = ShellWords.unfinished(line)
    words = parsed.words
    typed = parsed.typed
    raw = parsed.raw
    quote = parsed.quote
  }

  /// What stands in the place of the end of the line when the word is completed.
  ///
  /// - Parameters:
  ///   - replaced: the end of the line that goes, a part of the word as it stands there.
  /// - Returns: `nil` where the word cannot be had by changing no more than that.
  package func completed(to word: String, replacing replaced: String) -> String? {
    guard !word.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }),
      Self.begins(word, with: typed)
    else { return nil }
    if word.utf8.starts(with: typed.utf8) {
      let rest = word.unicodeScalars.dropFirst(typed.unicodeScalars.count)
      return replaced + ShellWords.escaped(String(String.UnicodeScalarView(rest)), in: quote)
    }
    // The same letters in other code points: names on a disk are what their bytes are.
    guard replaced == raw, quote == nil else { return nil }
    return ShellWords.escaped(word, in: nil)
  }

  /// Whether a word begins with what is typed: as text, or code point by code point where a character of several has
  /// only begun.
  package static func begins(_ word: String, with typed: some StringProtocol) -> Bool {
    word.hasPrefix(typed) || word.utf8.starts(with: typed.utf8)
  }

  /// The end of the line that bash replaces: behind an open quote, else behind the last of the characters that break
  /// words for its completion.
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
