// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

/// What a command line asks for: decided without doing any of it.
enum Invocation {
  case command(any ConsoleCommand)
  /// The help of a command, or of all.
  case help((any ConsoleCommand.Type)?)
  case supervisorHelp
  case version
  /// Nothing but options.
  case nothing(DaemonOptions)
  /// A script for a shell.
  case completionScript(String)
  /// What that script asks.
  case completion([String])
  /// The pages of the manual, into a directory.
  case manual([String])
  case mistake(CommandFailure)

  /// - Parameter arguments: without the program's name.
  init(_ arguments: [String]) {
    var rest = arguments[...]
    // Options that stand before the verb are moved behind it, where its own parser takes them.
    var moved = [String]()
    while let word = rest.first, word.hasPrefix("-") {
      rest.removeFirst()
      switch word {
      case "--help", "-h":
        self = .help(nil)
        return
      case "--version":
        self = .version
        return
      case "--json": moved.append(word)
      case "--peer", "--socket":
        guard let value = rest.popFirst() else {
          self = .mistake(Self.usage("\(word) needs a value"))
          return
        }
        moved += [word, value]
      case _ where word.hasPrefix("--peer=") || word.hasPrefix("--socket="): moved.append(word)
      case "--generate-completion-script":
        self = .completionScript(rest.first ?? "bash")
        return
      default:
        self = .mistake(Self.usage("there is no option \(TextRules.escapedForTerminal(word)) before a command"))
        return
      }
    }
    guard let verb = rest.popFirst() else {
      self = Self.options(moved)
      return
    }
    self = Self.dispatch(verb, rest, moved)
  }

  private static func dispatch(_ verb: String, _ rest: ArraySlice<String>, _ moved: [String]) -> Invocation {
    var rest = rest
    switch verb {
    case "help": return help(Array(rest))
    // For scripts: no help mentions them.
    case "complete": return .completion(Array(rest))
    case "generate-manual": return .manual(Array(rest))
    default: break
    }
    var words = [verb]
    let secondWords = CommandTable.secondWords(of: verb)
    if !secondWords.isEmpty {
      guard let second = rest.popFirst() else {
        return .mistake(usage("\(verb) needs one of: \(secondWords.joined(separator: ", "))"))
      }
      if asksForHelp([second]) { return .supervisorHelp }
      words.append(second)
      guard CommandTable.command(words) != nil else { return .mistake(unknown(second, secondWords, after: "\(verb) ")) }
    }
    guard let command = CommandTable.command(words) else {
      return .mistake(unknown(verb, CommandTable.verbs + ["help"], after: ""))
    }
    if asksForHelp(rest) { return .help(command) }
    if rest.prefix(while: { $0 != "--" }).contains("--version") { return .version }
    do {
      return .command(try command.parse(moved + rest))
    } catch {
      return .mistake(
        CommandFailure(
          .usage, TextRules.escapedForTerminal(command.message(for: error)),
          Self.meantKeys(rest, of: words)
            + [
              "Usage: \(RootCommand.usageString(for: command).dropUsageLabel)",
              "Help: p2pctl \(words.joined(separator: " ")) --help",
            ]))
    }
  }

  /// A name alone is that of a file, as `add` has it.
  private static func meantKeys(_ arguments: some Sequence<String>, of words: [String]) -> [String] {
    guard let verb = words.first, ["lookup", "get", "remove"].contains(verb),
      let name = arguments.first(where: { !$0.hasPrefix("-") }), !name.contains("/"),
      (try? DocumentKey.typed(name)) == nil, let key = try? DocumentKey(normalizing: "file/\(name)")
    else { return [] }
    return ["Did you mean: p2pctl \(verb) \(TextRules.escapedForTerminal(ShellWords.escaped(key.text, in: nil)))"]
  }

  private static func options(_ arguments: [String]) -> Invocation {
    do {
      return .nothing(try DaemonOptions.parse(arguments))
    } catch {
      return .mistake(usage(TextRules.escapedForTerminal(DaemonOptions.message(for: error))))
    }
  }

  private static func help(_ words: [String]) -> Invocation {
    guard let verb = words.first else { return .help(nil) }
    if let command = CommandTable.command(Array(words.prefix(2))) ?? CommandTable.command([verb]) {
      return .help(command)
    }
    if !CommandTable.secondWords(of: verb).isEmpty { return .supervisorHelp }
    return .mistake(unknown(verb, CommandTable.verbs, after: ""))
  }

  private static func asksForHelp(_ arguments: some Collection<String>) -> Bool {
    arguments.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
  }

  private static func unknown(_ typed: String, _ words: [String], after prefix: String) -> CommandFailure {
    let meant = (prefix.isEmpty ? Synonyms.verb(for: typed) : nil) ?? ClosestWord.to(typed, among: words)
    let closest = meant.map { ["Did you mean: p2pctl \(prefix)\($0)"] } ?? []
    return CommandFailure(
      .usage, "there is no command \(prefix)\(TextRules.escapedForTerminal(CellWidth.cut(typed, to: 60)))",
      closest + ["Commands: \(words.joined(separator: ", "))"])
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
