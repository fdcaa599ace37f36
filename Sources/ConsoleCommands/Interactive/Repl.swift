// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import ProcessSupport
import WireProtocol

/// The interactive shell: reads commands line by line, from a terminal or from standard input.
struct Repl {
  static let exitCommands = ["exit", "quit"]

  let console: Console
  /// The options of `p2pctl repl`, which are the defaults of every line.
  let options: DaemonOptions

  func run() throws -> ExitStatus {
    console.terminal.isInput ? try runTyped() : try runPiped()
  }

  // MARK: On a terminal

  private func runTyped() throws -> ExitStatus {
    let status: ControlStatusReply?
    switch greet() {
    case .success(let greeted): status = greeted
    case .failure(let failure) where failure.endsSession: return failure.status
    case .failure: status = nil
    }
    if console.terminal.isDumb { return try runPlain() }
    let editor = LineEditor(prompt: "p2p> ") { LineCompletions($0, replacing: $1, console: console, options: options) }
    let history = historyPath(of: status?.name ?? options.peer ?? console.environment.user)
      .flatMap { HistoryFile(path: $0) }
    var last = history?.lines.last
    editor.remember(history?.lines ?? [])
    while true {
      try console.flush()
      switch editor.read() {
      case .end:
        console.noteLine("")
        return .done
      case .interrupted: console.noteLine("The line was dropped. Ctrl-D or exit leaves.")
      case .text(let line):
        if line != last, line.contains(where: { !$0.isWhitespace }) {
          editor.remember([line])
          history?.append(line)
          last = line
        }
        guard try perform(line) != nil else { return .done }
      }
    }
  }

  /// On a terminal that takes nothing but text: no editing, no completion.
  private func runPlain() throws -> ExitStatus {
    while true {
      try console.flush()
      switch console.ask("p2p> ") {
      case .end:
        console.noteLine("")
        return .done
      case .interrupted: console.noteLine("\nThe line was dropped. Ctrl-D or exit leaves.")
      case .text(let line): guard try perform(line) != nil else { return .done }
      }
    }
  }

  /// Shows the peer and its index, or offers to start them if no daemon is running.
  private func greet() -> Result<ControlStatusReply, CommandFailure> {
    do {
      let status = try DaemonClient(console: console, options: options).request(.status, for: ControlStatusReply.self)
      let index = "index \(status.index.address) \(status.index.connected ? "connected" : "not connected")"
      console.noteLine(
        TextRules.escapedForTerminal(
          "peer \(status.name), \(index), sharing \(Quantity.count(status.documents, "document"))"))
      if let reason = status.index.error { console.noteLine("  \(TextRules.escapedForTerminal(reason))") }
      if !status.index.connected { console.noteLine("To use another index: connect HOST[:PORT]") }
      console.noteLine("Type help for a list of commands, Ctrl-D to leave.")
      return .success(status)
    } catch {
      let failure = error as? CommandFailure ?? CommandFailure(.failed, "\(error)")
      console.report(failure)
      return .failure(failure)
    }
  }

  private func historyPath(of peer: PeerName?) -> String? {
    guard let peer, let layout = console.environment.layouts.first else { return nil }
    return "\(layout.state(of: peer))/history"
  }

  // MARK: From a pipe

  /// Returns the status of the last command, as a shell does.
  private func runPiped() throws -> ExitStatus {
    var lines = InputLineReader(console.input)
    var status = ExitStatus.done
    while case .text(let line) = try lines.read() {
      guard let next = try perform(line) else { return status }
      status = next
      if status == .interrupted { return status }
    }
    return status
  }

  // MARK: One line

  /// Runs one line. Empty lines and comments do nothing.
  /// - Returns: `nil` if the line leaves the shell.
  private func perform(_ line: String) throws -> ExitStatus? {
    guard line.first(where: { !$0.isWhitespace }) != "#" else { return .done }
    var words: [String]
    do throws(ShellWords.Failure) {
      words = FileWords.expanded(try ShellWords.words(of: line), home: console.environment.variable("HOME"))
    } catch {
      let typed = line.split(whereSeparator: \.isWhitespace).map(String.init)
      // A quote mark before a ticket, or behind it.
      guard !Self.namesCommand(typed) || typed.first(where: { $0 != "p2pctl" }) == "join",
        TicketText(line).text != nil
      else {
        console.report(CommandFailure(error))
        return .usage
      }
      words = []
    }
    if words == ["help"] {
      try console.write(HelpText.commands(columns: console.terminalWidth()))
      return .done
    }
    if !Self.namesCommand(words) {
      switch TicketText(line) {
      case .none: break
      case .incomplete(let part): words = ["join", part]
      case .complete(let ticket):
        if console.terminal.isInput { try console.dropPasted() }
        words = ["join", ticket.text]
      case .invalid(let reason):
        if console.terminal.isInput { try console.dropPasted() }
        console.report(CommandFailure(ofTicket: reason))
        return .usage
      }
    }
    guard let arguments = arguments(of: words) else { return .done }
    if let first = arguments.first, Self.exitCommands.contains(first) { return nil }
    if arguments.first == "repl" {
      console.noteLine("Already in the interactive shell.")
      return .done
    }
    return CommandRunner.run(arguments, on: console)
  }

  private static func namesCommand(_ words: [String]) -> Bool {
    words.first { $0 != "p2pctl" }.map { RootCommand.command([$0]) != nil } ?? false
  }

  /// The arguments of p2pctl that a line stands for; `nil` if it is empty or a comment.
  private func arguments(of words: [String]) -> [String]? {
    var words = words[...]
    if words.first == "p2pctl" { words.removeFirst() }
    guard let verb = words.first else { return nil }
    guard RootCommand.command([verb]) is any ConsoleCommand.Type else { return Array(words) }
    var globals = options.json ? ["--json"] : []
    if !words.contains(where: { $0.hasPrefix("--peer") || $0.hasPrefix("--socket") }) {
      if let peer = options.peer { globals += ["--peer", peer.text] }
      if let socket = options.socket { globals += ["--socket", socket] }
    }
    return globals + words
  }
}

extension CommandFailure {
  init(_ failure: ShellWords.Failure) {
    self =
      switch failure {
      case .unclosedQuote(let quote): CommandFailure(.usage, "unclosed \(quote)")
      case .trailingBackslash: CommandFailure(.usage, "trailing backslash")
      }
  }
}

struct ReplCommand: ConsoleCommand {
  static let example = "repl                          # then: list, get rfc/793, exit"
  static let configuration: CommandConfiguration = .verb(
    "repl", "Open the interactive shell.",
    "It takes the same commands, without p2pctl. Ctrl-C stops a command; Ctrl-D or exit leaves. "
      + "Without a terminal, commands are read from standard input.")

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    try Repl(console: console, options: daemon).run()
  }
}
