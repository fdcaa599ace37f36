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
    case "help": return .help(try command(Array(rest.prefix(2))).type)
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
    do {
      return .command(try type.parse(moved + rest), name: words.joined(separator: " "))
    } catch {
      // Described only now: that takes time.
      let explanation = CommandDescription.own()?[words: words].map {
        UsageExplanation(words: words, command: $0, scan: ArgumentScan(rest, of: $0))
      }
      if let scan = explanation?.scan, scan.unknown == nil, scan.asksForHelp { return .help(type) }
      // Of a message of the parser, the first line.
      let message = type.message(for: error).split(whereSeparator: \.isNewline).first.map(String.init)
      throw CommandFailure(
        .usage, explanation?.message ?? TextRules.escapedForTerminal(message ?? "invalid arguments"),
        (explanation?.suggestion.map { ["Did you mean: \($0)"] } ?? []) + [
          "Usage: \(RootCommand.usageString(for: type).dropUsageLabel)",
          "Help: p2pctl \(words.joined(separator: " ")) --help",
        ])
    }
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
      return usage("unknown option \(option) of \(words.joined(separator: " "))")
    }
    let prefix = words.map { $0 + " " }.joined()
    let known = words.isEmpty ? known + ["help"] : known
    let meant = (words.isEmpty ? Synonyms.verb(for: typed) : nil) ?? ClosestWord.to(typed, among: known)
    return CommandFailure(
      .usage, "unknown command: \(prefix)\(TextRules.escapedForTerminal(CellWidth.cut(typed, to: 60)))",
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
