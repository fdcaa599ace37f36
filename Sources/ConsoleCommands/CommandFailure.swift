// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
package import LineJSON
import POSIXSupport
package import WireProtocol

/// Why a command failed: what happened, to what, and what to do next. All texts are escaped for the terminal.
package struct CommandFailure: Error, Equatable {
  package var status: ExitStatus
  /// Empty if there is nothing to report.
  package var message: String
  /// Lines below the message: details first, then what to do next.
  package var details: [String]
  /// The failure as a daemon reported it.
  package private(set) var wire: WireFailure?
  /// Whether the daemon was there and has closed the connection without an answer: it was killed, or restarts.
  package private(set) var isLostConnection = false
  /// Whether the user asked to leave; this also ends an interactive shell.
  package var endsSession = false

  package init(_ status: ExitStatus, _ message: String, _ details: [String] = []) {
    self.status = status
    self.message = message
    self.details = details
  }

  /// Ends with a status and no message.
  package static func silent(_ status: ExitStatus) -> CommandFailure {
    var failure = CommandFailure(status, "")
    failure.endsSession = status == .interrupted
    return failure
  }
}

extension CommandFailure {
  /// Shown if nothing answers; removed again if the supervisor knows the reason.
  /// `Console.report` replaces it by the command that fits the installation.
  package static let startHint = "Is it running? Start it with: p2pctl supervisor start"

  package static func startHint(_ advice: StartAdvice) -> String {
    "Is it running? Start it with: \(advice.command)"
  }

  /// - Parameter whom: the process that was asked: `the daemon of peer alice`, `the supervisor`.
  init(_ error: ControlError, whom: String) {
    self =
      switch error {
      case .pathTooLong(let path):
        CommandFailure(
          .unavailable,
          "the socket path has \(path.utf8.count) bytes; at most \(UnixSocketAddress.maxPathLength) are allowed",
          [TextRules.escapedForTerminal(CellWidth.cut(path, to: 150)), "Choose a shorter P2P_HOME or --socket."])
      case .noSocket(let path):
        Self.down(whom, path, "the socket does not exist", [Self.startHint])
      case .refused(let path):
        Self.down(whom, path, "nothing is listening on the socket (stopped or crashed)", [Self.startHint])
      case .notPermitted(let path):
        CommandFailure(
          .notPermitted, "permission denied connecting to \(whom)",
          [
            "socket: \(TextRules.escapedForTerminal(path))",
            "The socket belongs to another user. Run this as that user or as root.",
          ])
      case .foreignListener(let path, let user):
        CommandFailure(
          .notPermitted, "a process of \(Self.name(of: user)) listens on the socket of \(whom): nothing was sent to it",
          [
            "socket: \(TextRules.escapedForTerminal(path))",
            "Only a daemon of your own or of root is trusted. Run this as that user if it is theirs, or remove the socket.",
          ])
      case .noAnswer(let path, let seconds):
        Self.down(
          whom, path, "no answer within \(seconds) s",
          ["Check it: p2pctl supervisor status", "Restart it: p2pctl supervisor restart"])
      case .closed(let path):
        Self.down(
          whom, path, "it closed the connection without answering",
          ["Retry. If it persists, check the log: p2pctl logs"])
      case .malformed(let path, let reason):
        Self.down(whom, path, "malformed reply (\(TextRules.escapedForTerminal(reason)))", [])
      case .wrongRole(let path, let role):
        CommandFailure(
          .unavailable, "the socket belongs to \(role == .index ? "an" : "a") \(role.rawValue), not to \(whom)",
          ["socket: \(TextRules.escapedForTerminal(path))"])
      case .system(let path, let call, let number):
        Self.down(whom, path, "\(call): \(SystemError(number))", [])
      case .unsendable:
        CommandFailure(.usage, "arguments cannot contain NUL characters")
      case .failure(let failure):
        CommandFailure(failure)
      case .interrupted:
        .silent(.interrupted)
      case .outputClosed:
        CommandFailure(.cannotCreate, "the reader closed the output")
      }
    if case .closed = error { isLostConnection = true }
  }

  private static func name(of user: UInt32) -> String {
    UserDatabase.current().user(id: user).map { "user \(TextRules.escapedForTerminal($0.name))" } ?? "user id \(user)"
  }

  private static func down(_ whom: String, _ path: String, _ reason: String, _ hints: [String]) -> CommandFailure {
    CommandFailure(
      .unavailable, "cannot talk to \(whom): \(reason)", ["socket: \(TextRules.escapedForTerminal(path))"] + hints)
  }

