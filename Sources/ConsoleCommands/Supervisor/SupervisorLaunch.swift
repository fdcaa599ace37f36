// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import POSIXSupport
import ProcessSupervision
import ProcessSupport
import SystemPackage
import WireProtocol

/// Starts a supervisor in its own session and waits until all its processes are ready.
struct SupervisorLaunch {
  struct Started {
    let processes: [ProcessStatus]
    let isReady: Bool
    /// What the supervisor warned about, escaped for the terminal.
    let warnings: [String]
  }

  /// How long the supervisor may take to open its socket.
  private static let socketTimeout = Duration.seconds(20)
  /// Nothing announces the socket, so it is polled, unless the process ends first.
  private static let retryInterval = Duration.milliseconds(10)

  let console: Console
  let layout: Layout
  /// The arguments of `p2p-supervisor`, starting with `run`.
  let flags: [String]

  /// - Parameter isRunning: called once the supervisor answers.
  func perform(isRunning: () -> Void) throws -> Started {
    let log = try LaunchLog(path: layout.log(of: "supervisor"), directory: layout.logDirectory)
    let child = try start(writingTo: log)
    do {
      var connection = try waitForSocket(of: child, log)
      isRunning()
      let isReady = try connection.waitUntilSettled(timeout: SupervisorAction.settling)
      return Started(processes: try connection.processes(), isReady: isReady, warnings: log.warnings())
    } catch ControlError.interrupted {
      console.noteLine("Startup continues in the background. Stop it with: p2pctl supervisor stop")
      throw CommandFailure.silent(.interrupted)
    } catch let error as ControlError {
      if let end = child.reap() { throw failure(end, log) }
      var failure = CommandFailure(error, whom: "the new supervisor")
      failure.details.removeAll { $0 == CommandFailure.startHint }
      let lines = log.lastLines()
      failure.details += lines.isEmpty ? [] : ["Its last output:"] + lines
      failure.details += [
        "Log: \(TextRules.escapedForTerminal(log.path))",
        "Process \(child.pid) is still running. If it hangs, end it with: kill -9 \(child.pid)",
      ]
      throw failure
    }
  }

  private func start(writingTo log: borrowing LaunchLog) throws -> ChildProcess {
    guard let directory = console.environment.executableDirectory else {
      throw CommandFailure(
        .failed, "cannot find p2p-supervisor: the path of this program is unknown (is /proc mounted?)")
    }
    let nothing = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    let specification = ProcessSpecification(
      executable: "\(directory)/p2p-supervisor", arguments: flags, environment: CurrentProcess.environment(),
      // A working directory elsewhere would block unmounting. Relative paths were made absolute before.
      directory: "/",
      descriptors: [
        ProcessSpecification.Descriptor(source: nothing, target: 0),
        ProcessSpecification.Descriptor(source: log.descriptor, target: 1),
        ProcessSpecification.Descriptor(source: log.descriptor, target: 2),
      ],
      refusesPrivileges: false)
    do throws(SpawnError) {
      return try ChildProcess(specification)
    } catch {
      throw CommandFailure(
        .failed, TextRules.escapedForTerminal(error.description),
        [
          error.isTemporary
            ? "The system lacks something for the moment: check the limits (ulimit -a) and retry."
            : "It belongs beside p2pctl: reinstall p2p."
        ])
    }
  }

  private func waitForSocket(of child: borrowing ChildProcess, _ log: borrowing LaunchLog) throws
    -> ControlConnection
  {
    let deadline = console.now() + Self.socketTimeout
    while true {
      do {
        return try ControlConnection.open(
          layout.supervisorSocket, role: .supervisor, timeout: console.helloTimeout)
      } catch {
        guard Self.isRetryable(error), console.now() < deadline else { throw error }
      }
      if try Readiness.wait(for: child.pidfd.rawValue, until: .now + Self.retryInterval), let end = child.reap() {
        throw failure(end, log)
      }
    }
  }

  /// Whether the socket may still appear, or still be that of an earlier supervisor.
  private static func isRetryable(_ error: ControlError) -> Bool {
    switch error {
    case .noSocket, .refused, .closed: true
    default: false
    }
  }

  /// Reports an exit before the socket was served, with the process's own output.
  private func failure(_ end: Termination, _ log: borrowing LaunchLog) -> CommandFailure {
    var status = ExitStatus.failed
    if case .exited(let number) = end, let known = ExitStatus(rawValue: number), known != .done { status = known }
    let lines = log.lastLines()
    return CommandFailure(
      status, "the supervisor \(end)",
      (lines.isEmpty ? [] : ["Its last output:"] + lines) + ["Log: \(TextRules.escapedForTerminal(log.path))"])
  }
}

/// The file that receives the supervisor's output, opened for appending, and what this run added to it.
struct LaunchLog: ~Copyable {
  private static let shownBytes = 4_096
  private static let shownLines = 12
  private static let searchedBytes = 65_536
  private static let maxWarnings = 5

  let path: String
  let descriptor: Int32
  /// The offset at which the output of this run begins.
  private let start: off_t

  /// Creates missing directories with mode 0700. A link or FIFO at `path` is moved aside.
  init(path: String, directory: String) throws(CommandFailure) {
    try Self.makeDirectories(directory)
    let descriptor: CInt
    do throws(SystemError) {
      descriptor = try AppendedFile.open(path, readable: true)
    } catch {
      throw Self.failure(path, error.code)
    }
    self.descriptor = descriptor
    start = lseek(descriptor, 0, SEEK_END)
    self.path = path
  }

  deinit {
    close(descriptor)
  }

  /// The last lines of this run, escaped for the terminal.
  func lastLines() -> [String] {
    lines(inLast: Self.shownBytes).suffix(Self.shownLines).map(TextRules.escapedForTerminal)
  }

  /// The first warnings of this run without their times, escaped for the terminal.
  func warnings() -> [String] {
    let found = lines(inLast: Self.searchedBytes).compactMap { text in
      let line = LogLine(process: "supervisor", text: text)
      return line.level == LogStyle.Level.warning.rawValue ? line.message : nil
    }
    return found.prefix(Self.maxWarnings).map(TextRules.escapedForTerminal)
  }

  private func lines(inLast count: Int) -> [String] {
    let end = lseek(descriptor, 0, SEEK_END)
    let from = max(start, end - off_t(count))
    guard from >= 0, end > from else { return [] }
    var bytes = [UInt8](repeating: 0, count: Int(end - from))
    let taken = pread(descriptor, &bytes, bytes.count, from)
    guard taken > 0 else { return [] }
    return String(decoding: bytes.prefix(taken), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private static func makeDirectories(_ path: String) throws(CommandFailure) {
    var current = ""
    for part in path.segments() {
      current += "/\(part)"
      guard mkdir(current, 0o700) == 0 || errno == EEXIST else { throw failure(current, errno) }
    }
  }

  private static func failure(_ path: String, _ number: Int32) -> CommandFailure {
    CommandFailure(
      number == EACCES || number == EPERM ? .notPermitted : .cannotCreate,
      "cannot create \(TextRules.escapedForTerminal(path)): \(SystemError(number))",
      ["Choose a directory of your own with P2P_HOME or --home."])
  }
}
