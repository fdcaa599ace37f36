// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON
package import ProcessSupport

/// All that a command sees of the world around it: where it runs, where its text goes, what time it is.
package final class Console {
  /// What is known of the three standard streams.
  package struct Terminal: Sendable {
    package var isInput: Bool
    package var isOutput: Bool
    package var isErrors: Bool
    /// Cells in a line.
    package var columns: Int
    package var style: TextStyle

    package init(
      isInput: Bool = false, isOutput: Bool = false, isErrors: Bool = false, columns: Int = 80,
      style: TextStyle = .plain
    ) {
      self.isInput = isInput
      self.isOutput = isOutput
      self.isErrors = isErrors
      self.columns = columns
      self.style = style
    }

    /// Whether somebody sits there who can be asked.
    package var isInteractive: Bool { isInput && isOutput && isErrors }
  }

  /// Where to look for daemons and files.
  package struct Environment {
    package var variable: (String) -> String?
    package var isRoot: Bool
    /// After whom the own peer is named.
    package var user: PeerName?
    /// `nil` where it was deleted.
    package var workingDirectory: () -> String?
    /// The directory of this executable, where its siblings are.
    package var executableDirectory: String?

    package init(
      variable: @escaping (String) -> String?, isRoot: Bool = false, user: PeerName? = nil,
      workingDirectory: @escaping () -> String?, executableDirectory: String? = nil
    ) {
      self.variable = variable
      self.isRoot = isRoot
      self.user = user
      self.workingDirectory = workingDirectory
      self.executableDirectory = executableDirectory
    }

    package var layouts: [Layout] {
      Layout.candidates(environment: variable, isRoot: isRoot, workingDirectory: workingDirectory())
    }
  }

  package let terminal: Terminal
  package let environment: Environment
  package let now: () -> ContinuousClock.Instant
  /// How long a daemon may take to greet.
  package let helloTimeout: Duration
  /// Asks a question of whoever sits there.
  package let ask: (String) -> InputLine
  /// Lets time pass. Throws `interrupted` at Ctrl-C, and `closed` where nobody reads any more.
  package let pause: (Duration) throws -> Void
  /// The descriptor from which a REPL without a terminal reads.
  package let input: Int32
  private let output: any TextOutput
  private let errors: any TextOutput

  package init(
    terminal: Terminal, environment: Environment, input: Int32 = 0, output: any TextOutput,
    errors: any TextOutput,
    helloTimeout: Duration = ControlConnection.helloTimeout,
    now: @escaping () -> ContinuousClock.Instant = { .now }, ask: @escaping (String) -> InputLine = { _ in .end },
    pause: @escaping (Duration) throws -> Void = { _ in }
  ) {
    self.terminal = terminal
    self.environment = environment
    self.input = input
    self.output = output
    self.errors = errors
    self.helloTimeout = helloTimeout
    self.now = now
    self.ask = ask
    self.pause = pause
  }

  // MARK: Output

  /// Data, as it is: whole lines.
  package func write(_ text: String) throws(OutputError) {
    if !text.isEmpty { try output.write(text) }
  }

  package func writeLine(_ text: String) throws(OutputError) {
    try output.write(text + "\n")
  }

  /// One JSON object on a line of its own.
  package func writeJSON(_ members: JSONMembers) throws {
    try output.write(String(decoding: try Jansson.encodeLine(.object(members)), as: UTF8.self))
  }

  package func flush() throws(OutputError) {
    try output.flush()
  }

  /// Hints, questions and progress; lost where nobody takes it, because nothing better can be done.
  package func note(_ text: String) {
    try? output.flush()
    try? errors.write(text)
  }

  package func noteLine(_ text: String) {
    note(text + "\n")
  }

  /// Emphasis for standard output.
  package var style: TextStyle { terminal.isOutput ? terminal.style : .plain }
  /// The width to which tables are cut; `nil` where they go into a file.
  package var tableWidth: Int? { terminal.isOutput ? terminal.columns : nil }

  /// Says what went wrong and what to do next.
  package func report(_ failure: CommandFailure) {
    guard !failure.message.isEmpty else { return }
    let style: TextStyle = terminal.isErrors ? terminal.style : .plain
    var text = style.error("p2pctl:") + " \(failure.message)\n"
    for line in failure.details { text += "  \(line)\n" }
    note(text)
  }

  // MARK: Paths

  /// A path as it was typed, made absolute. Links are not followed: the daemon decides about them.
  /// - Throws: `noInput` or what `status` says, for an empty path, one that is too long, and a lost directory.
  package func absolutePath(_ typed: String, orFail status: ExitStatus) throws(CommandFailure) -> String {
    guard !typed.isEmpty else { throw CommandFailure(status, "an empty text is no path") }
    var path = typed
    if !path.hasPrefix("/") {
      guard let directory = environment.workingDirectory() else {
        throw CommandFailure(
          status, "\(TextRules.escapedForTerminal(typed)): the current directory no longer exists",
          ["Change to another one, or name the file by its absolute path."])
      }
      path = directory == "/" ? "/" + typed : "\(directory)/\(typed)"
    }
    guard path.utf8.count < Self.pathLimit else {
      throw CommandFailure(
        status,
        "a path of \(path.utf8.count) bytes is too long (at most \(Self.pathLimit - 1)): "
          + TextRules.escapedForTerminal(CellWidth.cut(path, to: 60)))
    }
    return path
  }

  /// PATH_MAX of Linux: limits.h, with the terminating zero.
  private static let pathLimit = 4_096
}
