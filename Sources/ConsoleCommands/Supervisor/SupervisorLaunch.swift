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

  /// How long it may take until it serves its socket.
  private static let greetingTimeout = Duration.seconds(20)
  /// It may not be there yet, and nothing tells when it is: so often it is tried, unless the process ends before.
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
      console.noteLine("It goes on starting in the background. Stop it with: p2pctl supervisor stop")
      throw CommandFailure.silent(.interrupted)
    } catch let error as ControlError {
      if let end = child.reap() { throw failure(end, log) }
      var failure = CommandFailure(error, whom: "the supervisor that was just started")
      failure.details += log.lastLines()
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
    let deadline = ContinuousClock.now + Self.greetingTimeout
    while true {
      do {
        return try ControlConnection.open(
          layout.supervisorSocket, role: .supervisor, timeout: console.helloTimeout)
      } catch {
        switch error {
        case .noSocket, .refused,
          .closed where ContinuousClock.now < deadline:
          break
        default: throw error
        }
      }
      if try Readiness.wait(for: child.pidfd.rawValue, until: .now + Self.retryInterval), let end = child.reap() {
        throw failure(end, log)
      }
    }
  }

  /// Where it ended before it served: with its own words.
  private func failure(_ end: Termination, _ log: borrowing SupervisorLog) -> CommandFailure {
    var status = ExitStatus.failed
    if case .exited(let number) = end, let known = ExitStatus(rawValue: number), known != .done { status = known }
    let lines = log.lastLines()
    return CommandFailure(
      status, "the supervisor \(end)",
      (lines.isEmpty ? [] : ["Its last words:"] + lines) + ["Log: \(TextRules.escapedForTerminal(log.path))"])
  }
}
