// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

/// What a command line asks for; parsing has no effects.
enum ParsedCommandLine {
  /// - Parameter name: its words: `supervisor start`.
  case command(any ConsoleCommand, name: String)
  case help(any DocumentedCommand.Type)
  case version
  /// Options without a command.
  case options(DaemonOptions)
  /// Print the completion script of a shell.
  case completionScript(shell: String)
  /// Answer a completion script.
  case completion([String])
  /// Write the manual pages.
  case manual([String])

  /// - Parameter arguments: without the program's name.
  /// - Throws: a usage error.
  init(_ arguments: [String]) throws(CommandFailure) {
    var rest = arguments[...]
    // Options before the command are moved behind it, where its own parser reads them.
    var moved = [String]()
    while let word = rest.first, word.hasPrefix("-") {
      rest.removeFirst()
      switch word {
      case "--help", "-h":
        self = .help(RootCommand.self)
        return
      case "--version":
        self = .version
        return
      case "--json": moved.append(word)
      case "--peer", "--socket":
        guard let value = rest.popFirst() else { throw Self.usage("\(word) needs a value") }
        moved += [word, value]
      case _ where word.hasPrefix("--peer=") || word.hasPrefix("--socket="): moved.append(word)
      case "--generate-completion-script":
        self = .completionScript(shell: rest.first ?? "bash")
        return
      default: throw Self.usage("unknown option \(TextRules.escapedForTerminal(word)) before the command")
      }
    }
    self = if let verb = rest.popFirst() { try Self.dispatch(verb, rest, moved) } else { try Self.options(moved) }
  }

  private static func dispatch(_ verb: String, _ rest: ArraySlice<String>, _ moved: [String]) throws(CommandFailure)
    -> ParsedCommandLine
  {
    switch verb {
    case "help": return try help(rest)
    // For scripts; not listed in any help text.
    case "complete": return .completion(Array(rest))
    case "generate-manual": return .manual(Array(rest))
    default: break
    }
    let (type, words) = try command([verb] + rest.prefix(1))
    let rest = rest.dropFirst(words.count - 1)
    if asksForHelp(rest) { return .help(type) }
    guard let type = type as? any ConsoleCommand.Type else {
      let names = RootCommand.subcommandNames(of: type).joined(separator: ", ")
      throw usage("\(verb) needs one of: \(names)")
    }
    if rest.prefix(while: { $0 != "--" }).contains("--version") { return .version }
    return try parse(moved + rest, as: type, words)
  }

  /// `help VERB`; options that every command has change nothing.
  private static func help(_ rest: ArraySlice<String>) throws(CommandFailure) -> ParsedCommandLine {
    let words = rest.filter { !["--json", "--help", "-h"].contains($0) }
    return .help(try command(Array(words.prefix(2))).type)
  }

  private static func parse(_ arguments: [String], as type: any ConsoleCommand.Type, _ words: [String])
    throws(CommandFailure) -> ParsedCommandLine
  {
    let name = words.joined(separator: " ")
    // The parser would take the next argument for the value of such an option.
    let hasEmptyValue = arguments.prefix { $0 != "--" }.contains { $0.hasPrefix("--") && $0.hasSuffix("=") }
    var refusal = ""
    if !hasEmptyValue {
      do { return .command(try type.parse(arguments), name: name) } catch { refusal = type.message(for: error) }
    }
    // Described only now: that takes time.
    guard let description = CommandDescription.own()?[words: words] else {
      throw usage(oneLine(refusal.isEmpty ? "invalid arguments" : refusal, quoting: arguments))
    }
    let scan = ArgumentScan(arguments, of: description)
    if scan.unknown == nil {
      if scan.asksForHelp { return .help(type) }
      if hasEmptyValue || scan.normalized != arguments {
        do { return .command(try type.parse(scan.normalized), name: name) } catch { refusal = type.message(for: error) }
      }
    }
    let explanation = UsageExplanation(
      words: words, command: description, scan: scan, refusal: oneLine(refusal, quoting: arguments))
    throw CommandFailure(
      .usage, explanation.message,
      (explanation.suggestion.map { ["Did you mean: \($0)"] } ?? []) + [
        "Usage: \(RootCommand.usageString(for: type).dropUsageLabel)", "Help: p2pctl \(name) --help",
      ])
  }

  /// The first line of a message of the parser. A line break in an argument that it quotes does not end it.
  private static func oneLine(_ message: String, quoting arguments: [String]) -> String {
    var message = message
    for argument in arguments where argument.contains(where: \.isNewline) {
      message = message.replacing(argument, with: TextRules.escapedForTerminal(argument))
    }
    return TextRules.escapedForTerminal(message.split(whereSeparator: \.isNewline).first.map(String.init) ?? "")
  }

  /// The command that the first words name, and these words.
  private static func command(_ words: [String]) throws(CommandFailure) -> (
    type: any DocumentedCommand.Type, words: [String]
  ) {
    var type: any DocumentedCommand.Type = RootCommand.self
    var known = [String]()
    for word in words where !type.configuration.subcommands.isEmpty {
      guard let next = RootCommand.command(known + [word]) else {
        if !known.isEmpty, asksForHelp([word]) { break }
        throw unknown(word, after: known, RootCommand.subcommandNames(of: type))
      }
      known.append(word)
      type = next
    }
    return (type, known)
  }

  private static func options(_ arguments: [String]) throws(CommandFailure) -> ParsedCommandLine {
    do {
      return .options(try DaemonOptions.parse(arguments))
    } catch {
      throw usage(TextRules.escapedForTerminal(DaemonOptions.message(for: error)))
    }
  }

  private static func asksForHelp(_ arguments: some Collection<String>) -> Bool {
    arguments.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
  }

  private static func unknown(_ typed: String, after words: [String], _ known: [String]) -> CommandFailure {
    if typed.hasPrefix("-") {
      let option = TextRules.escapedForTerminal(CellWidth.cut(typed, to: 60))
      return usage("unknown option \(option) of \(words.isEmpty ? "help" : words.joined(separator: " "))")
    }
    let prefix = words.map { $0 + " " }.joined()
    let known = words.isEmpty ? known + ["help"] : known
    let meant = (words.isEmpty ? Synonyms.verb(for: typed) : nil) ?? ClosestWord.to(typed, among: known)
    let shown = typed.isEmpty ? "''" : TextRules.escapedForTerminal(CellWidth.cut(typed, to: 60))
    return CommandFailure(
      .usage, "unknown command: \(prefix)\(shown)",
      (meant.map { ["Did you mean: p2pctl \(prefix)\($0)"] } ?? [])
        + ["Commands: \(known.joined(separator: ", "))"])
  }

  private static func usage(_ message: String) -> CommandFailure {
    CommandFailure(.usage, message, ["Help: p2pctl --help"])
  }
}

extension String {
  fileprivate var dropUsageLabel: Substring {
    let label = "Usage: "
    return (hasPrefix(label) ? dropFirst(label.count) : self[...])
  }
}
