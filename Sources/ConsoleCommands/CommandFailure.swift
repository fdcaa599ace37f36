// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import WireProtocol

/// A command that did not do what it was asked: what happened, to what, and what to do next. Texts are fit for a
/// terminal.
package struct CommandFailure: Error, Equatable {
  package var status: ExitStatus
  /// Empty where all was said already.
  package var message: String
  /// Lines below the message: what belongs to it, then what to do next.
  package var details: [String]
  /// Whether whoever sits there wants nothing more: a shell of commands ends with it.
  package var endsSession = false

  package init(_ status: ExitStatus, _ message: String, _ details: [String] = []) {
    self.status = status
    self.message = message
    self.details = details
  }

  /// Ends with a status and no word.
  package static func silent(_ status: ExitStatus) -> CommandFailure {
    var failure = CommandFailure(status, "")
    failure.endsSession = status == .interrupted
    return failure
  }
}

extension CommandFailure {
  /// What is said where nobody answers; the same sentence everywhere, so that it is recognised.
  package static let startHint = "Is it running? Start it with: p2pctl supervisor start"

  /// - Parameter whom: `the daemon of peer alice`, `the supervisor`.
  init(_ error: ControlError, whom: String) {
    self =
      switch error {
      case .pathTooLong(let path):
        CommandFailure(
          .unavailable, "the path of the socket has \(path.utf8.count) bytes, and the system takes at most 107",
          [TextRules.escapedForTerminal(CellWidth.cut(path, to: 150)), "Choose a shorter P2P_HOME or --socket."])
      case .noSocket(let path):
        Self.down(whom, path, "there is no socket", [Self.startHint])
      case .refused(let path):
        Self.down(whom, path, "nobody listens there (it was stopped or has crashed)", [Self.startHint])
      case .notPermitted(let path):
        CommandFailure(
          .notPermitted, "may not connect to \(whom)",
          [TextRules.escapedForTerminal(path), "The socket belongs to another user: ask as that user, or as root."])
      case .noAnswer(let path, let seconds):
        Self.down(
          whom, path, "no answer within \(seconds) s",
          ["Look at it with: p2pctl supervisor status", "Restart it with: p2pctl supervisor restart"])
      case .closed(let path):
        Self.down(
          whom, path, "it closed the connection before it had answered",
          ["Try again; where it stays so, its log tells why: p2pctl logs"])
      case .malformed(let path, let reason):
        Self.down(
          whom, path, "what answers there does not speak the protocol: \(TextRules.escapedForTerminal(reason))", [])
      case .wrongRole(let path, let role):
        CommandFailure(
          .unavailable, "the socket is that of a \(role.rawValue), not of \(whom)", [TextRules.escapedForTerminal(path)]
        )
      case .system(let path, let call, let number):
        Self.down(whom, path, "\(call): \(SystemMessage.of(number))", [])
      case .unsendable:
        CommandFailure(.usage, "a NUL character cannot be sent")
      case .failure(let failure):
        CommandFailure(failure)
      case .interrupted:
        .silent(.interrupted)
      }
  }

  private static func down(_ whom: String, _ path: String, _ reason: String, _ hints: [String]) -> CommandFailure {
    CommandFailure(
      .unavailable, "cannot talk to \(whom): \(reason)", ["socket: \(TextRules.escapedForTerminal(path))"] + hints)
  }

  /// A refusal of the daemon, with what helps to put it right.
  init(_ refusal: ControlFailure) {
    let failure = refusal.failure
    self.init(ExitStatus(failure.code), TextRules.escapedForTerminal(failure.message))
    details += refusal.paths.map {
      "\(TextRules.escapedForTerminal($0.path)): \(TextRules.escapedForTerminal($0.message))"
    }
    details += Self.choices(refusal.choices)
    details += refusal.peers.map { "\($0.peer)  \($0.name)" }
    if let limit = failure.limit {
      details.append("limit: \(TextRules.escapedForTerminal(limit.name)) = \(limit.value)")
    }
    if let hint = Self.hint(for: failure.code) { details.append(hint) }
    if let seconds = failure.retryAfter { details.append("Try again in \(seconds) s.") }
  }

  private static func choices(_ choices: [HeldContent]) -> [String] {
    guard !choices.isEmpty else { return [] }
    var table = Table([
      Table.Column("CONTENT"), Table.Column("SIZE", .right), Table.Column("HOLDERS", .right), Table.Column("PEERS"),
      Table.Column("TITLE"),
    ])
    var text = ""
    for choice in choices {
      text += table.add([
        String(choice.content.root.hex.prefix(12)), Quantity.size(choice.content.size), String(choice.total),
        choice.holders.map(\.name.text).joined(separator: ","), choice.title.text,
      ])
    }
    text += table.finish()
    return text.split(separator: "\n").map(String.init)
  }

  private static func hint(for code: ErrorCode) -> String? {
    switch code {
    case .unavailable: "See how the daemon stands with: p2pctl status"
    case .severalContents: "Choose one with --content PREFIX[:SIZE] or --from PEER."
    case .ambiguousPeer: "Name one by the beginning of its id: --from PREFIX."
    case .noSource: "Whoever offers it may be back later; p2pctl lookup shows them."
    case .verificationFailed: "Nothing of it was kept. Try another holder with --from PEER."
    case .changed: "Add the file again, then it is shared as it is now."
    case .unsupportedProtocol, .unknownOperation: "Daemon and p2pctl are of different versions: restart the daemon."
    case .forbidden: "Only the user whose peer this is, and root, may ask."
    case .badRequest, .helloRequired, .noPort, .invalidRange, .tooLarge, .tooMany, .invalidKey, .usage, .noInput,
      .notFound, .cannotCreate, .cancelled, .internal:
      nil
    }
  }
}

/// What the system calls an errno.
enum SystemMessage {
  static func of(_ number: Int32) -> String {
    strerror(number).map { String(cString: $0) } ?? "error \(number)"
  }
}
