// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

/// A command that does something: its arguments, its action, and an example for its help.
protocol ConsoleCommand: DocumentedCommand {
  /// - Throws: `CommandFailure`, `OutputError` or `ControlError`; the runner reports them.
  func perform(on console: Console) throws -> ExitStatus

  /// What Ctrl-C did, for a command that it leaves half done; `nil` if there is nothing to say.
  var interruption: String? { get }
}

extension ConsoleCommand {
  var interruption: String? { nil }
}

extension CommandConfiguration {
  /// - Parameter name: the last word of the command.
  static func verb(_ name: String, _ abstract: String, _ discussion: String = "") -> CommandConfiguration {
    CommandConfiguration(commandName: name, abstract: abstract, discussion: discussion)
  }
}

/// Selects the daemon and the output format. Declared on each command rather than on the root, where it would swallow a
/// command's own option of the same name.
package struct DaemonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The local peer to use. Default: the only one, or the one named after you.", valueName: "name"),
    transform: { try PeerName($0) })
  var peer: PeerName?

  @Option(help: ArgumentHelp("The control socket to use.", valueName: "path"))
  var socket: String?

  @Flag(help: "Print one JSON object per line.")
  var json = false

  package init() {}

  /// No option given; `nil` only if the parser rejects that.
  package static var defaults: DaemonOptions? { try? parse([]) }

  package func validate() throws {
    if peer != nil, socket != nil { throw ValidationError("--peer and --socket cannot be combined") }
  }
}

extension DocumentKey {
  /// A key as typed on the command line.
  static func typed(_ text: String) throws -> DocumentKey {
    if text.endsInSlash, (try? DocumentKey(normalizing: text + "1")) != nil {
      throw InvalidValue(
        "it is the prefix of keys, not a key; list them with: p2pctl list \(ShellWords.escaped(text, in: nil))")
    }
    return try DocumentKey(normalizing: text)
  }
}

/// Numbers typed as values of options.
enum TypedNumber {
  /// A maximum number of rows.
  static func rows(_ text: String) throws -> Int { try parse(text, in: 1...Int(Content.maximumSize)) }

  static func parse(_ text: String, in range: ClosedRange<Int>) throws -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw InvalidValue("expected a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
