// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ReplCommand: ConsoleCommand {
  static let words = ["repl"]
  static let example = "repl                          # then: list, get rfc/793, exit"
  static let configuration: CommandConfiguration = .verb(
    "repl", "Take commands line by line.",
    "The same commands without p2pctl before them. Ctrl-C stops a command, Ctrl-D or exit ends. "
      + "Without a terminal, commands are read from standard input.")

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    try Repl(console: console, options: daemon).run()
  }
}
