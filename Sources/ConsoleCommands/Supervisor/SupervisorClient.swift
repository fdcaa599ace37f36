// SPDX-License-Identifier: Apache-2.0

import LineJSON
import ProcessSupport
import WireProtocol

/// Questions to the supervisor over its own control socket.
struct SupervisorClient {
  /// It answers all but `wait` from what it knows.
  static let timeout = Duration.seconds(5)

  let console: Console
  /// Where `--home` names it; `nil` looks as for every daemon.
  var home: String?

  /// The path of its socket, whether it is there or not.
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

  /// Every process and its state.
  /// - Parameter timeout: for each of its two answers.
  func processes(timeout: Duration = timeout) throws -> [ProcessStatus] {
    var connection = try ControlConnection.open(
      try socket(), role: .supervisor, timeout: min(timeout, console.helloTimeout))
    return try connection.processes(timeout: timeout)
  }

  /// Does something with a connection and says in whose name it failed.
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
  /// Asks the supervisor something that has no rows.
  @discardableResult
  mutating func supervise(
    _ operation: SupervisorRequest.Operation, timeout: Duration = SupervisorClient.timeout
  ) throws -> JSONValue {
    try exchange(timeout: timeout) { SupervisorRequest(id: $0, operation).json }
  }

  /// Every process and its state.
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

  /// Until every process is ready, or will not be.
  /// - Returns: whether all are.
  mutating func waitUntilSettled(timeout: Duration) throws -> Bool {
    let reply = try supervise(.wait, timeout: timeout)
    return reply["ready"]?.bool ?? false
  }
}
