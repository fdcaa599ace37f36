// SPDX-License-Identifier: Apache-2.0

package import Dispatch
import DocumentIndex
import DocumentModel
package import LineJSON
package import LineTransport
import NIOCore
import WireProtocol

/// One connection to the index: its greeting, its silence and its end. What it asks for is in `IndexRole+Requests.swift`.
package final class IndexRole: LineRole {
  let service: IndexService
  private(set) var session: IndexSession?
  private(set) var greeting: IndexHello?
  /// In a closed network, from `hello` on.
  var inNetwork: NetworkSession? {
    didSet { isOutside = inNetwork?.place.isOutside ?? false }
  }
  /// Whether the session may do hardly anything: asked for each request.
  private(set) var isOutside = false
  private(set) weak var connection: (any LineConnection)?
  private var turns: LoopTurns?
  private(set) var reader: IndexReader?
  private var scratch: LineScratch?
  /// As the connection was told.
  private var standing = ConnectionStanding.new
  /// Among those of its event loop.
  var place: Int?
  private var openedAt: NIODeadline?
  /// When it was last too busy to be heard.
  private var busy: NIODeadline?
  // Used on the event loop only and by no call twice at once: the runtime need not check this for each look-up.
  @exclusivity(unchecked) var generator: SampleGenerator
  /// What is done in slices: no line is read meanwhile.
  var work: SlicedWork?
  /// Decodes long lines; `nil` where nobody would wait for them.
  let decoder: DispatchQueue?
  /// A long line that is to be answered.
  var decoded: DecodedRequest?
  var watches: SessionWatches?
  /// Whether the reply to the last request counts for nothing.
  var isFree = false
  /// When a ping was last answered that counted for nothing; `nil` without limits.
  var lastPing: NIODeadline?

  package init(service: IndexService, decoder: DispatchQueue? = nil) {
    self.service = service
    self.decoder = decoder
    generator = SampleGenerator(seed: .random(in: .min ... .max))
  }

  // MARK: Events of the connection

  package func opened(_ connection: any LineConnection) {
    self.connection = connection
    turns = connection.turns
    reader = service.reader(of: connection.eventLoop)
    scratch = .current
    openedAt = connection.eventLoop.now
    reader?.join(self)
  }

  package func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let start = output.bytes.count
    defer { charge(output.bytes.count - start) }
    if let verdict = decodeElsewhere(line, &output) { return verdict }
    do {
      return try (scratch ?? .current).reader.read(line) { answer($0, &output) }
    } catch {
      return refuse(.unreadableLine(error), id: nil, &output)
    }
  }

  package func advance(output: inout JSONWriter) -> LineVerdict {
    let start = output.bytes.count
    defer { charge(output.bytes.count - start) }
    if let decoded = decoded.take() { return answer(decoded, &output) }
    return goOn(&output)
  }

  func refuse(_ failure: WireFailure, id: Int64?, _ output: inout JSONWriter) -> LineVerdict {
    noteRefusal(failure)
    let (reply, endsConnection) = session == nil ? failure.beforeHello : (failure, false)
    reply.write(id: id, to: &output)
    return endsConnection ? .close : .next
  }

  package func receivedTooLong(output: inout JSONWriter) {
    let limit = service.limits.line
    let failure = WireFailure(.tooLarge, "a line has at most \(limit) bytes", limit: .init("line", limit))
    noteRefusal(failure)
    failure.write(id: nil, to: &output)
  }

  package func lineTimedOut(output: inout JSONWriter) {
    let limit = service.limits.lineTime
    let failure = WireFailure(
      .badRequest, "a line has to end within \(limit) s", limit: .init("line_time", limit))
    noteRefusal(failure)
    failure.write(id: nil, to: &output)
  }

  private func noteRefusal(_ failure: WireFailure) {
    guard let limit = failure.limit else { return }
    service.refusals.note(limit.name, of: session?.origin.host ?? connection?.remoteAddress?.hostText)
  }

  package func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    WireFailure(refusal).write(id: nil, to: &output)
  }

  package func closed() {
    reader?.leave(self)
    endSession()
  }

  func endSession() {
    work = nil
    endWatches()
    session?.close()
    session = nil
    leaveNetwork()
    if let turns { service.clear(in: turns) }
  }

  // MARK: The session

  func begin(_ hello: IndexHello) throws(WireFailure) -> IndexSession {
    guard session == nil else { throw .badRequest("hello was already sent") }
    guard let connection else { throw WireFailure(.unavailable, "the connection is closing") }
    try enterNetwork(hello, connection)
    do {
      let session = try openSession(hello, connection)
      greeting = hello
      return session
    } catch {
      leaveNetwork()
      throw WireFailure(error)
    }
  }

  /// Opens the session; again, if its peer has become a member.
  private func openSession(
    _ hello: IndexHello, _ connection: any LineConnection
  ) throws(IndexRefusal) -> IndexSession {
    session?.close()
    session = nil
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let loop = connection.eventLoop
    // One that does not belong offers nothing, and is the first to go when connections run out.
    let session = try IndexSession(
      service: service, reader: service.reader(of: loop), peer: hello.peer, name: hello.name,
      port: isOutside ? nil : hello.port, advertised: hello.advertise,
      origin: Origin(remote: connection.remoteAddress, local: connection.localAddress),
      proven: connection.provenPeer, end: { loop.execute { bound.value.connection?.abort() } })
    self.session = session
    noteSession(session.id)
    if !isOutside { stand(as: .greeted) }
    return session
  }

  /// After the peer has become a member: what it offers counts from now on.
  func reopenSession() {
    guard let greeting, let connection else { return }
    do { _ = try openSession(greeting, connection) } catch { connection.abort() }
  }

  private func stand(as standing: ConnectionStanding) {
    guard standing != self.standing else { return }
    self.standing = standing
    connection?.stand(as: standing)
  }

  /// After records were added or removed.
  func recordsChanged() {
    guard let session else { return }
    stand(as: session.hasRecords ? .needed : .greeted)
    if let turns { service.clear(in: turns) }
  }

  // MARK: Time

  /// Called once a second.
  func check(_ now: NIODeadline) {
    guard let connection else { return }
    let limits = reader.map { service.limits(for: $0) } ?? service.limits
    if session == nil {
      if let openedAt, now >= openedAt + .seconds(Int64(limits.hello)) { helloTimedOut(connection, limits.hello) }
    } else if standing == .needed {
      checkForSilence(connection, now, .seconds(Int64(limits.idle)))
    }
  }

  /// Closes connections that send no `hello` in time, to free the slot.
  private func helloTimedOut(_ connection: any LineConnection, _ seconds: Int) {
    openedAt = nil
    let failure = WireFailure.noHello(within: seconds)
    noteRefusal(failure)
    connection.send { failure.write(id: nil, to: &$0) }
    connection.close()
  }

  /// A session with records must show that it is alive.
  private func checkForSilence(_ connection: any LineConnection, _ now: NIODeadline, _ idle: TimeAmount) {
    // It may have sent much that is not read before its turn.
    if work != nil || !connection.isReading { busy = now }
    let heard = max(connection.lastReceived, busy ?? connection.lastReceived)
    if now >= heard + idle { connection.abort() }
  }
}

extension WireFailure {
  /// Seconds after which a retry makes sense: connections come and go.
  private static let retryAfter = 5

  fileprivate init(_ refusal: ConnectionRefusal) {
    switch refusal {
    case .tooMany(let limit):
      self.init(
        .tooMany, "the index has too many connections", limit: .init("connections", limit),
        retryAfter: Self.retryAfter)
    case .tooManyOfAddress(let limit):
      self.init(
        .tooMany, "too many connections from one address", limit: .init("connections_per_address", limit),
        retryAfter: Self.retryAfter)
    case .lineMemory(let limit):
      self.init(
        .tooMany, "the index has no memory for unfinished lines", limit: .init("line_memory", limit),
        retryAfter: Self.retryAfter)
    case .plain: self = .tlsRequired
    }
  }
}
