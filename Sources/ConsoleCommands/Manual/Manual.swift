// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ProcessSupport
import WireProtocol

/// The manual pages: one for p2pctl, one for each of its commands, and one for each of the other programs.
enum Manual {
  /// p2pctl(1) and p2pctl-VERB(1).
  static func pages(of root: CommandDescription) -> [ManualPage] {
    [overview(root)] + root.subcommands.map { page(of: $0, root) }
  }

  /// The page of another program, from its own description.
  static func page(ofProgram program: CommandDescription) -> ManualPage {
    var page = ManualPage(name: program.name, abstract: program.abstract, version: ProtocolVersion.program)
    page.section("SYNOPSIS")
    if program.subcommands.isEmpty { page.synopsis(program, program.name) }
    for command in program.subcommands { page.synopsis(command, "\(program.name) \(command.name)") }
    page.section("DESCRIPTION")
    page.text(program.discussion.isEmpty ? program.abstract : program.discussion)
    for command in program.subcommands {
      page.subsection("\(program.name) \(command.name)")
      page.text([command.abstract, command.discussion].filter { !$0.isEmpty }.joined(separator: "\n\n"))
    }
    page.section("OPTIONS")
    for command in program.subcommands { page.arguments(command.arguments) }
    page.arguments(program.arguments.filter { own in !program.subcommands.contains { $0.arguments.contains(own) } })
    ManualText.places(on: &page)
    ManualText.seeAlso(["p2pctl", "p2p-supervisor", "p2p-index", "p2p-peer"].filter { $0 != program.name }, on: &page)
    return page
  }

  // MARK: p2pctl

  private static func overview(_ root: CommandDescription) -> ManualPage {
    var page = ManualPage(name: root.name, abstract: root.abstract, version: ProtocolVersion.program)
    page.section("SYNOPSIS")
    let globals = root[words: ["status"]]?.options ?? []
    page.synopsis(
      CommandDescription(
        name: root.name, abstract: "", arguments: globals,
        subcommands: []), "\(root.name) COMMAND")
    page.synopsis(CommandDescription(name: root.name, abstract: ""), root.name)
    page.section("DESCRIPTION")
    page.text(root.discussion)
    page.text("\nOn a terminal, p2pctl without a command opens an interactive shell with history and completion.")
    page.section("COMMANDS")
    for command in root.subcommands {
      page.item(ManualPage.bold("p2pctl-\(command.name)(1)"), command.abstract)
    }
    page.section("OPTIONS")
    page.text("These may be given before or after the command.")
    page.arguments(globals)
    ManualText.places(on: &page)
    ManualText.environment(on: &page)
    ManualText.exitStatus(on: &page)
    page.section("EXAMPLE")
    page.example(
      "p2pctl supervisor start\np2pctl add rfc793.txt paper.pdf\np2pctl lookup 793\np2pctl get file/paper.pdf -o /tmp/")
    ManualText.seeAlso(
      root.subcommands.map { "p2pctl-\($0.name)" } + ["p2p-supervisor", "p2p-index", "p2p-peer"], on: &page)
    return page
  }

  private static func page(of command: CommandDescription, _ root: CommandDescription) -> ManualPage {
    let name = "p2pctl-\(command.name)"
    var page = ManualPage(name: name, abstract: command.abstract, version: ProtocolVersion.program)
    page.section("SYNOPSIS")
    let all =
      command.subcommands.isEmpty
      ? [(command, [command.name])] : command.subcommands.map { ($0, [command.name, $0.name]) }
    for (command, words) in all { page.synopsis(command, "p2pctl \(words.joined(separator: " "))") }
    page.section("DESCRIPTION")
    page.text([command.abstract, command.discussion].filter { !$0.isEmpty }.joined(separator: "\n\n"))
    if command.subcommands.isEmpty {
      page.section("OPTIONS")
      page.arguments(command.arguments)
    }
    for subcommand in command.subcommands {
      page.subsection("p2pctl \(command.name) \(subcommand.name)")
      page.text([subcommand.abstract, subcommand.discussion].filter { !$0.isEmpty }.joined(separator: "\n\n"))
      page.arguments(subcommand.arguments)
    }
    ManualText.exitStatus(on: &page)
    page.section(all.count > 1 ? "EXAMPLES" : "EXAMPLE")
    page.example(
      all.compactMap { RootCommand.command($0.1).map { "p2pctl \($0.example)" } }.joined(separator: "\n"))
    let others = command.name == "supervisor" ? ["p2pctl", "p2p-supervisor"] : ["p2pctl"]
    ManualText.seeAlso(others, on: &page)
    return page
  }
}

/// Sections that several pages share.
enum ManualText {
  static func exitStatus(on page: inout ManualPage) {
    page.section("EXIT STATUS")
    for status in ExitStatus.allCases { page.item(ManualPage.bold(String(status.rawValue)), status.meaning) }
  }

  static func environment(on page: inout ManualPage) {
    page.section("ENVIRONMENT")
    page.item(ManualPage.bold("P2P_HOME"), "The base directory for configuration, state, sockets and logs.")
    page.item(
      ManualPage.bold("XDG_CONFIG_HOME") + ", " + ManualPage.bold("XDG_STATE_HOME") + ", "
        + ManualPage.bold("XDG_DATA_HOME") + ", " + ManualPage.bold("XDG_RUNTIME_DIR"),
      "Locate these without P2P_HOME.")
    page.item(ManualPage.bold("NO_COLOR"), "If set and not empty, disables emphasis.")
    page.item(ManualPage.bold("TERM"), "If empty or dumb, disables emphasis.")
  }

  /// Derived from the layouts that the programs use.
  static func places(on page: inout ManualPage) {
    let home = Layout(home: "$P2P_HOME")
    let user = Layout(userEnvironment: { "/$\($0)" })
    page.section("FILES")
    page.text("With P2P_HOME, without it, and for root without it:")
    let rows: [(String, (Layout) -> String)] = [
      ("configuration", { $0.configurationFile }), ("state (a peer's key and catalogue)", { $0.stateDirectory }),
      ("sockets", { $0.runDirectory }), ("logs", { $0.logDirectory }),
    ]
    for (name, path) in rows {
      let paths = [home, user, .system].compactMap { $0.map(path) }
      page.item(ManualPage.escaped(name), paths.map { $0.replacing("/$", with: "$") }.joined(separator: ", "))
    }
  }

  static func seeAlso(_ names: [String], on page: inout ManualPage) {
    page.section("SEE ALSO")
    page.text(names.map { "\($0)(1)" }.joined(separator: ", "))
  }
}
