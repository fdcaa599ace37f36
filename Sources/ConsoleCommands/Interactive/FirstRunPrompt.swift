// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

/// Where no daemon runs and somebody sits there: asks for the index, and starts everything.
enum FirstRunPrompt {
  /// Whoever was asked chose to leave everything as it is.
  struct Declined: Error {
    /// Why there was something to ask.
    let cause: ControlError
  }

  private static let attempts = 3

  /// Whether there is somebody to ask, and no supervisor that could be asked instead.
  static func isDue(on console: Console, lookedAt path: String) -> Bool {
    guard console.terminal.isInteractive else { return false }
    do {
      _ = try SupervisorClient(console: console).processes()
      return false
    } catch ControlError.noSocket, ControlError.refused {
      console.noteLine("No daemon of yours runs here: there is none at \(TextRules.escapedForTerminal(path))")
      return true
    } catch {
      return false
    }
  }

  /// - Returns: whether everything was started; false where the answer was the end of the input.
  /// - Throws: `interrupted` at Ctrl-C, and what a start throws.
  static func offer(on console: Console) throws -> Bool {
    console.noteLine("I can start one now. Which index shall it use?")
    for _ in 0..<attempts {
      let typed: String
      switch console.ask("HOST[:PORT], empty for one on this machine, Ctrl-D to leave: ") {
      case .text(let answer): typed = answer.trimmed
      case .end:
        console.noteLine("")
        return false
      case .interrupted:
        console.noteLine("")
        throw CommandFailure.silent(.interrupted)
      }
      let index: Endpoint?
      do throws(InvalidValue) {
        index = typed.isEmpty ? nil : try Endpoint(destination: typed, defaultPort: Endpoint.defaultIndexPort)
      } catch {
        console.noteLine("That is no address: \(error.reason)")
        continue
      }
      return try start(index, on: console)
    }
    return false
  }

  private static func start(_ index: Endpoint?, on console: Console) throws -> Bool {
    // By way of the parser, which leaves no property without a value.
    let command = try SupervisorStartCommand.parse(index.map { ["--index", $0.description] } ?? [])
    return try command.perform(on: console) == .done
  }
}

extension String {
  /// Without white space at either end.
  fileprivate var trimmed: String {
    let start = drop(while: \.isWhitespace)
    return start.lastIndex { !$0.isWhitespace }.map { String(start[...$0]) } ?? ""
  }
}
