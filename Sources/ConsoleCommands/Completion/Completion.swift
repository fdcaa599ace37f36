// SPDX-License-Identifier: Apache-2.0

/// What may stand in the place of the word that is being typed, by the words before it: decided without asking anybody.
package struct Completion: Equatable {
  package struct Word: Equatable {
    package let text: String
    /// What it means; may be empty.
    package let help: String

    package init(_ text: String, help: String = "") {
      self.text = text
      self.help = help
    }
  }

  package enum Kind: Equatable {
    case words([Word])
    /// Keys of documents: of all that the network shares, or of what this peer does.
    case keys(mine: Bool)
    /// Peers of the network.
    case peers
    /// Peers that run here.
    case ownPeers
    /// What a supervisor runs.
    case processes
    /// What has a log.
    case logs
    case files
    case directories
    case nothing
  }

  package let kind: Kind
  /// How much of the word that is being typed is none of it: `--from=`.
  package let prefix: String

  /// - Parameters:
  ///   - words: those before, the program's name left out.
  ///   - typed: what there is of the word itself.
  ///   - extras: first words that are no commands.
  package init(after words: [String], typed: String, extras: [String] = [], in root: CommandDescription) {
    var scan = Scan(words, options: root[words: ["status"]]?.options ?? [], stopsAtPositional: true)
    var command = root
    var verb = ""
    while scan.pending == nil, let word = scan.rest.first {
      if command == root, word == "help" {
        command = CommandDescription.help(of: root)
        scan.rest.removeFirst()
        continue
      }
      guard let next = command[words: [word]] else { break }
      command = next
      if verb.isEmpty { verb = word }
      scan = Scan(Array(scan.rest.dropFirst()), options: next.options, stopsAtPositional: !next.subcommands.isEmpty)
    }
    let isChoice = !command.subcommands.isEmpty
    if let option = scan.pending {
      (kind, prefix) = (Self.values(of: option, verb), "")
    } else if typed.hasPrefix("-"), !scan.isOver {
      (kind, prefix) = Self.option(typed, scan, verb)
    } else if isChoice {
      // A word that is no command has nothing behind it.
      let extras = command == root ? ["help"] + extras : []
      kind =
        scan.rest.isEmpty
        ? .words(command.subcommands.map { Word($0.name, help: $0.abstract) } + extras.map { Word($0) }) : .nothing
      prefix = ""
    } else {
      let positionals = command.positionals
      let next = scan.positionals < positionals.count ? positionals[scan.positionals] : positionals.last
      let isRoom = scan.positionals < positionals.count || next?.isRepeating == true
      (kind, prefix) = (isRoom ? next.map { Self.values(of: $0, verb) } ?? .nothing : .nothing, "")
    }
  }

  // MARK: Options

  /// What words say to the parser, as far as it is needed here.
  private struct Scan {
    let options: [CommandDescription.Argument]
    /// Words that are not looked at yet.
    var rest: ArraySlice<String>
    /// The option whose value comes next.
    var pending: CommandDescription.Argument?
    var positionals = 0
    var used: Set<String> = []
    /// Whether `--` stands before: no options any more.
    var isOver = false

    init(_ words: [String], options: [CommandDescription.Argument], stopsAtPositional: Bool) {
      self.options = options
      rest = words[...]
      while let word = rest.first {
        guard word.hasPrefix("-"), word.count > 1, !isOver else {
          if stopsAtPositional { return }
          positionals += 1
          rest.removeFirst()
          continue
        }
        rest.removeFirst()
        take(option: word)
      }
    }

    private mutating func take(option word: String) {
      if word == "--" {
        isOver = true
        return
      }
      guard let option = options.first(where: { $0.names.contains(word) }) else { return }
      used.formUnion(option.names)
      guard option.takesValue else { return }
      if rest.popFirst() == nil { pending = option }
    }
  }

  private static func option(_ typed: String, _ scan: Scan, _ verb: String) -> (Kind, String) {
    if let equals = typed.firstIndex(of: "="),
      let option = scan.options.first(where: { $0.names.contains(String(typed[..<equals])) })
    {
      return (option.takesValue ? values(of: option, verb) : .nothing, String(typed[...equals]))
    }
    let left = scan.options.filter { $0.isRepeating || scan.used.isDisjoint(with: $0.names) }
    return (.words(left.flatMap { option in option.names.map { Word($0, help: option.help) } }), "")
  }

  // MARK: Values

  /// The help names the kind of a value, and thereby what it may be completed to.
  private static func values(of argument: CommandDescription.Argument, _ verb: String) -> Kind {
    switch argument.valueName {
    case "key": .keys(mine: verb != "get" && verb != "lookup")
    case "peer": .peers
    case "name" where argument.names == ["--peer"]: .ownPeers
    case "process": verb == "logs" ? .logs : .processes
    case "file", "path": .files
    case "dir": .directories
    default: .nothing
    }
  }
}

extension CommandDescription {
  /// Behind `help` stand the commands themselves, without anything behind them.
  fileprivate static func help(of root: CommandDescription) -> CommandDescription {
    CommandDescription(
      name: "help", abstract: "",
      subcommands: root.subcommands.map { command in
        CommandDescription(
          name: command.name, abstract: command.abstract,
          subcommands: command.subcommands.map { CommandDescription(name: $0.name, abstract: $0.abstract) })
      })
  }
}
