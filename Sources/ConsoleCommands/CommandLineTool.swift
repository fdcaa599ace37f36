// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupport

/// p2pctl as a process: its streams, signals and environment.
package enum CommandLineTool {
  /// Runs the command line of this process.
  package static func run() -> ExitStatus {
    ProcessResources.openStandardDescriptors()
    // A closed reader and a file size limit are reported by write(2) instead.
    ProcessResources.ignoreWriteSignals()
    InterruptSignal.watch()
    let terminal = terminal()
    let console = Console(
      terminal: terminal, environment: environment(),
      output: DescriptorOutput(STDOUT_FILENO, isBuffered: !terminal.isOutput), outputDescriptor: STDOUT_FILENO,
      errors: DescriptorOutput(STDERR_FILENO, isBuffered: false), terminalWidth: { Self.columns(STDERR_FILENO) },
      screenSize: { Console.ScreenSize(columns: Self.columns(STDOUT_FILENO), rows: Self.rows(STDOUT_FILENO)) },
      screenSignals: ScreenSignals.set,
      ask: ask,
      pause: pause)
    let arguments = CurrentProcess.argumentBytes()
    do throws(CommandFailure) {
      if let error = ProcessResources.commandLineError { throw CommandFailure(.failed, error) }
      guard isWritable(STDOUT_FILENO) else {
        throw CommandFailure(
          .cannotCreate, "standard output is closed: nothing was done", ["To discard the output: >/dev/null"])
      }
      return CommandRunner.run(try ArgumentVector.text(arguments), on: console)
    } catch {
      console.isJSON = arguments.contains(Array("--json".utf8))
      console.report(error)
      return error.status
    }
  }

  /// What fails only after the work would leave its caller without a result: a supervisor that runs all the same.
  private static func isWritable(_ descriptor: Int32) -> Bool {
    let flags = fcntl(descriptor, F_GETFL)
    return flags >= 0 && flags & O_ACCMODE != O_RDONLY
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  private static func terminal() -> Console.Terminal {
    let isOutput = isatty(STDOUT_FILENO) == 1
    let isErrors = isatty(STDERR_FILENO) == 1
    let kind = variable("TERM") ?? ""
    // no-color.org: set and not empty.
    let isDumb = kind.isEmpty || kind == "dumb"
    let isPlain = isDumb || variable("NO_COLOR").map { !$0.isEmpty } == true
    return Console.Terminal(
      isInput: isatty(STDIN_FILENO) == 1, isOutput: isOutput, isErrors: isErrors,
      columns: columns(isOutput ? STDOUT_FILENO : STDERR_FILENO), style: isPlain ? .plain : .ansi,
      isDumb: isDumb)
  }

  private static func columns(_ descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return variable("COLUMNS").flatMap { Int($0) }.map { min(max($0, 20), 1_000) } ?? 80
  }

  private static func rows(_ descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 { return Int(size.ws_row) }
    return 24
  }

  private static func environment() -> Console.Environment {
    let isRoot = geteuid() == 0
    var environment = Console.Environment(
      variable: variable, isRoot: isRoot, user: PeerName.ofCurrentUser(),
      workingDirectory: CurrentProcess.workingDirectory,
      executableDirectory: CurrentProcess.executableDirectory())
    environment.umask = CreationMask.current
    environment.unreadableDirectory = {
      CurrentProcess.workingDirectory() == nil ? CurrentProcess.workingDirectoryBytes().map(TextRules.shown) : nil
    }
    environment.unreadableVariable = Layout.unreadableVariable(isRoot: isRoot, value: CurrentProcess.variableBytes)
    return environment
  }

  /// Waits for no event on standard output except its reader closing, which poll(2) always reports.
  private static func pause(_ duration: Duration) throws {
    if try Readiness.wait(for: STDOUT_FILENO, events: 0, until: .now + duration) { throw OutputError.closed }
  }

  /// Reads byte by byte to leave the next line to its reader.
  private static func ask(_ question: String) -> InputLine {
    _ = question.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    var line = [UInt8]()
    while line.count < 4_096 {
      do {
        _ = try Readiness.wait(for: STDIN_FILENO, until: nil)
      } catch {
        return error == .interrupted ? .interrupted : .end
      }
      var byte: UInt8 = 0
      guard read(STDIN_FILENO, &byte, 1) == 1 else { return .end }
      // What was typed ahead while the shell edited its line has CR as it came: termios(3), ICRNL.
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
      line.append(byte)
    }
    return .text(String(decoding: line, as: UTF8.self))
  }
}

/// The command line as text. File names are bytes and may be invalid UTF-8: they are rejected, because repairing them
/// would look up a file that was not named.
package enum ArgumentVector {
  /// - Parameter arguments: as passed by the system, without the program's name.
  /// - Throws: `usage`, or `noInput` for the arguments of `add`.
  package static func text(_ arguments: [[UInt8]]) throws(CommandFailure) -> [String] {
    var texts = [String]()
    for bytes in arguments {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CommandFailure(
          texts.contains("add") ? .noInput : .usage, "not valid UTF-8: \(shown(bytes))",
          [
            texts.contains("add")
              ? "File names are shared as UTF-8. Rename the file and try again."
              : "Keys, words, names and paths are UTF-8. Check what was typed and the encoding of the terminal (locale)."
          ])
      }
      texts.append(text)
    }
    return texts
  }

  private static func shown(_ bytes: [UInt8]) -> String {
    let text = TextRules.escapedForTerminal(TextRules.shown(bytes.prefix(200)))
    return bytes.count > 200 ? text + "…" : text
  }
}