  /// A refusal by the daemon, with hints on what to do about it.
  init(_ failure: WireFailure) {
    self.init(ExitStatus(failure.code), TextRules.escapedForTerminal(failure.message), Self.parts(of: failure))
    wire = failure
    // The message names the command that starts it; waiting does not help.
    if let state = failure.state {
      if state == "parked" { details.append("Find the cause: p2pctl logs") }
      return
    }
    if let hint = Self.hint(for: failure.code, job: failure.job) { details.append(hint) }
    if let seconds = failure.retryAfter { details.append("Try again in \(seconds) s.") }
  }

  /// An interruption without a message of its own, with what it did.
  func explaining(_ interruption: String?) -> CommandFailure {
    guard status == .interrupted, message.isEmpty, let interruption else { return self }
    var failure = self
    failure.message = "interrupted: \(interruption)"
    return failure
  }

  /// Without hints to run the command that has just failed.
  func withoutAdvice(of name: String) -> CommandFailure {
    var failure = self
    failure.details.removeAll { $0.hasSuffix(": p2pctl \(name)") }
    return failure
  }

  /// As one object on standard error, with the fields of a failure on the wire.
  package var members: JSONMembers {
    var failure = wire ?? WireFailure(status.code, message)
    // Waiting does not help against a process that was stopped.
    if failure.state != nil { failure.retryAfter = nil }
    var members = failure.json(id: nil).object ?? JSONMembers()
    members["id"] = nil
    let known = Self.parts(of: failure)
    let more = details.filter { !known.contains($0) }
    if !more.isEmpty { members["details"] = .array(more.map { .string($0) }) }
    members["exit"] = .integer(Int64(status.rawValue))
    return members
  }

  /// The parts of a failure that its JSON has as fields of their own.
  private static func parts(of failure: WireFailure) -> [String] {
    var details = failure.paths.map {
      "\(TextRules.escapedForTerminal($0.path)): \(TextRules.escapedForTerminal($0.message))"
    }
    details += choices(failure.choices)
    details += failure.peers.map { "\($0.peer)  \($0.name)" }
    if let limit = failure.limit {
      details.append("limit: \(TextRules.escapedForTerminal(limit.name)) = \(limit.value)")
    }
    return details
  }

  private static func choices(_ choices: [ContentListing]) -> [String] {
    guard !choices.isEmpty else { return [] }
    var table = Table([
      Table.Column("CONTENT"), Table.Column("DATE"), Table.Column("SIZE", .right), Table.Column("HOLDERS"),
      Table.Column("TITLE"),
    ])
    var text = ""
    for choice in choices {
      text += table.add([
        String(choice.content.root.hex.prefix(12)), choice.modified.text, Quantity.size(choice.content.size),
        holders(of: choice), choice.title.text,
      ])
    }
    text += table.finish()
    return text.split(separator: "\n").map(String.init)
  }

  private static let maxNames = 3

  /// `alice, bob, carol and 9 more`
  private static func holders(of choice: ContentListing) -> String {
    let names = choice.holders.prefix(maxNames).map(\.name.text).joined(separator: ", ")
    let more = choice.total - min(choice.holders.count, maxNames)
    return more > 0 ? "\(names) and \(more) more" : names
  }

  private static let lookupHint = "Its holders may come back later. List them with: p2pctl lookup KEY"

  /// With the key in the place of its name.
  func naming(_ key: DocumentKey) -> CommandFailure {
    var failure = self
    let command = "p2pctl lookup \(TextRules.escapedForTerminal(ShellWords.escaped(key.text, in: nil)))"
    failure.details = details.map { $0 == Self.lookupHint ? $0.replacing("p2pctl lookup KEY", with: command) : $0 }
    return failure
  }

  /// - Parameter job: the download that the failure is about.
  private static func hint(for code: ErrorCode, job: Int64?) -> String? {
    switch code {
    case .noSource where job != nil:
      "Download \(job ?? 0) goes on when a holder is back. End it: p2pctl cancel \(job ?? 0)"
    case .cannotCreate where job != nil:
      "Download \(job ?? 0) tries again every 30 s. End it: p2pctl cancel \(job ?? 0)"
    case .unavailable: "Check for problems: p2pctl doctor"
    case .severalContents: "Choose one with --newest, --content PREFIX[:SIZE] or --from PEER."
    case .ambiguousPeer: "Select one by the start of its id: --from PREFIX."
    case .noSource: lookupHint
    case .verificationFailed: "Nothing was kept. Try another holder with --from PEER."
    case .changed: "Add the file again to share its current content."
    case .unsupportedProtocol, .unknownOperation: "The daemon and p2pctl have different versions: restart the daemon."
    case .badRequest, .helloRequired, .noPort, .invalidRange, .tooLarge, .tooMany, .invalidKey, .usage, .noInput,
      .forbidden,
      .tlsRequired,
      .notFound, .cannotCreate, .cancelled, .internal:
      nil
    }
  }
}
