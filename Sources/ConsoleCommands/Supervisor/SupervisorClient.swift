// SPDX-License-Identifier: Apache-2.0

import LineJSON
import POSIXSupport
import ProcessSupport
import WireProtocol

/// Requests to the supervisor over its control socket.
struct SupervisorClient {
  /// For every request except `wait`; the supervisor answers the others immediately.
  static let timeout = Duration.seconds(5)

  let console: Console
  /// The value of `--home`; `nil` searches the usual places.
  var home: String?

  /// How long a locked supervisor without a socket is waited for: it may just be starting, or making its socket again.
  private static let socketTimeout = Duration.seconds(3)

  /// The installation: that of `--home`, else the first one with a supervisor.
  func layout() throws -> Layout {
    if let home { return Layout(home: try console.absolutePath(home, orFail: .usage)) }
    do throws(SocketSearch.Failure) {
      return try console.socketSearch.supervisorLayout()
    } catch {
      throw CommandFailure(error)
    }
  }

  /// The path of its socket, which may not exist.
  func socket() throws -> String { try layout().supervisorSocket }

  /// Connects. Waits a moment for a supervisor that runs and has no socket.
  func open() throws -> ControlConnection {
    let layout = try layout()
    let deadline = console.now() + Self.socketTimeout
    while true {
      do throws(ControlError) {
        return try ControlConnection.open(layout.supervisorSocket, role: .supervisor, timeout: console.helloTimeout)
      } catch {
        guard Self.isMissing(error), FileLock.isHeld(layout.supervisorLock), console.now() < deadline else {
          throw error
        }
      }
      try Readiness.pause(.milliseconds(20))
    }
  }

  /// The supervisor that runs although connecting failed with this error.
  func locked(after error: ControlError) throws -> LockedSupervisor? {
    Self.isMissing(error) ? LockedSupervisor.find(in: try layout()) : nil
  }

  static func isMissing(_ error: ControlError) -> Bool {
    switch error {
    case .noSocket, .refused: true
    default: false
    }
  }

  /// Explains why it does not answer.
  func failure(_ error: ControlError) throws -> CommandFailure {
    if let locked = try locked(after: error) { return locked.failure(socket: try socket()) }
    var failure = CommandFailure(error, whom: "the supervisor")
    if let home {
      let hint = CommandFailure.startHint(StartAdvice(console, home: home))
      failure.details = failure.details.map { $0 == CommandFailure.startHint ? hint : $0 }
    }
    return failure
  }

  /// All processes and their states.
  /// - Parameter timeout: for each of its two answers.
  func processes(timeout: Duration = timeout) throws -> [ProcessStatus] {
    var connection = try ControlConnection.open(
      try socket(), role: .supervisor, timeout: min(timeout, console.helloTimeout))
    return try connection.processes(timeout: timeout)
  }

  /// Runs `body` on a new connection; errors name the supervisor.
  func withConnection<Value>(_ body: (inout ControlConnection) throws -> Value) throws -> Value {
    do {
      var connection = try open()
      return try body(&connection)
    } catch let error as ControlError {
      throw try failure(error)
    }
  }
}

extension ControlConnection {
  /// Sends a request whose answer has no rows.
  @discardableResult
  mutating func supervise(
    _ operation: SupervisorRequest.Operation, timeout: Duration = SupervisorClient.timeout
  ) throws -> JSONValue {
    try exchange(timeout: timeout) { SupervisorRequest(id: $0, operation).json }
  }

  /// All processes and their states.
  mutating func processes(timeout: Duration = SupervisorClient.timeout) throws -> [ProcessStatus] {
    var processes = [ProcessStatus]()
    let path = path
    _ = try exchange(timeout: timeout) {
      SupervisorRequest(id: $0, .status).json
    } onEvent: { line in
      guard processes.count < 10_000 else { return }
      do { processes.append(try ProcessStatus(line)) } catch {
        throw ControlError.malformed(path, reason: "\(error)")
      }
    }
    return processes
  }

  /// Waits until every process is ready or has failed to become so.
  /// - Returns: whether all are ready.
  mutating func waitUntilSettled(timeout: Duration) throws -> Bool {
    let reply = try supervise(.wait, timeout: timeout)
    return reply["ready"]?.bool ?? false
  }
}
