// SPDX-License-Identifier: Apache-2.0

import LineJSON
import ProcessSupport
import WireProtocol

/// Requests to the supervisor over its control socket.
struct SupervisorClient {
  /// For every request except `wait`; the supervisor answers the others immediately.
  static let timeout = Duration.seconds(5)

  let console: Console
  /// The value of `--home`; `nil` searches the usual places.
  var home: String?

  /// The path of its socket, which may not exist.
  func socket() throws -> String {
    if let home { return Layout(home: try console.absolutePath(home, orFail: .usage)).supervisorSocket }
    do throws(SocketSearch.Failure) {
      return try SocketSearch(layouts: console.environment.layouts, user: nil).supervisorSocket()
    } catch {
      throw CommandFailure(error)
    }
  }

  func open() throws -> ControlConnection {
    try ControlConnection.open(try socket(), role: .supervisor, timeout: console.helloTimeout)
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
      throw CommandFailure(error, whom: "the supervisor")
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
