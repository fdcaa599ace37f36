/// Splits a line into words as a shell does: white space separates, quotes and backslashes keep together. Nothing is
/// expanded.
package enum ShellWords {
  package enum Failure: Error, Equatable {
    case unclosedQuote(Character)
    case trailingBackslash
  }

  package static func split(_ line: String) throws(Failure) -> [String] {
    var words = [String]()
    var word: String?
    var rest = line[...]
    while let character = rest.popFirst() {
      switch character {
      case " ", "\t", "\r", "\n", "\r\n":
        if let finished = word { words.append(finished) }
        word = nil
      case "'":
        word = (word ?? "") + (try quoted(&rest, by: character, escapes: false))
      case "\"":
        word = (word ?? "") + (try quoted(&rest, by: character, escapes: true))
      case "\\":
        guard let next = rest.popFirst() else { throw .trailingBackslash }
        word = (word ?? "") + String(next)
      default:
        word = (word ?? "") + String(character)
      }
    }
    if let word { words.append(word) }
    return words
  }

  /// Up to the closing quote, which is taken too. In double quotes a backslash keeps `"` and `\` from their meaning.
  private static func quoted(_ rest: inout Substring, by quote: Character, escapes: Bool) throws(Failure) -> String {
    var text = ""
    while let character = rest.popFirst() {
      if character == quote { return text }
      if escapes, character == "\\", let next = rest.first, next == quote || next == "\\" {
        text.append(next)
        rest.removeFirst()
      } else {
        text.append(character)
      }
    }
    throw .unclosedQuote(quote)
  }
}
