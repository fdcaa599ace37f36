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
    /// Whether it takes nothing but text: `TERM=dumb`.
    package var isDumb: Bool

    package init(
      isInput: Bool = false, isOutput: Bool = false, isErrors: Bool = false, columns: Int = 80,
      style: TextStyle = .plain, isDumb: Bool = false
    ) {
      self.isInput = isInput
      self.isOutput = isOutput
      self.isErrors = isErrors
      self.columns = columns
      self.style = style
      self.isDumb = isDumb
    }

    /// Whether a user can be asked.
    package var isInteractive: Bool { isInput && isOutput && isErrors }
  }

  /// Of a terminal, in cells.
  package struct ScreenSize: Equatable, Sendable {
    package var columns: Int
    package var rows: Int

    package init(columns: Int, rows: Int) {
      self.columns = columns
      self.rows = rows
    }
  }

  /// Where daemons and files are looked for.
  package struct Environment {
    package var variable: (String) -> String?
    package var isRoot: Bool
    /// The current user's name, which is the default name of their peer.
    package var user: PeerName?
    /// `nil` if it was deleted, or if its name is not UTF-8.
    package var workingDirectory: () -> String?
    /// The name of a working directory that is not UTF-8, as it can be shown.
    package var unreadableDirectory: () -> String? = { nil }
    /// An environment variable that decides the places and is not UTF-8, with its value as it can be shown.
    package var unreadableVariable: (name: String, value: String)?
    /// The directory of this executable and its siblings.
    package var executableDirectory: String?
    /// The permissions that new files do not get; `nil` for those of the daemon.
    package var umask: UInt32?

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
  /// That of standard output, to notice that its reader has gone; -1 if it has none.
  let outputDescriptor: Int32
  /// Whether the running command has `--json`, which makes errors objects as well.
  package var isJSON = false
  /// Width of the terminal now, which may have changed since the start.
  let terminalWidth: () -> Int
  /// Size of the terminal of standard output now.
  let screenSize: () -> ScreenSize
  /// Restores the terminal when a signal ends the process, from `true` to `false`.
  let screenSignals: (Bool) -> Void
  private var drawn = OverwrittenLine()
  private let output: any TextOutput
  private let errors: any TextOutput

  package init(
    terminal: Terminal, environment: Environment, input: Int32 = 0, output: any TextOutput,
    outputDescriptor: Int32 = -1, errors: any TextOutput,
    helloTimeout: Duration = ControlConnection.helloTimeout, terminalWidth: (() -> Int)? = nil,
    screenSize: (() -> ScreenSize)? = nil, screenSignals: @escaping (Bool) -> Void = { _ in },
    now: @escaping () -> ContinuousClock.Instant = { .now }, ask: @escaping (String) -> InputLine = { _ in .end },
    pause: @escaping (Duration) throws -> Void = { _ in }
  ) {
    self.terminal = terminal
    self.environment = environment
    self.input = input
    self.outputDescriptor = outputDescriptor
    self.output = output
    self.errors = errors
    self.helloTimeout = helloTimeout
    self.terminalWidth = terminalWidth ?? { terminal.columns }
    self.screenSize = screenSize ?? { ScreenSize(columns: terminal.columns, rows: 24) }
    self.screenSignals = screenSignals
    self.now = now
    self.ask = ask
    self.pause = pause
  }

  // MARK: Output

  /// Writes data: whole lines, unchanged.
  package func write(_ text: String) throws(OutputError) {
    guard !text.isEmpty else { return }
    clearDrawn()
    try output.write(text)
  }

  package func writeLine(_ text: String) throws(OutputError) {
    try write(text + "\n")
  }

  /// Writes one JSON object on its own line.
  package func writeJSON(_ members: JSONMembers) throws {
    try write(String(decoding: try Jansson.encodeLine(.object(members)), as: UTF8.self))
  }

  /// Writes a part of a document.
  package func write(document bytes: [UInt8]) throws(OutputError) {
    try output.write(bytes: bytes)
  }

  package func flush() throws(OutputError) {
    try output.flush()
  }

  /// Writes hints, questions and progress to standard error; write errors are ignored.
  package func note(_ text: String) {
    clearDrawn()
    try? output.flush()
    try? errors.write(text)
  }

  /// Puts a line at the end of standard error, in the place of the last one. Whatever is written next removes it.
  package func draw(_ text: String) {
    try? output.flush()
    try? errors.write(drawn.replace(with: text, width: terminalWidth()))
  }

  /// Removes the drawn line.
  package func clearDrawn() {
    let text = drawn.clear(width: terminalWidth())
    if !text.isEmpty { try? errors.write(text) }
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
    guard !failure.message.isEmpty else {
      // Behind the echo of ^C.
      if failure.status == .interrupted, terminal.isErrors { note("\n") }
      return
    }
    var failure = failure
    failure.details = failure.details.map { line in
      line == CommandFailure.startHint ? CommandFailure.startHint(StartAdvice(self)) : line
    }
    if isJSON, let line = try? Jansson.encodeLine(.object(failure.members)) {
      return note(String(decoding: line, as: UTF8.self))
    }
    let style: TextStyle = terminal.isErrors ? terminal.style : .plain
    // The terminal has echoed ^C.
    let isBehindEcho = failure.status == .interrupted && terminal.isErrors && drawn.isEmpty
    var text = (isBehindEcho ? "\n" : "") + style.error("p2pctl:") + " \(failure.message)\n"
    for line in failure.details { text += "  \(line)\n" }
    note(text)
  }

  // MARK: Paths

  /// Makes a typed path absolute. Links are not resolved; the daemon decides about them.
  /// - Throws: a failure with `status` if the path is empty or too long, or if the current directory was deleted.
  package func absolutePath(_ typed: String, orFail status: ExitStatus) throws(CommandFailure) -> String {
    guard !typed.isEmpty else { throw CommandFailure(status, "empty path") }
    var path = typed
    if !path.beginsWithSlash {
      let directory = try workingDirectory(orFail: status, prefix: "\(TextRules.escapedForTerminal(typed)): ")
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

  /// - Parameter prefix: of the message.
  package func workingDirectory(orFail status: ExitStatus, prefix: String = "") throws(CommandFailure) -> String {
    if let directory = environment.workingDirectory() { return directory }
    let hint = ["Change to another directory, or use an absolute path."]
    guard let shown = environment.unreadableDirectory() else {
      throw CommandFailure(status, "\(prefix)the current directory no longer exists", hint)
    }
    throw CommandFailure(
      status, "\(prefix)the name of the current directory is not UTF-8: \(TextRules.escapedForTerminal(shown))", hint)
  }

  /// PATH_MAX with its terminating zero: limits.h.
  private static let pathLimit = 4_096
}
