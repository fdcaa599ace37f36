// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import WireProtocol

/// One connection of another peer. Requests are answered one at a time, on the pool, by turns with other connections.
final class UploadRole: LineRole {
  /// How long a request waits for a slot.
  private static let slotTimeout = TimeAmount.seconds(2)

  /// Requests that are answered together.
  var short = ShortRequests()

  private enum Slot {
    case none
    case waiting(UploadSlots.Ticket, timeout: Scheduled<Void>, then: () -> Void)
    case held
  }

  private enum News {
    case pieces(PieceSet)
    case complete
  }

  let service: UploadService
  /// Whether the other side is served.
  var admission: UploadAdmission
  private let identity: (id: PeerID, name: PeerName)
  let turns: UploadTurns
  private let slots: UploadSlots
  let limiter: RateLimiter
  private let transfers: TransferRegistry
  var connection: (any LineConnection)?
  var other: TransferRegistry.Source?
  private var transfer: TransferHandle?
  /// The file of the last answer; the next `get` usually needs the same.
  private var known: ServedFile?
  private var slot = Slot.none
  private var body: BodySender?
  var allowance: RateAllowance?
  /// Gets `have` events, if the other side asked for a content that this peer has in part.
  private var events: (subscriber: HaveSubscriber, role: NIOLoopBoundBox<UploadRole?>)?
  /// Events that wait for the end of the answer.
  private var news: [Content: News] = [:]
  /// Whether a request is being answered.
  var isAnswering = false
  /// Before `hello` its timeout, later the check for idleness.
  var timer: Scheduled<Void>?
  /// When the other side last received a part of a body or an event.
  var lastTaken = NIODeadline.distantPast

  init(
    service: UploadService, identity: (id: PeerID, name: PeerName), passes: PassKeeper, turns: UploadTurns,
    slots: UploadSlots, limiter: RateLimiter, transfers: TransferRegistry
  ) {
    admission = UploadAdmission(passes)
    self.service = service
    self.identity = identity
    self.turns = turns
    self.slots = slots
    self.limiter = limiter
    self.transfers = transfers
  }

