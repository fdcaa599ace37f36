// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// One verb: its arguments, what it does, and the end of its help.
protocol ConsoleCommand: ParsableCommand {
  /// The verb as it is typed: one word, or two for `supervisor start`.
  static var words: [String] { get }
  /// A command line and what it does, without the program's name.
  static var example: String { get }

  /// - Throws: `CommandFailure`, `OutputFailure` or `ControlError`; the runner says what there is to say.
  func perform(on console: Console) throws -> ExitStatus
}

extension CommandConfiguration {
  /// - Parameter name: the last word of the verb.
  static func verb(_ name: String, _ abstract: String, _ discussion: String = "") -> CommandConfiguration {
    CommandConfiguration(commandName: name, abstract: abstract, discussion: discussion)
  }
}
