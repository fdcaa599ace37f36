// SPDX-License-Identifier: Apache-2.0

/// Splits a line into words as a shell does, with quotes and backslashes but without expansion.
package enum ShellWords {
  package enum Failure: Error, Equatable {
    case unclosedQuote(Character)
    case trailingBackslash
  }

  /// A line that is still being typed.
  package struct Partial: Equatable {
    package var words: [String] = []
    /// The last word so far, without quotes and backslashes.
    package var typed = ""
    /// The last word so far, as typed.
    package var raw = ""
    /// The quote that is open at the end.
    package var quote: Character?
  }

  /// A complete word.
  package struct Word: Equatable {
    /// Without quotes and backslashes.
    package var text = ""
    /// The word as a pattern of glob(7), in which what was quoted is quoted with backslashes.
    package var pattern = ""
    /// Whether it begins with a tilde that was not quoted.
    package var beginsWithTilde = false
    /// Whether it contains a `*`, `?` or `[` that was not quoted.
    package var isPattern = false
  }

  package static func split(_ line: String) throws(Failure) -> [String] {
    try words(of: line).map(\.text)
  }

  package static func words(of line: String) throws(Failure) -> [Word] {
    var reader = Reader()
    for character in line { reader.take(character) }
    if let quote = reader.state.quote { throw .unclosedQuote(quote) }
    if reader.isEscaped { throw .trailingBackslash }
    return reader.words + (reader.isInWord ? [reader.word] : [])
  }

  package static func partial(_ line: String) -> Partial {
    var reader = Reader()
    for character in line { reader.take(character) }
    return reader.state
  }

  /// Escapes a text so that it is read literally.
  /// - Parameter quote: the quote that is open before it and stays open.
  package static func escaped(_ text: String, in quote: Character?) -> String {
    switch quote {
    case "'": return text.replacing("'", with: #"'\''"#)
    case "\"": return text.reduce(into: "") { $0 += special.contains($1) ? "\\\($1)" : String($1) }
    default:
      return text.reduce(into: "") { result, character in
        let isPlain = character.isLetter || character.isNumber || plain.contains(character) || !character.isASCII
        result += isPlain && !character.isWhitespace ? String(character) : "\\\(character)"
      }
    }
  }

  /// The characters that a backslash escapes within double quotes: POSIX.1-2017, 2.2.3.
  private static let special: Set<Character> = ["\"", "\\", "$", "`"]
  private static let plain: Set<Character> = ["/", ".", "_", "-", "+", ",", ":", "@", "%", "=", "^"]

  /// Reads a line character by character.
  private struct Reader {
    var state = Partial()
    var words: [Word] = []
    var word = Word()
    var isInWord = false
    var isEscaped = false

    mutating func take(_ character: Character) {
      if isEscaped {
        escape(character)
      } else if let quote = state.quote {
        takeQuoted(character, quote)
      } else {
        takePlain(character)
      }
    }

    private mutating func escape(_ character: Character) {
      isEscaped = false
      state.raw.append(character)
      if state.quote == "\"", !ShellWords.special.contains(character) { append("\\", isQuoted: true) }
      append(character, isQuoted: true)
    }

    private mutating func append(_ character: Character, isQuoted: Bool) {
      state.typed.append(character)
      let isSpecial = "*?[".contains(character)
      if !isQuoted {
        if character == "~", word.text.isEmpty { word.beginsWithTilde = true }
        if isSpecial { word.isPattern = true }
      }
      if isQuoted && isSpecial || character == "\\" { word.pattern.append("\\") }
      word.pattern.append(character)
      word.text.append(character)
    }

    private mutating func takeQuoted(_ character: Character, _ quote: Character) {
      state.raw.append(character)
      switch character {
      case quote: state.quote = nil
      case "\\" where quote == "\"": isEscaped = true
      default: append(character, isQuoted: true)
      }
    }

    private mutating func takePlain(_ character: Character) {
      switch character {
      case " ", "\t", "\r", "\n", "\r\n":
        if isInWord {
          state.words.append(state.typed)
          words.append(word)
        }
        word = Word()
        (state.typed, state.raw, isInWord) = ("", "", false)
        return
      case "'", "\"": state.quote = character
      case "\\": isEscaped = true
      default: append(character, isQuoted: false)
      }
      isInWord = true
      state.raw.append(character)
    }
  }
}