  func opened(_ connection: any LineConnection) {
    self.connection = connection
    allowance = RateAllowance(of: limiter, for: ObjectIdentifier(self), on: connection.eventLoop)
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    timer = connection.eventLoop.scheduleTask(in: .seconds(Int64(service.limits.hello))) {
      bound.value.closeWithoutHello()
    }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      return try LineScratch.current.reader.read(line) { answer($0, &output) }
    } catch {
      return refuse(.unreadableLine(error), id: nil, &output)
    }
  }

  private func refuse(_ failure: WireFailure, id: Int64?, _ output: inout JSONWriter) -> LineVerdict {
    guard short.isEmpty else { return answerShort(followedBy: .failure(failure, id)) }
    let (reply, endsConnection) = other == nil ? failure.beforeHello : (failure, false)
    reply.write(id: id, to: &output)
    return endsConnection ? .close : .next
  }

  func receivedTooLong(output: inout JSONWriter) {
    let limit = service.limits.line
    WireFailure(.tooLarge, "a line has at most \(limit) bytes", limit: .init("line", limit))
      .write(id: nil, to: &output)
  }

  func refused(_ refusal: ConnectionRefusal, output: inout JSONWriter) {
    WireFailure(refusal).write(id: nil, to: &output)
  }

  func closed() {
    timer?.cancel()
    timer = nil
    transfer?.end()
    transfer = nil
    known = nil
    short = ShortRequests()
    body?.cancel()
    body = nil
    allowance?.end()
    limiter.forget(ObjectIdentifier(self))
    connection = nil
    leaveSlot()
    turns.forget(ObjectIdentifier(self))
    unsubscribe()
  }

  // MARK: Requests

  private func answer(_ line: JSONObject, _ output: inout JSONWriter) -> LineVerdict {
    var id: Int64?
    do throws(WireFailure) {
      let known = try line.requestID()
      id = known
      return try route(PeerRequest(line), known, &output)
    } catch {
      return refuse(error, id: id, &output)
    }
  }

  /// Every operation, in the order of the written protocol.
  private func route(
    _ request: PeerRequest, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) -> LineVerdict {
    if case .hello(let peer, let name, let pass) = request, short.isEmpty {
      try greet(peer, name, pass, id, &output)
      return .next
    }
    guard other != nil else { throw .helloRequired }
    if case .pass = request {} else { try admission.check() }
    return begin(request, id)
  }

  func greet(
    _ peer: PeerID, _ name: PeerName, _ pass: SignedPass?, _ id: Int64, _ output: inout JSONWriter
  ) throws(WireFailure) {
    if let proven = connection?.provenPeer, proven != peer { throw .otherID(proven: proven) }
    try admission.show(pass, of: connection?.provenPeer)
    if other == nil { scheduleIdleCheck() }
    other = .init(peer: peer, name: name.text, host: connection?.remoteAddress?.hostText ?? "")
    var limits = service.limits
    limits.slots = slots.limit
    PeerHelloReply(
      server: "p2p-peer/\(ProtocolVersion.program)", peer: identity.id, name: identity.name, limits: limits
    ).write(id: id, to: &output)
  }

  /// `hello` is answered before.
  func answer(_ request: PeerRequest, _ id: Int64) -> LineVerdict {
    let service = service
    isAnswering = true
    switch request {
    case .hello: break
    case .pass(let pass): renew(pass, id)
    case .have(let content):
      guard let subscriber = subscriber() else { return .close }
      perform(id, cost: UploadTurns.requestCost) { () throws(WireFailure) in try service.have(content, subscriber) }
    case .hashes(let content, let query):
      perform(id, cost: UploadService.cost(query, of: content)) { () throws(WireFailure) in
        try service.hashes(content, query)
      }
    case .get(let content, let offset, let length):
      // A small document is soon over: it does not wait for large ones.
      guard content.geometry.pieceCount > 1 else {
        get(content, offset, length, id)
        break
      }
      enterSlot(id) { [weak self] in self?.get(content, offset, length, id) }
    }
    return .busy
  }

  private func get(_ content: Content, _ offset: Int64, _ length: Int64, _ id: Int64) {
    let (service, known, isLimited, isSecure) = (service, known, limiter.isLimited, connection?.provenPeer != nil)
    perform(id, cost: UploadTurns.requestCost + min(length, BodySender.partLength)) { () throws(WireFailure) in
      try service.get(content, offset: offset, length: length, known: known, isLimited: isLimited, isSecure: isSecure)
    }
  }

  private func perform(
    _ id: Int64, cost: Int64, _ work: @escaping @Sendable () throws(WireFailure) -> UploadService.Answer
  ) {
    guard let connection else { return }
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    let answered = turns.run(for: ObjectIdentifier(self), cost: cost, on: connection.eventLoop) {
      Result { () throws(WireFailure) in try work() }
    }
    answered.whenComplete { result in
      bound.value.send((try? result.get()) ?? .failure(WireFailure(.unavailable, "the peer is stopping")), id)
    }
  }

  // MARK: Answers

  private func send(_ result: Result<UploadService.Answer, WireFailure>, _ id: Int64) {
    // Closed meanwhile: the work may have subscribed after that.
    guard let connection else { return unsubscribe() }
    switch judged(result) {
    case .failure(let failure): connection.send { failure.write(id: id, to: &$0) }
    case .success(.have(let reply)):
      connection.send { reply.write(id: id, to: &$0) }
    case .success(.hashes(let count, let nodes)):
      connection.send {
        HashesReply(count: count).write(id: id, to: &$0)
        $0.bytes += nodes
      }
    case .success(.bytes(_, _, let bytes)) where allowance.map { $0.available < bytes.count } ?? false:
      // A short body leaves in one write.
      guard allowance?.gather(bytes.count, then: { [weak self] in self?.send(result, id) }) == true else { return }
      return send(result, id)
    case .success(.bytes(let file, let offset, let bytes)):
      allowance?.spend(bytes.count)
      known = file ?? known
      if let file { note(file, Int64(bytes.count)) }
      connection.send {
        GetReply(offset: offset, length: Int64(bytes.count)).write(id: id, to: &$0)
        $0.bytes += bytes
      }
      sent(Int64(bytes.count))
    case .success(.file(let file, let offset, let length, let beginning)):
      known = file
      guard let descriptor = try? file.file.duplicate() else {
        let failure = WireFailure(.unavailable, "this peer has too many files open", retryAfter: 5)
        connection.send { failure.write(id: id, to: &$0) }
        break
      }
      note(file, length)
      connection.send { GetReply(offset: offset, length: length).write(id: id, to: &$0) }
      return sendBody(of: file, descriptor, from: offset, to: offset + length, beginning, on: connection)
    }
    finishAnswer()
  }

  func finishAnswer() {
    leaveSlot()
    isAnswering = false
    sendNews()
    connection?.resume()
  }

  private func sendBody(
    of file: ServedFile, _ descriptor: CInt, from offset: Int64, to end: Int64,
    _ beginning: BodySender.Beginning, on connection: any LineConnection
  ) {
    guard let allowance else { return }
    let (service, turns, loop, client) = (service, turns, connection.eventLoop, ObjectIdentifier(self))
    let body = BodySender(
      descriptor: descriptor, from: offset, to: end, beginning, on: connection, allowance: allowance,
      prepare: { offset, length in
        turns.run(for: client, cost: length, on: loop) { service.prepare(file, offset, length) }
      },
      read: { offset, length in
        turns.run(for: client, cost: length, on: loop) { service.read(file, offset, length) }
      }, report: { [weak self] in self?.proceed($0) })
    self.body = body
    transfer?.sending(true)
    body.proceed()
  }

  /// If the body cannot be completed, closes the connection.
  private func proceed(_ step: BodySender.Step) {
    guard let connection else { return }
    switch step {
    case .sent(let length):
      lastTaken = connection.eventLoop.now
      sent(length)
    case .ended:
      body = nil
      transfer?.sending(false)
      finishAnswer()
    case .failed:
      body = nil
      known = nil
      connection.abort()
    }
  }

  // MARK: Slots

  /// Goes on when there is a slot, or refuses the request.
  private func enterSlot(_ id: Int64, _ then: @escaping () -> Void) {
    guard let loop = connection?.eventLoop else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    guard let ticket = slots.enter({ loop.execute { bound.value.slotGranted() } }) else {
      slot = .held
      return then()
    }
    let timeout = loop.scheduleTask(in: Self.slotTimeout) { bound.value.slotTimedOut(id) }
    slot = .waiting(ticket, timeout: timeout, then: then)
  }

  private func slotGranted() {
    guard case .waiting(_, let timeout, let then) = slot else { return slots.leave() }
    timeout.cancel()
    slot = .held
    then()
  }

  private func slotTimedOut(_ id: Int64) {
    // If it was granted just now, `slotGranted` is called soon.
    guard case .waiting(let ticket, _, _) = slot, slots.cancel(ticket) else { return }
    slot = .none
    let failure = WireFailure(
      .unavailable, "this peer is sending to others", limit: .init("slots", slots.limit), retryAfter: 2)
    send(.failure(failure), id)
  }

  private func leaveSlot() {
    switch slot {
    case .none: break
    case .waiting(let ticket, let timeout, _):
      timeout.cancel()
      _ = slots.cancel(ticket)
    case .held: slots.leave()
    }
    slot = .none
  }

  // MARK: Events

  private func subscriber() -> HaveSubscriber? {
    if let events { return events.subscriber }
    guard let loop = connection?.eventLoop else { return nil }
    let role = NIOLoopBoundBox<UploadRole?>(self, eventLoop: loop)
    let subscriber = HaveSubscriber(loop: loop) { role.value?.note($0) }
    events = (subscriber, role)
    return subscriber
  }

  private func unsubscribe() {
    guard let events else { return }
    events.role.value = nil
    service.partials.unsubscribe(events.subscriber)
  }

  private func note(_ event: HaveEvent) {
    if let ranges = event.pieces {
      var pieces = PieceSet(count: Int(event.content.geometry.pieceCount))
      if case .pieces(let earlier) = news[event.content] { pieces = earlier }
      for range in ranges { pieces.insert(range) }
      news[event.content] = .pieces(pieces)
    } else {
      news[event.content] = .complete
    }
    if !isAnswering { sendNews() }
  }

  /// Events come between answers.
  func sendNews() {
    guard let connection, !news.isEmpty else { return }
    // What others have is told to members only.
    guard (try? admission.check()) != nil else { return news = [:] }
    let events = news.map { content, news in
      switch news {
      case .pieces(let pieces): HaveEvent(content, pieces: pieces.ranges)
      case .complete: HaveEvent(content, pieces: nil)
      }
    }
    news = [:]
    lastTaken = connection.eventLoop.now
    connection.send { output in
      for event in events { event.writeLine(to: &output) }
    }
  }

  // MARK: The transfer

  /// A peer may ask for the same content again on a connection that it kept: that is another transfer.
  func note(_ file: ServedFile, _ length: Int64) {
    guard let other else { return }
    if let transfer, transfer.content == file.content, transfer.continues(with: length) { return }
    transfer?.end()
    transfer = transfers.upload(file.content, to: other)
    transfer?.name(file.key)
  }

  func sent(_ length: Int64) {
    guard let transfer else { return }
    transfer.progress(length)
    guard !transfer.continues(with: 1) else { return }
    transfer.end()
    self.transfer = nil
  }
}
