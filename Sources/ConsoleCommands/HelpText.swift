// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Help texts: what the parser knows of a command, then exit statuses and an example.
enum HelpText {
  static func of(_ command: any ConsoleCommand.Type, columns: Int) -> String {
    """
    \(RootCommand.helpMessage(for: command, columns: columns).trimmed)

    \(ExitStatus.helpSection)

    EXAMPLE:
      p2pctl \(command.example)

    """
  }

  static func ofRoot(columns: Int) -> String {
    """
    \(RootCommand.helpMessage(columns: columns).trimmed)

    \(ExitStatus.helpSection)

    EXAMPLE:
      p2pctl add rfc793.txt && p2pctl lookup 793

    """
  }

  static func ofSupervisor(columns: Int) -> String {
    """
    \(RootCommand.helpMessage(for: SupervisorCommand.self, columns: columns).trimmed)

    \(ExitStatus.helpSection)

    EXAMPLE:
      p2pctl supervisor start --serve-index --peer alice

    """
  }

  /// For somebody who typed nothing and sits at no terminal.
  static func usage(columns: Int) -> String {
    "Usage: p2pctl COMMAND …\nCommands: \(CommandTable.verbs.joined(separator: ", "))\nHelp: p2pctl --help\n"
  }
}

extension String {
  fileprivate var trimmed: Substring {
    var text = self[...]
    while text.last?.isNewline == true { text.removeLast() }
    return text
  }
}
