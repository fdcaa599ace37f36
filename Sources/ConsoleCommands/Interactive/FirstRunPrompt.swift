// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
import WireProtocol

/// Asks the user for the index and starts everything, if no daemon is running.
enum FirstRunPrompt {
  /// The user chose not to start anything.
  struct Declined: Error {
    /// The error that led to the question.
    let cause: ControlError
  }

  private static let maxAttempts = 3

  /// Whether a user can be asked and no supervisor is running.
  /// - Parameter path: the socket that was tried.
  static func isDue(on console: Console, lookedAt path: String) -> Bool {
    guard console.terminal.isInteractive else { return false }
    let supervisor = SupervisorClient(console: console)
    do {
      _ = try supervisor.processes()
      return false
    } catch let error as ControlError {
      guard SupervisorClient.isMissing(error), (try? supervisor.locked(after: error)) == nil else { return false }
      console.noteLine("No daemon of yours is running (no socket at \(TextRules.escapedForTerminal(path))).")
      return true
    } catch {
      return false
    }
  }

  /// - Returns: whether everything was started; false if the input ended instead.
  /// - Throws: `interrupted` on Ctrl-C, and the errors of `supervisor start`.
  static func offer(on console: Console) throws -> Bool {
    console.noteLine("To start one now, choose the index it should use.")
    for _ in 0..<maxAttempts {
      let question = "Index (HOST[:PORT] or a ticket, empty to run one on this machine, Ctrl-D to cancel): "
      guard let line = try console.pastedLine(question) else { return false }
      let text = try console.pasted(after: line)
      let typed = text.trimmed
      if let ticket = try ticket(in: typed, on: console) {
        return try JoinCommand.parse([ticket]).perform(on: console) == .done
      }
      // An empty line of a mail is no answer.
      guard !typed.contains("\n"), !typed.isEmpty || text == line else {
        try console.dropPasted()
        console.noteLine("Not an address, and no ticket: paste all of it, from \(Ticket.prefix) on")
        continue
      }
      // No label of a host name is longer: RFC 1035, section 2.3.4. It must not be looked up.
      guard typed.utf8.count <= 63 || !TicketText.mayBePiece(typed) else {
        console.noteLine("Not an address, but perhaps a piece of a ticket: paste all of it, from \(Ticket.prefix) on")
        continue
      }
      let index: Endpoint?
      do throws(InvalidValue) {
        index = typed.isEmpty ? nil : try Endpoint(destination: typed, defaultPort: Endpoint.defaultIndexPort)
      } catch {
        console.noteLine("Not a valid address: \(error.reason)")
        continue
      }
      return try start(index, on: console)
    }
    return false
  }

  /// The ticket of a text that names one or begins one, or `-` if it is to be asked for: `join -`.
  private static func ticket(in text: String, on console: Console) throws -> String? {
    let found = TicketText(text)
    switch found {
    case .none: return text.split(separator: " ").first { $0 != "p2pctl" } == "join" ? "-" : nil
    case .invalid(let reason):
      try console.dropPasted()
      throw CommandFailure(ofTicket: reason)
    case .complete:
      try console.dropPasted()
      return found.text
    case .incomplete: return found.text
    }
  }

  private static func start(_ index: Endpoint?, on console: Console) throws -> Bool {
    // Parsed rather than initialised, so that every property has its default.
    let command = try SupervisorStartCommand.parse(index.map { ["--index", $0.description] } ?? [])
    return try command.perform(on: console) == .done
  }
}

extension String {
  /// Without leading and trailing white space.
  fileprivate var trimmed: String {
    let start = drop(while: \.isWhitespace)
    return start.lastIndex { !$0.isWhitespace }.map { String(start[...$0]) } ?? ""
  }
}
