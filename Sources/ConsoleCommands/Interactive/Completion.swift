/// What may stand where a word is being typed, by what stands before it: decided without asking anybody.
package enum Completion: Equatable {
  case words([String])
  /// Keys of documents: of all that the network shares, or of what this peer does.
  case keys(mine: Bool)
  case files
  case nothing

  /// - Parameter before: the line up to the word that is being typed.
  package init(after before: String) {
    var words = before.split(whereSeparator: \.isWhitespace).map(String.init)[...]
    if words.first == "p2pctl" { words.removeFirst() }
    while let option = words.first, option.hasPrefix("-") {
      words = words.dropFirst(Self.takesValue.contains(option) ? 2 : 1)
    }
    guard let verb = words.popFirst() else {
      self = .words(CommandTable.verbs + ["help"] + Repl.farewells)
      return
    }
    let secondWords = CommandTable.secondWords(of: verb)
    if !secondWords.isEmpty {
      self = words.isEmpty ? .words(secondWords) : .nothing
    } else if verb == "help" {
      self = .words(CommandTable.verbs)
    } else if let option = words.last, option.hasPrefix("-"), Self.takesValue.contains(option) {
      self = Self.takesPath.contains(option) ? .files : .nothing
    } else {
      self = Self.argument(of: verb)
    }
  }

  private static let takesPath: Set = ["-o", "--output", "--socket"]
  private static let takesValue = takesPath.union(["--peer", "--from", "--content", "--key", "--title", "--limit"])

  private static func argument(of verb: String) -> Completion {
    switch verb {
    case "add": .files
    case "get", "lookup": .keys(mine: false)
    case "remove": .keys(mine: true)
    default: .nothing
    }
  }

  /// The texts that may stand there; `nil` for names of files.
  /// - Parameter keys: finds the keys that begin as typed.
  func candidates(_ typed: String, keys: (_ typed: String, _ mine: Bool) -> [String]) -> [String]? {
    switch self {
    case .words(let words): words
    case .keys(let mine): keys(typed, mine)
    case .files: nil
    case .nothing: []
    }
  }
}
