// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import LineTransport
import NIOCore
import POSIXSupport
import WireProtocol

/// The lines of one front end: each request runs in a task of its own, one at a time.
final class ControlRole: LineRole {
  private let answering: any ControlAnswering
  private var session: ControlSession
  private var connection: (any LineConnection)?
  private var task: Task<Void, Never>?

  init(greeting: ControlHelloReply, answering: any ControlAnswering) {
    session = ControlSession(greeting: greeting)
    self.answering = answering
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
      case .tooMany(let limit), .tooManyOfAddress(let limit):
        WireFailure(
          .tooMany, "\(limit) front ends are connected already", limit: .init("connections", limit), retryAfter: 1)
      }
    output.bytes += ControlLines.bytes(of: ControlSession.failure(failure, id: nil))
  }

  func closed() {
    task?.cancel()
    task = nil
    connection = nil
  }

  // MARK: Requests

  private func run(_ request: ControlRequest, id: Int64) {
    guard let connection else { return }
    let events = ConnectionEvents(connection)
    let role = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    task = Task { [answering] in
      let reply: JSONValue
      do throws(WireFailure) {
        reply = try await answering.answer(request, events: events).json(id: id)
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
