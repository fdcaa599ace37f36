// SPDX-License-Identifier: Apache-2.0

/// What kind of word can complete the one being typed, judged by the words before it, without any I/O.
package struct Completion: Equatable {
  package struct Word: Equatable {
    package let text: String
    /// Its meaning; may be empty.
    package let help: String

    package init(_ text: String, help: String = "") {
      self.text = text
      self.help = help
    }
  }

  package enum Kind: Equatable {
    case words([Word])
    /// Keys that the network shares, or only those that this peer shares.
    case keys(mine: Bool)
    /// Peers of the network.
    case peers
    /// Downloads that have not ended, by number.
    case downloads
    /// Peers that run on this machine.
    case ownPeers
    /// Processes of the supervisor.
    case processes
    /// Processes that have a log.
    case logs
    case files
    case directories
    case nothing
  }

  package let kind: Kind
  /// The part of the typed word before the value: `--from=`.
  package let prefix: String

  /// - Parameters:
  ///   - words: the preceding words, without the program's name.
  ///   - typed: the word so far.
  ///   - extras: additional first words that are not commands.
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
      // Nothing can follow an unknown command.
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

  /// A minimal reading of the words as options and positional arguments.
  private struct Scan {
    let options: [CommandDescription.Argument]
    /// Words not read yet.
    var rest: ArraySlice<String>
    /// The option whose value is the next word.
    var pending: CommandDescription.Argument?
    var positionals = 0
    var used: Set<String> = []
    /// Whether `--` has ended the options.
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
    // Understood with every command, but no option of any.
    let version = Word("--version", help: "Show the version.")
    return (.words(left.flatMap { option in option.names.map { Word($0, help: option.help) } } + [version]), "")
  }

  // MARK: Values

  /// The value name in the help determines what completes the value.
  private static func values(of argument: CommandDescription.Argument, _ verb: String) -> Kind {
    switch argument.valueName {
    case "key": .keys(mine: verb != "get" && verb != "lookup")
    // Words of list may be the beginning of keys.
    case "words": .keys(mine: false)
    case "peer": .peers
    case "job": .downloads
    case "name" where argument.names == ["--peer"]: .ownPeers
    case "process": verb == "logs" ? .logs : .processes
    case "file", "path": .files
    case "dir": .directories
    case "role": .words([Word("reader"), Word("publisher"), Word("admin")])
    default: .nothing
    }
  }
}

extension CommandDescription {
  /// `help` takes the commands as its subcommands, without their arguments.
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
