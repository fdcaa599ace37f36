// SPDX-License-Identifier: Apache-2.0

package import LineJSON
package import LineTransport
import NIOCore
import WireProtocol

/// One connection to the index: reads requests, answers them in the same call.
///
/// Its records live exactly as long as it does.
package final class IndexRole: LineRole {
  private let service: IndexService
  private var session: IndexSession?
  private weak var connection: (any LineConnection)?
  /// Before `hello` the time that there is for it; after that, where there are records, the look for silence.
  private var timer: Scheduled<Void>?
  // Used on the event loop only and by no call twice at once, which the runtime need not check for each look-up.
  @exclusivity(unchecked) private var generator: SampleGenerator

  package init(service: IndexService) {
    self.service = service
    generator = SampleGenerator(seed: .random(in: .min ... .max))
  }

  // MARK: Events of the connection

  package func opened(_ connection: any LineConnection) {
    self.connection = connection
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    timer = connection.eventLoop.scheduleTask(in: .seconds(Int64(service.limits.hello))) {
      bound.value.giveUpOnHello()
    }
  }

  package func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      return try LineScratch.current.reader.read(line) { answer($0, &output) }
    } catch {
      WireFailure.unreadableLine(error).write(id: nil, to: &output)
      return .next
    }
  }

  package func receivedTooLong(output: inout JSONWriter) {
    let limit = service.limits.line
    WireFailure(.tooLarge, "a line has at most \(limit) bytes", limit: .init("line", limit))
      .write(id: nil, to: &output)
  }

  package func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    WireFailure(refusal).write(id: nil, to: &output)
  }

  package func closed() {
    timer?.cancel()
    timer = nil
    session?.close()
    session = nil
  }

  // MARK: Requests

  private func answer(_ line: JSONObject, _ output: inout JSONWriter) -> LineVerdict {
    var id: Int64?
    do throws(WireFailure) {
      let known = try line.requestID()
      id = known
      let request = try IndexRequest(line, batchLimit: service.limits.batch)
      try route(request, known, &output)
      return request.mayTakeLong ? .pause : .next
    } catch {
      error.write(id: id, to: &output)
      return .next
    }
  }

  /// Every operation, in the order of the written protocol.
  private func route(_ request: IndexRequest, _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) {
    if case .hello(let hello) = request { return try greet(hello, id, &output) }
    guard let session else { throw .helloRequired }
    switch request {
    case .hello: break
    case .add(let documents):
      try session.add(documents, id, &output)
      watchForSilence()
    case .remove(let records): session.remove(records, id, &output)
    case .lookup(let lookup): try session.lookup(lookup, id, &output, using: &generator)
    case .list(let query): try session.list(query, id, &output, using: &generator)
    case .peers(let query): try session.peers(query, id, &output)
    case .stats: session.statistics(id, &output)
    case .ping:
      output.beginReply(id: id)
      output.endReply()
    }
  }

  private func greet(_ hello: IndexHello, _ id: Int64, _ output: inout JSONWriter) throws(WireFailure) {
    guard session == nil else { throw .badRequest("hello was said already") }
    guard let connection else { throw WireFailure(.unavailable, "the connection is closing") }
    let origin = Origin(remote: connection.remoteAddress, local: connection.localAddress)
    let session = try IndexSession(service: service, hello: hello, origin: origin)
    self.session = session
    timer?.cancel()
    timer = nil
    session.writeHello(id, &output)
  }

  // MARK: Time

  /// Who does not say what he wants has no business here: the connection is for somebody else.
  private func giveUpOnHello() {
    timer = nil
    guard session == nil, let connection else { return }
    let failure = WireFailure.noHello(within: service.limits.hello)
    connection.send { failure.write(id: nil, to: &$0) }
    connection.close()
  }

  /// A session with records has to show that it lives. One timer a session, which looks when the last byte came.
  private func watchForSilence() {
    guard timer == nil, let connection else { return }
    scheduleSilenceCheck(connection)
  }

  private func scheduleSilenceCheck(_ connection: any LineConnection) {
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    timer = connection.eventLoop.scheduleTask(deadline: silenceDeadline(connection)) { bound.value.checkForSilence() }
  }

  private func silenceDeadline(_ connection: any LineConnection) -> NIODeadline {
    connection.lastReceived + .seconds(Int64(service.limits.idle))
  }

  private func checkForSilence() {
    timer = nil
    guard let connection, let session, session.hasRecords else { return }
    if silenceDeadline(connection) > connection.eventLoop.now {
      scheduleSilenceCheck(connection)
    } else {
      connection.abort()
    }
  }
}

extension IndexRequest {
  /// Whether others should have their turn before the next request of the same connection.
  fileprivate var mayTakeLong: Bool {
    switch self {
    case .list, .peers: true
    case .add(let documents): documents.count > 100
    case .remove(let records): records.count > 100
    case .hello, .lookup, .stats, .ping: false
    }
  }
}

extension WireFailure {
  /// Seconds after which it is worth trying again: connections come and go.
  private static let retryAfter = 5

  fileprivate init(_ refusal: ConnectionRefusal) {
    switch refusal {
    case .tooMany(let limit):
      self.init(
        .tooMany, "the index has as many connections as it may have", limit: .init("connections", limit),
        retryAfter: Self.retryAfter)
    case .tooManyOfAddress(let limit):
      self.init(
        .tooMany, "too many connections from one address", limit: .init("connections_per_address", limit),
        retryAfter: Self.retryAfter)
    }
  }
}
