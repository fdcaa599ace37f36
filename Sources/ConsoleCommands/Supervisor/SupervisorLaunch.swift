// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import ProcessSupport
import ProcessSupervision
import SystemPackage
import WireProtocol

/// Starts a supervisor in a session of its own and follows it until everything it runs is ready.
struct SupervisorLaunch {
  struct Started {
    let processes: [ProcessStatus]
    let isReady: Bool
  }

  /// How long the supervisor may take to open its socket.
  private static let socketTimeout = Duration.seconds(20)
  /// Nothing announces the socket, so it is polled, unless the process ends first.
  private static let retryInterval = Duration.milliseconds(10)

  let console: Console
  let layout: Layout
  /// What `p2p-supervisor` gets, `run` first.
  let flags: [String]

  func perform() throws -> Started {
    let log = try SupervisorLog(path: layout.log(of: "supervisor"), directory: layout.logDirectory)
    let child = try start(writingTo: log)
    do {
      var connection = try waitForSocket(of: child, log)
      let isReady = try connection.waitUntilSettled(timeout: SupervisorRequestRun.settling)
      return Started(processes: try connection.processes(), isReady: isReady)
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

  private func start(writingTo log: borrowing SupervisorLog) throws -> ChildProcess {
    guard let directory = console.surroundings.executableDirectory else {
      throw CommandFailure(.failed, "cannot find p2p-supervisor: the path of this program is unknown (is /proc there?)")
    }
    let nothing = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    let specification = ProcessSpecification(
      executable: "\(directory)/p2p-supervisor", arguments: flags, environment: ProcessEnvironment.inherited(),
      // It must not keep a directory from being unmounted; relative paths were made absolute.
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
        .failed, TextRules.escapedForTerminal(error.description), ["It is installed beside p2pctl: install it anew."])
    }
  }

  private func waitForSocket(of child: borrowing ChildProcess, _ log: borrowing SupervisorLog) throws
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
  private func failure(_ end: Termination, _ log: borrowing SupervisorLog) -> CommandFailure {
    var status = ExitStatus.failed
    if case .exited(let number) = end, let known = ExitStatus(rawValue: number), known != .done { status = known }
    let lines = log.lastLines()
    return CommandFailure(
      status, "the supervisor \(end)",
      (lines.isEmpty ? [] : ["Its last output:"] + lines) + ["Log: \(TextRules.escapedForTerminal(log.path))"])
  }
}
