// SPDX-License-Identifier: Apache-2.0

import DocumentModel

/// Reads arguments by the description of their command, to explain in one line what its parser refused.
package struct ArgumentScan: Equatable {
  package struct Unknown: Equatable {
    package let option: String
    /// The argument that contains it: `-dash.txt` contains `-d`.
    package let argument: String
  }

  /// Arguments that are neither options nor their values.
  package private(set) var positionals: [String] = []
  /// The first option that the command does not have.
  package private(set) var unknown: Unknown?
  package private(set) var asksForHelp = false

  private let options: [CommandDescription.Argument]

  package init(_ arguments: some Sequence<String>, of command: CommandDescription) {
    options = command.options
    var rest = Array(arguments)[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        positionals += rest
        return
      }
      guard argument.hasPrefix("-"), argument != "-" else {
        positionals.append(argument)
        continue
      }
      let needsValue = argument.hasPrefix("--") ? readLong(argument) : readCluster(argument)
      // What begins with a dash is no value.
      if needsValue, rest.first?.hasPrefix("-") == false { rest.removeFirst() }
    }
  }

  /// - Returns: whether the next argument is the value of the option.
  private mutating func readLong(_ argument: String) -> Bool {
    let name = String(argument.prefix { $0 != "=" })
    guard let option = option(named: name) else {
      note(name, in: argument)
      return false
    }
    return option.takesValue && name == argument
  }

  /// `-rh` means `-r -h`, and the value of `-n20` is 20.
  private mutating func readCluster(_ argument: String) -> Bool {
    let letters = argument.dropFirst()
    for position in letters.indices {
      guard let option = option(named: "-\(letters[position])") else {
        note("-\(letters[position])", in: argument)
        return false
      }
      if option.takesValue { return letters.index(after: position) == letters.endIndex }
    }
    return false
  }

  private mutating func option(named name: String) -> CommandDescription.Argument? {
    guard let option = options.first(where: { $0.names.contains(name) }) else { return nil }
    if option.names.contains("--help") { asksForHelp = true }
    return option
  }

  private mutating func note(_ option: String, in argument: String) {
    if unknown == nil { unknown = Unknown(option: option, argument: argument) }
  }
}

/// Explains why the arguments of a command were refused, in one line and with what to type instead.
struct UsageExplanation {
  /// The words of the command: `supervisor start`.
  let words: [String]
  let command: CommandDescription
  let scan: ArgumentScan

  /// `nil` if the parser's own message says it better.
  var message: String? {
    if let unknown = scan.unknown {
      let option = TextRules.escapedForTerminal(CellWidth.cut(unknown.option, to: 60))
      guard takesFiles, !unknown.argument.hasPrefix("--") || unknown.argument.contains(".") else {
        return "unknown option \(option)"
      }
      let file = ShellWords.escaped("./\(unknown.argument)", in: nil)
      return "unknown option \(option); for a file of that name: \(TextRules.escapedForTerminal(file))"
    }
    let known = command.positionals
    guard scan.positionals.count > known.count, known.last?.isRepeating != true else { return nil }
    let verb = words.joined(separator: " ")
    guard let name = known.first?.valueName, known.count == 1 else {
      let first = scan.positionals.first ?? ""
      return "\(verb) takes no argument such as \(TextRules.escapedForTerminal(CellWidth.cut(first, to: 60)))"
    }
    return "\(verb) takes one \(name), but \(scan.positionals.count) were given"
  }

  /// What was probably meant.
  var suggestion: String? {
    if let unknown = scan.unknown {
      guard unknown.option.hasPrefix("--") else { return nil }
      return ClosestWord.to(unknown.option, among: command.options.flatMap(\.names).filter { $0.hasPrefix("--") })
    }
    guard command.positionals.first?.valueName == "key", let typed = scan.positionals.first,
      let key = Self.key(for: typed)
    else { return nil }
    let verb = words.joined(separator: " ")
    return TextRules.escapedForTerminal("p2pctl \(verb) \(ShellWords.escaped(key.text, in: nil))")
  }

  private var takesFiles: Bool { command.positionals.contains { $0.valueName == "file" } }

  /// `rfc793` and `RFC0793.txt` mean `rfc/793`; another bare name is probably that of a file.
  private static func key(for typed: String) -> DocumentKey? {
    guard !typed.contains("/"), (try? DocumentKey.typed(typed)) == nil else { return nil }
    if let match = typed.wholeMatch(of: /[Rr][Ff][Cc][-_ ]?([0-9]{1,9})(\.txt)?/) {
      return try? DocumentKey(normalizing: String(match.1))
    }
    return try? DocumentKey(normalizing: "file/\(typed)")
  }
}
