// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Every verb and its type: the first word leads straight to its own parser, which saves a third of the start.
enum CommandTable {
  static let commands: [any ConsoleCommand.Type] = [
    AddCommand.self, LookupCommand.self, ListCommand.self, GetCommand.self, RemoveCommand.self, StatusCommand.self,
    PeersCommand.self, TransfersCommand.self, ConnectCommand.self, LogsCommand.self, DoctorCommand.self,
    ReplCommand.self,
    SupervisorStatusCommand.self, SupervisorStartCommand.self, SupervisorStopCommand.self,
    SupervisorRestartCommand.self, SupervisorReloadCommand.self,
  ]

  static func command(_ words: [String]) -> (any ConsoleCommand.Type)? {
    commands.first { $0.words == words }
  }

  /// The first words, each once.
  static var verbs: [String] {
    commands.reduce(into: []) { verbs, command in
      if let verb = command.words.first, !verbs.contains(verb) { verbs.append(verb) }
    }
  }

  /// The second words of a verb that has some.
  static func secondWords(of verb: String) -> [String] {
    commands.compactMap { $0.words.count == 2 && $0.words[0] == verb ? $0.words[1] : nil }
  }
}

/// The whole command line as a tree: for help, usage and completion scripts only.
struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "p2pctl",
    abstract: "Share documents and files, find and fetch those of others.",
    usage: """
      p2pctl [--peer NAME | --socket PATH] [--json] COMMAND …
      p2pctl                                    (on a terminal: opens the REPL)
      """,
    discussion: """
      Speaks to a daemon on this machine, which does all the network's work. Where none runs: p2pctl supervisor start

      --peer NAME, --socket PATH, --json, --version and --help stand before or after the command.
      """,
    subcommands: [
      AddCommand.self, LookupCommand.self, ListCommand.self, GetCommand.self, RemoveCommand.self, StatusCommand.self,
      PeersCommand.self, TransfersCommand.self, ConnectCommand.self, LogsCommand.self, DoctorCommand.self,
      ReplCommand.self,
      SupervisorCommand.self,
    ])
}

/// The parent of `supervisor start` and its kin in help texts.
struct SupervisorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "supervisor",
    abstract: "Start, watch and stop the daemons of this machine or login.",
    subcommands: [
      SupervisorStatusCommand.self, SupervisorStartCommand.self, SupervisorStopCommand.self,
      SupervisorRestartCommand.self, SupervisorReloadCommand.self,
    ])
}
