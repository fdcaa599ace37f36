// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A command with a help text of its own.
protocol DocumentedCommand: ParsableCommand {
  /// A command line and what it does, without the program's name.
  static var example: String { get }
}

/// The root of the command tree, the only list of the commands there is: dispatch, help, completion and the manual all
/// read it. It declares no options, because an option of the root would swallow a subcommand's option of the same name.
struct RootCommand: DocumentedCommand {
  static let example = "add rfc793.txt && p2pctl lookup 793"
  static let configuration = CommandConfiguration(
    commandName: "p2pctl",
    abstract: "Share documents and files, and find and fetch those of others.",
    usage: """
      p2pctl [--peer NAME | --socket PATH] [--json] COMMAND …
      p2pctl                      (on a terminal: opens the interactive shell)
      """,
    discussion: """
      Commands are carried out by a daemon on this machine, which handles all network traffic. If none is running: \
      p2pctl supervisor start

      --peer NAME, --socket PATH, --json, --version and --help may stand before or after the command.
      """,
    subcommands: [
      AddCommand.self, LookupCommand.self, ListCommand.self, GetCommand.self, RemoveCommand.self, StatusCommand.self,
      PeersCommand.self, TransfersCommand.self, PauseCommand.self, ResumeCommand.self, CancelCommand.self,
      LimitCommand.self, WatchCommand.self, JoinCommand.self, NetworkCommand.self, ConnectCommand.self,
      LogsCommand.self,
      DoctorCommand.self, ReplCommand.self, SupervisorCommand.self,
    ])

  /// The command that the words name, found without the parser: going straight to a command's own parser saves a third
  /// of the start-up time.
  static func command(_ words: [String]) -> (any DocumentedCommand.Type)? {
    let found = words.reduce(RootCommand.self as (any ParsableCommand.Type)?) { parent, word in
      parent?.configuration.subcommands.first { $0.configuration.commandName == word }
    }
    return found as? any DocumentedCommand.Type
  }

  static func subcommandNames(of parent: any ParsableCommand.Type = RootCommand.self) -> [String] {
    parent.configuration.subcommands.compactMap { $0.configuration.commandName }
  }
}

/// The parent of `supervisor start` and the like.
struct SupervisorCommand: DocumentedCommand {
  static let example = "supervisor start --serve-index --peer alice"
  static let configuration = CommandConfiguration(
    commandName: "supervisor",
    abstract: "Start, watch and stop the daemons of this machine or login.",
    subcommands: [
      SupervisorStatusCommand.self, SupervisorStartCommand.self, SupervisorStopCommand.self,
      SupervisorRestartCommand.self, SupervisorReloadCommand.self,
    ])
}

/// Help texts: what the parser knows of a command, then exit statuses and an example.
enum HelpText {
  static func of(_ command: any DocumentedCommand.Type, columns: Int) -> String {
    var parsers = RootCommand.helpMessage(for: command, columns: columns)[...]
    while parsers.last?.isNewline == true { parsers.removeLast() }
    return """
      \(parsers)

      \(ExitStatus.helpSection)

      EXAMPLE:
        p2pctl \(command.example)

      """
  }

  /// One line per command, for a screen of 24 rows.
  static func commands(columns: Int) -> String {
    let commands = RootCommand.configuration.subcommands.map {
      ($0.configuration.commandName ?? "", $0.configuration.abstract)
    }
    let width = commands.map(\.0.count).max() ?? 0
    let lines = commands.map { name, abstract in
      CellWidth.cut(name + String(repeating: " ", count: width - name.count) + "  " + abstract, to: columns)
    }
    return (lines + ["", CellWidth.cut("COMMAND --help explains one. Ctrl-D or exit leaves.", to: columns)])
      .map { $0 + "\n" }.joined()
  }

  /// Printed if no command is given and standard input is not a terminal.
  static var usage: String {
    """
    Usage: p2pctl COMMAND …
    Commands: \(RootCommand.subcommandNames().joined(separator: ", "))
    Help: p2pctl --help

    """
  }
}
