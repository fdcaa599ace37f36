// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import LineJSON
package import ProcessSupport

/// A command's access to its surroundings: environment, output and clock.
package final class Console {
  /// What the three standard streams are connected to.
  package struct Terminal: Sendable {
    package var isInput: Bool
    package var isOutput: Bool
    package var isErrors: Bool
    /// Width in cells.
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

    /// Whether a user can be asked.
    package var isInteractive: Bool { isInput && isOutput && isErrors }
  }

  /// Where daemons and files are looked for.
  package struct Environment {
    package var variable: (String) -> String?
    package var isRoot: Bool
    /// The current user's name, which is the default name of their peer.
    package var user: PeerName?
    /// `nil` if it was deleted.
    package var workingDirectory: () -> String?
    /// The directory of this executable and its siblings.
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
  /// How long a daemon may take to answer `hello`.
  package let helloTimeout: Duration
  /// Asks the user a question.
  package let ask: (String) -> InputLine
  /// Waits. Throws `interrupted` on Ctrl-C, and `closed` if the reader of standard output has gone.
  package let pause: (Duration) throws -> Void
  /// The descriptor that a shell without a terminal reads from.
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

  /// Writes data: whole lines, unchanged.
  package func write(_ text: String) throws(OutputError) {
    if !text.isEmpty { try output.write(text) }
  }

  package func writeLine(_ text: String) throws(OutputError) {
    try output.write(text + "\n")
  }

  /// Writes one JSON object on its own line.
  package func writeJSON(_ members: JSONMembers) throws {
    try output.write(String(decoding: try Jansson.encodeLine(.object(members)), as: UTF8.self))
  }

  package func flush() throws(OutputError) {
    try output.flush()
  }

  /// Writes hints, questions and progress to standard error; write errors are ignored.
  package func note(_ text: String) {
    try? output.flush()
    try? errors.write(text)
  }

  package func noteLine(_ text: String) {
    note(text + "\n")
  }

  /// The style of standard output.
  package var style: TextStyle { terminal.isOutput ? terminal.style : .plain }
  /// The width that tables are cut to; `nil` if they go into a file.
  package var tableWidth: Int? { terminal.isOutput ? terminal.columns : nil }

  /// Reports what went wrong and what to do next.
  package func report(_ failure: CommandFailure) {
    guard !failure.message.isEmpty else { return }
    let style: TextStyle = terminal.isErrors ? terminal.style : .plain
    var text = style.error("p2pctl:") + " \(failure.message)\n"
    for line in failure.details {
      text += "  \(line == CommandFailure.startHint ? CommandFailure.startHint(StartAdvice(self)) : line)\n"
    }
    note(text)
  }

  // MARK: Paths

  /// Makes a typed path absolute. Links are not resolved; the daemon decides about them.
  /// - Throws: a failure with `status` if the path is empty or too long, or if the current directory was deleted.
  package func absolutePath(_ typed: String, orFail status: ExitStatus) throws(CommandFailure) -> String {
    guard !typed.isEmpty else { throw CommandFailure(status, "empty path") }
    var path = typed
    if !path.hasPrefix("/") {
      guard let directory = environment.workingDirectory() else {
        throw CommandFailure(
          status, "\(TextRules.escapedForTerminal(typed)): the current directory no longer exists",
          ["Change to another directory, or use an absolute path."])
      }
      path = directory == "/" ? "/" + typed : "\(directory)/\(typed)"
    }
    guard path.utf8.count < Self.pathLimit else {
      throw CommandFailure(
        status,
        "path too long (\(path.utf8.count) bytes, at most \(Self.pathLimit - 1)): "
          + TextRules.escapedForTerminal(CellWidth.cut(path, to: 60)))
    }
    return path
  }

  /// PATH_MAX with its terminating zero: limits.h.
  private static let pathLimit = 4_096
}
