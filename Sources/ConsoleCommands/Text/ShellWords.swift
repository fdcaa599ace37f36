// SPDX-License-Identifier: Apache-2.0

/// Splits a line into words as a shell does: white space separates, quotes and backslashes keep together. Nothing is
/// expanded.
package enum ShellWords {
  package enum Failure: Error, Equatable {
    case unclosedQuote(Character)
    case trailingBackslash
  }

  /// What a line is as long as it is being typed.
  package struct Unfinished: Equatable {
    package var words: [String] = []
    /// The last word so far; empty where none has begun.
    package var typed = ""
    /// The same as it stands there.
    package var raw = ""
    /// The quote that is open.
    package var quote: Character?
  }

  package static func split(_ line: String) throws(Failure) -> [String] {
    var reader = Reader()
    for character in line { reader.take(character) }
    if let quote = reader.state.quote { throw .unclosedQuote(quote) }
    if reader.isEscaped { throw .trailingBackslash }
    return reader.state.words + (reader.isInWord ? [reader.state.typed] : [])
  }

  package static func unfinished(_ line: String) -> Unfinished {
    var reader = Reader()
    for character in line { reader.take(character) }
    return reader.state
  }

  /// A text such that it is read as it is.
  /// - Parameter quote: the one that is open before it; it stays open.
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

  /// What a backslash keeps from its meaning within double quotes: POSIX.1-2017, 2.2.3.
  private static let special: Set<Character> = ["\"", "\\", "$", "`"]
  private static let plain: Set<Character> = ["/", ".", "_", "-", "+", ",", ":", "@", "%", "=", "^"]

  /// Takes a line character by character.
  private struct Reader {
    var state = Unfinished()
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
      if state.quote == "\"", !ShellWords.special.contains(character) { state.typed.append("\\") }
      state.typed.append(character)
    }

    private mutating func takeQuoted(_ character: Character, _ quote: Character) {
      state.raw.append(character)
      switch character {
      case quote: state.quote = nil
      case "\\" where quote == "\"": isEscaped = true
      default: state.typed.append(character)
      }
    }

    private mutating func takePlain(_ character: Character) {
      switch character {
      case " ", "\t", "\r", "\n", "\r\n":
        if isInWord { state.words.append(state.typed) }
        (state.typed, state.raw, isInWord) = ("", "", false)
        return
      case "'", "\"": state.quote = character
      case "\\": isEscaped = true
      default: state.typed.append(character)
      }
      isInWord = true
      state.raw.append(character)
    }
  }
}
