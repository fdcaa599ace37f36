// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
package import LineTransport
package import NIOCore
import POSIXSupport
package import WireProtocol

/// The socket on which front ends talk to this daemon.
package enum ControlServer {
  /// Maximum number of front ends at a time.
  package static let connectionLimit = 64
  /// Refusals sent at a time.
  private static let refusalLimit = 8

  /// Carries out one request other than `hello`. Its task is cancelled when the client disconnects.
  package typealias Operations =
    @Sendable (ControlRequest, ControlEvents) async throws(WireFailure) -> any WireReply

  /// Starts to serve. `hello` is answered immediately, whatever else the daemon does.
  ///
  /// - Parameter reserve: descriptors held back, so that the owner is served when uploads or downloads use all others.
  /// - Throws: `IOError` or `ListenerError`.
  package static func start(
    _ listener: LineServer.Listener, greeting: ControlHelloReply, group: any EventLoopGroup, reserve: Int = 0,
    report: @escaping @Sendable (String) -> Void = { _ in }, operations: @escaping Operations
  ) async throws -> LineServer {
    let gate = ConnectionGate(
      limit: connectionLimit, limitOfAddress: connectionLimit, refusalLimit: refusalLimit)
    return try await LineServer.start(
      listener, group: group, limits: LineLimits(line: ControlPlane.lineLimit), gate: gate,
      reserve: reserve, report: report
    ) { _ in ControlRole(greeting: greeting, operations: operations) }
  }
}

/// One connection of a front end: each request runs in a task of its own, one at a time.
private final class ControlRole: LineRole {
  private let operations: ControlServer.Operations
  private var session: ControlSession
  private var connection: (any LineConnection)?
  private var task: Task<Void, Never>?

  init(greeting: ControlHelloReply, operations: @escaping ControlServer.Operations) {
    session = ControlSession(greeting: greeting)
    self.operations = operations
  }

  func opened(_ connection: any LineConnection) {
    self.connection = connection
    if let user = connection.credentials?.user, user == geteuid() || user == 0 { session.admit() }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    switch session.received(line) {
    case .answer(let message):
      output.bytes += ControlLines.bytes(of: message)
      return .next
    case .refuse(let message):
      output.bytes += ControlLines.bytes(of: message)
      return .close
    case .run(let id, let request):
      run(request, id: id)
      return .busy
    }
  }

  func receivedTooLong(output: inout JSONWriter) {
    output.bytes += ControlLines.bytes(of: ControlSession.tooLong)
  }

  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    let failure =
      switch refusal {
      case .tooMany(let limit), .tooManyOfAddress(let limit), .lineMemory(let limit):
        WireFailure(
          .tooMany, "\(limit) front ends are connected already", limit: .init("connections", limit), retryAfter: 1)
      case .plain: WireFailure.tlsRequired
      }
    output.bytes += ControlLines.bytes(of: failure.json(id: nil))
  }

  func closed() {
    task?.cancel()
    task = nil
    connection = nil
  }

  // MARK: Requests

  private func run(_ request: ControlRequest, id: Int64) {
    guard let connection else { return }
    let events = ControlEvents(connection)
    let role = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    task = Task { [operations] in
      let reply: JSONValue
      do throws(WireFailure) {
        reply = try await operations(request, events).json(id: id)
      } catch {
        reply = error.json(id: id)
      }
      let line = ControlLines.bytes(of: reply)
      loop.execute {
        events.end()
        role.value.finish(line)
      }
    }
  }

  private func finish(_ line: [UInt8]) {
    task = nil
    session.finished()
    guard let connection else { return }
    connection.send { $0.bytes += line }
    connection.resume()
  }
}
