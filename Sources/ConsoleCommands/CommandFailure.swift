// SPDX-License-Identifier: Apache-2.0

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
