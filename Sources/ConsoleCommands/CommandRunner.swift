// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import POSIXSupport
import WireProtocol

/// Carries out a command line. The one place where errors become messages and exit statuses.
package enum CommandRunner {
  /// - Parameter arguments: without the program's name.
  package static func run(_ arguments: [String], on console: Console) -> ExitStatus {
    // A line of the interactive shell runs inside another command.
    let outer = console.isJSON
    console.isJSON = arguments.prefix { $0 != "--" }.contains("--json")
    defer { console.isJSON = outer }
    return finish(on: console) {
      switch try parsed(arguments) {
      case .command(let command, let name):
        try checkPlaces(of: console)
        do {
          return try command.perform(on: console)
        } catch let failure as CommandFailure {
          throw failure.withoutAdvice(of: name).explaining(command.interruption)
        } catch ControlError.interrupted {
          throw CommandFailure.silent(.interrupted).explaining(command.interruption)
        }
      case .help(let command): try console.write(HelpText.of(command, columns: console.terminal.columns))
      case .version: try console.writeLine("p2pctl \(ProtocolVersion.program)")
      case .completionScript(let shell): try writeCompletionScript(for: shell, on: console)
      case .completion(let arguments): try ShellCompletion.answer(arguments, on: console)
      case .manual(let arguments): try ManualWriter.write(arguments, on: console)
      case .options(let options):
        try checkPlaces(of: console)
        guard console.terminal.isInteractive else {
          if console.isJSON { throw CommandFailure(.usage, "no command was given", ["Help: p2pctl --help"]) }
          console.note(HelpText.usage)
          return .usage
        }
        return try Repl(console: console, options: options).run()
      }
      return .done
    }
  }

  /// Refuses a command line that has a ticket without repeating it.
  private static func parsed(_ arguments: [String]) throws(CommandFailure) -> ParsedCommandLine {
    do throws(CommandFailure) {
      return try ParsedCommandLine(arguments)
    } catch {
      guard TicketText(arguments.joined(separator: " ")).text != nil else { throw error }
      throw CommandFailure(.usage, "invalid arguments beside a ticket", ["Join with a ticket: p2pctl join -"])
    }
  }

  /// Paths travel as JSON: places whose names are not UTF-8 cannot be used, and must not be taken for others.
  private static func checkPlaces(of console: Console) throws(CommandFailure) {
    guard let (name, value) = console.environment.unreadableVariable else { return }
    throw CommandFailure(
      .usage, "\(name) is not UTF-8: \(TextRules.escapedForTerminal(value))",
      ["Set P2P_HOME to a directory whose name is UTF-8."])
  }

  private static func finish(on console: Console, _ body: () throws -> ExitStatus) -> ExitStatus {
    defer { console.clearDrawn() }
    do {
      let status = try body()
      try console.flush()
      return status
    } catch let failure as CommandFailure {
      console.report(failure)
      return failure.status
    } catch let failure as OutputError {
      return status(of: failure, on: console)
    } catch let error as ControlError {
      let failure = CommandFailure(error, whom: "the daemon")
      console.report(failure)
      return failure.status
    } catch {
      console.report(CommandFailure(.failed, "\(error)"))
      return .failed
    }
  }

  private static func status(of failure: OutputError, on console: Console) -> ExitStatus {
    switch failure {
    // The reader has seen enough: `p2pctl list | head`.
    case .closed: return .done
    case .interrupted: return .interrupted
    case .system(let number):
      console.report(CommandFailure(.cannotCreate, "cannot write to standard output: \(SystemError(number))"))
      return .cannotCreate
    }
  }

  private static func writeCompletionScript(for shell: String, on console: Console) throws {
    guard let script = CompletionScript(rawValue: shell) else {
      throw CommandFailure(.usage, "no completion script for this shell; there are bash, zsh and fish")
    }
    try console.write(script.text)
  }
}
