// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import ProcessSupervision
import Synchronization
import TestSupport

/// A supervisor with an index and peers. Restarts the supervisor when it ends, as a service manager would.
///
/// Only the main thread starts it: the parent-death signal is bound to the thread.
final class Fleet {
  /// More than a supervisor needs to stop everything.
  private static let stopTimeout = Duration.seconds(20)
  private static let pauseAfterFailure = Duration.milliseconds(250)
  /// Between exec and `main` a signal has its default action; on a loaded machine this takes a while.
  private static let loading = Duration.seconds(2)

  struct Row: Sendable {
    let name: String
    let pid: Int32
    let state: String
    let address: String
    let restarts: Int
    let isResponsive: Bool
  }

  let home: String
  let peers: [String]
  private let executables: String
  private let arguments: [String]
  private let log: String
  private let record: RunRecord
  private var supervisor: ChildProcess?
  private var lastStart = ContinuousClock.now
  private var nextStart = ContinuousClock.now
  /// Whether the next exit is expected.
  private var isExitExpected = false
  /// Set while the disk is full: the supervisor may then fail to start.
  var mayFail = false

  init(home: String, executables: String, peers: [String], index: Endpoint, log: String, record: RunRecord) {
    self.home = home
    self.executables = executables
    self.peers = peers
    self.log = log
    self.record = record
    arguments =
      ["run", "--serve-index", "127.0.0.1:0", "--index", "\(index)"] + peers.flatMap { ["--peer", $0] }
  }

  // MARK: The supervisor

  var supervisorPID: Int32? { supervisor?.pid }

  /// Starts it if it is not running.
  func keepRunning() throws {
    if let ended = supervisor?.reap() {
      supervisor = nil
      if !isExitExpected, !mayFail { record.find("the supervisor exited unexpectedly: \(ended)") }
      nextStart = isExitExpected ? .now : .now + Self.pauseAfterFailure
      isExitExpected = false
    }
    if supervisor == nil, ContinuousClock.now >= nextStart { try start() }
  }

  private func start() throws {
    lastStart = .now
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard output >= 0, nothing >= 0 else { throw TortureFailure.system(log) }
    defer {
      close(output)
      close(nothing)
    }
    let environment = [
      "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "P2P_HOME": home, "SWIFT_BACKTRACE": "enable=no",
    ]
    supervisor = try ChildProcess(
      ProcessSpecification(
        executable: executables + "/p2p-supervisor", arguments: arguments, environment: environment,
        descriptors: [
          .init(source: nothing, target: 0), .init(source: output, target: 1), .init(source: output, target: 2),
        ], deathSignal: SIGTERM))
  }

  /// kill -9; `keepRunning` starts another.
  func kill() -> Bool {
    isExitExpected = supervisor != nil
    return signal(SIGKILL)
  }

  /// SIGHUP, unless it has just started.
  func reload() -> Bool {
    ContinuousClock.now - lastStart > Self.loading && signal(SIGHUP)
  }

  /// - Returns: whether it was running.
  func signal(_ number: CInt) -> Bool {
    supervisor?.signal(number)
    return supervisor != nil
  }

  /// Stops everything.
  /// - Returns: what went wrong, `nil` after an orderly stop.
  func stop() -> String? {
    guard supervisor != nil else { return nil }
    _ = signal(SIGCONT)
    _ = signal(SIGTERM)
    var ended: Termination?
    let hasEnded = eventuallyOnThread(within: Self.stopTimeout) {
      ended = supervisor?.reap()
      return ended != nil
    }
    if !hasEnded {
      _ = signal(SIGKILL)
      _ = eventuallyOnThread(within: .seconds(5)) { supervisor?.reap() != nil }
    }
    supervisor = nil
    if !hasEnded { return "the supervisor did not end within \(Self.stopTimeout) after SIGTERM" }
    return ended == .exited(0) ? nil : "the supervisor \(ended.map { "\($0)" } ?? "was gone")"
  }

  // MARK: Requests

  func socket(_ name: String) -> String { "\(home)/run/\(name).sock" }

  /// All processes; `nil` if the supervisor does not answer in time.
  func rows(timeout: Duration = .seconds(1)) -> [Row]? {
    guard let answer = try? ask(["op": "status"], timeout: timeout), answer.reply["status"]?.integer == 200 else {
      return nil
    }
    return answer.events.map { row in
      Row(
        name: row["name"]?.string ?? "", pid: Int32(clamping: row["pid"]?.integer ?? 0),
        state: row["state"]?.string ?? "", address: row["address"]?.string ?? "",
        restarts: Int(clamping: row["restarts"]?.integer ?? 0), isResponsive: row["responsive"]?.bool ?? false)
    }
  }

  /// Sends a request to the supervisor.
  @discardableResult
  func ask(_ request: JSONMembers, timeout: Duration) throws -> ControlSession.Answer {
    try ControlSession(path: socket("supervisor"), timeout: timeout).ask(request)
  }

  /// The pid of a running child of the supervisor, or of the supervisor.
  func pid(of victim: Victim) -> Int32? {
    guard let own = supervisorPID else { return nil }
    guard victim != .supervisor else { return own }
    // A stopped supervisor does not answer. The last known pid is right while the process is its child.
    if let rows = rows(timeout: .milliseconds(300)) {
      for row in rows { knownPIDs[row.name] = row.pid }
    }
    guard let pid = knownPIDs[victim.description], pid > 1, ProcessTable.parent(of: pid) == own else { return nil }
    return pid
  }

  private var knownPIDs: [String: Int32] = [:]

  var isReady: Bool {
    guard let rows = rows(), rows.count == peers.count + 2 || rows.count == peers.count + 1 else { return false }
    return rows.allSatisfy { $0.state == "ready" && $0.isResponsive }
  }
}
