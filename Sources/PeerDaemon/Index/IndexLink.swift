package import DocumentModel
package import LineJSON
import LineTransport
package import Logging
package import NIOCore
package import WireProtocol

/// The one connection of this peer to its index: makes it, keeps it, announces everything that is shared over it, and
/// carries the requests of everybody in the daemon.
///
/// Runs on one event loop, together with the lines that it reads and writes.
package actor IndexLink {
  /// How long things may take.
  package struct Patience: Sendable {
    package var connect = TimeAmount.seconds(5)
    /// Until there is a connection.
    package var connection = TimeAmount.seconds(5)
    /// Until an answer comes.
    package var answer = TimeAmount.seconds(10)
    /// For the acknowledgement of an `add` or a `remove`, connection included.
    package var acknowledgement = TimeAmount.seconds(5)

    package init() {}
  }

  /// What is known of the connection.
  package struct Status: Sendable {
    package let address: Endpoint
    package let isConnected: Bool
    /// Since when it is connected, or not.
    package let since: NIODeadline
    /// The address under which the index sees us.
    package let seenAs: String?
  }

  /// Takes a reply, valid during the call only, or why there is none.
  typealias Finish = (isolated IndexLink, Result<JSONObject, WireFailure>) -> Void

  struct Pending {
    let id: Int64
    let sent: NIODeadline
    /// Called once.
    let finish: Finish
  }

  private struct Waiter {
    let id: Int
    let continuation: CheckedContinuation<Bool, Never>
  }

  /// Requests that may be under way at once, the announcement not counted.
  private static let mostPending = 1024
  /// Batches of the announcement that may be under way at once.
  private static let announcementWindow = 4

  package nonisolated let loop: any EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

  private let hello: IndexHello
  private let source: any AnnouncementSource
  private let patience: Patience
  private let logger: Logger
  private var address: Endpoint
  private var machine = IndexLinkMachine()
  private var random: any RandomNumberGenerator & Sendable
  private var connection: (any LineConnection)?
  private var generation = 0
  private var nextID: Int64 = 1
  private var pending: [Pending] = []
  private var waiters: [Waiter] = []
  private var nextWaiter = 0
  private var firstTry: [CheckedContinuation<Void, Never>] = []
  private var greeting: IndexHelloReply?
  private var announcement: Task<Void, Never>?
  /// What was withdrawn while the announcement ran: pages that were read before must not bring it back.
  private var withdrawn: Set<IndexRequest.RecordID> = []
  private var heartbeat: RepeatedTask?
  private var since = NIODeadline.now()

  package init(
    address: Endpoint, hello: IndexHello, source: any AnnouncementSource, loop: any EventLoop, logger: Logger,
    patience: Patience = Patience(), random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    self.address = address
    self.hello = hello
    self.source = source
    self.loop = loop
    self.logger = logger
    self.patience = patience
    self.random = random
  }

  // MARK: Life

  package func start() {
    carryOut(machine.start())
  }

  package func stop() {
    carryOut(machine.stop())
    for waiter in waiters { waiter.continuation.resume(returning: false) }
    waiters = []
  }

  /// Returns when the first try to connect has ended, in whatever way.
  package func firstTryEnded() async {
    guard !machine.hasTried else { return }
    await withCheckedContinuation { firstTry.append($0) }
  }

  package func use(_ address: Endpoint) {
    guard address != self.address else { return }
    self.address = address
    carryOut(machine.retarget())
  }

  package var status: Status {
    Status(address: address, isConnected: machine.isConnected, since: since, seenAs: greeting?.host)
  }

  /// Whether there is a connection, as soon as there is one, or at the end of what one waits for it.
  package func isConnectedInTime() async -> Bool {
    await waitForConnection(patience.connection)
  }

  private func carryOut(_ action: IndexLinkMachine.Action) {
    switch action {
    case .nothing: break
    case .connect: connect()
    case .sayHello: sayHello()
    case .announce: begin()
    case .wait(let duration):
      loop.scheduleTask(in: TimeAmount(duration)) { self.assumeIsolated { $0.carryOut($0.machine.timerFired()) } }
    case .disconnect: connection?.abort()
    }
    if machine.hasTried {
      for continuation in firstTry { continuation.resume() }
      firstTry = []
    }
  }

  private func connect() {
    generation += 1
    let generation = generation
    let limits = LineLimits(line: IndexLimits().line * 2)
    LineClient.connect(
      host: address.host, port: address.port, on: loop, limits: limits, timeout: patience.connect
    ) { _ in IndexLinkRole(link: self, generation: generation) }
    .whenFailure { error in
      self.assumeIsolated { $0.failedToConnect(error, generation: generation) }
    }
  }

  private func failedToConnect(_ error: any Error, generation: Int) {
    guard generation == self.generation, connection == nil else { return }
    logger.debug("index not reached", metadata: ["address": "\(address)", "error": "\(error)"])
    carryOut(machine.lost(at: .now(), using: &random))
  }

  // MARK: Events of the connection

  func opened(_ connection: NIOLoopBound<any LineConnection>, generation: Int) {
    guard generation == self.generation else { return connection.value.abort() }
    self.connection = connection.value
    carryOut(machine.connected())
  }

  /// - Returns: false where the connection is of no more use.
  func received(_ line: UnsafeRawBufferPointer, generation: Int) -> Bool {
    guard generation == self.generation, !pending.isEmpty else { return false }
    let request = pending.removeFirst()
    do {
      try LineScratch.current.reader.read(line) { reply in
        guard reply["id"]?.integer == request.id else { throw WireFailure.badRequest("an answer out of order") }
        if let failure = try WireFailure(reply: reply) {
          request.finish(self, .failure(failure))
        } else {
          request.finish(self, .success(reply))
        }
      }
      return true
    } catch {
      request.finish(self, .failure(WireFailure(.unavailable, "the index answers what cannot be read")))
      logger.warning("index answers nonsense", metadata: ["address": "\(address)", "error": "\(error)"])
      return false
    }
  }

  func closed(generation: Int) {
    guard generation == self.generation else { return }
    lose(retryAfter: nil)
  }

  private func lose(retryAfter: Int?) {
    if machine.isConnected { since = .now() }
    connection?.abort()
    connection = nil
    generation += 1
    greeting = nil
    announcement?.cancel()
    announcement = nil
    heartbeat?.cancel()
    heartbeat = nil
    let abandoned = pending
    pending = []
    for request in abandoned {
      request.finish(self, .failure(WireFailure(.unavailable, "the connection to the index was lost")))
    }
    carryOut(machine.lost(at: .now(), retryAfter: retryAfter, using: &random))
  }

  // MARK: Hello, heartbeat

  private func sayHello() {
    submit(.hello(hello)) { link, reply in
      do throws(WireFailure) {
        link.greeting = try IndexHelloReply(reply: reply.get())
        link.carryOut(link.machine.greeted(at: .now()))
      } catch {
        link.logger.warning("index refuses us", metadata: ["error": "\(error)"])
        link.lose(retryAfter: error.retryAfter ?? 1)
      }
    }
    scheduleHeartbeat(every: .seconds(3))
  }

  private func begin() {
    since = .now()
    logger.info("connected to index", metadata: ["address": "\(address)"])
    scheduleHeartbeat(every: .milliseconds(Int64(greeting?.idle ?? 10) * 1000 / 3))
    for waiter in waiters { waiter.continuation.resume(returning: true) }
    waiters = []
    withdrawn = []
    announcement = Task { await self.announceAll() }
  }

  /// At a third of what the index allows, we show that we are there; an answer that takes as long as it allows us is none.
  private func scheduleHeartbeat(every interval: TimeAmount) {
    heartbeat?.cancel()
    heartbeat = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      self.assumeIsolated { $0.beat(interval) }
    }
  }

  private func beat(_ interval: TimeAmount) {
    if let oldest = pending.first, NIODeadline.now() - oldest.sent > interval * 3 {
      logger.warning("index does not answer", metadata: ["address": "\(address)"])
      return lose(retryAfter: nil)
    }
    if machine.isConnected { submit(.ping) { _, _ in } }
  }

  // MARK: Requests

  private func submit(_ request: IndexRequest, _ finish: @escaping Finish) {
    guard let connection else {
      return finish(self, .failure(WireFailure(.unavailable, "there is no connection to the index")))
    }
    let id = nextID
    nextID = id % JSONObject.requestIDs.upperBound + 1
    pending.append(Pending(id: id, sent: .now(), finish: finish))
    connection.send { request.write(id: id, to: &$0) }
  }

  /// Sends a request once there is a connection, and reads its reply.
  package func ask<Reply: Sendable>(
    _ request: IndexRequest, _ read: @escaping @Sendable (JSONObject) throws(WireFailure) -> Reply
  ) async throws(WireFailure) -> Reply {
    guard await waitForConnection(patience.connection) else {
      throw WireFailure(
        .unavailable, "the index at \(address) cannot be reached; p2pctl connect HOST:PORT names another")
    }
    return try await exchange(request, within: patience.answer, read)
  }

  private func exchange<Reply: Sendable>(
    _ request: IndexRequest, within patience: TimeAmount,
    _ read: @escaping @Sendable (JSONObject) throws(WireFailure) -> Reply
  ) async throws(WireFailure) -> Reply {
    guard pending.count < Self.mostPending else {
      throw WireFailure(.tooMany, "too many requests wait for the index", retryAfter: 1)
    }
    let address = address
    let result: Result<Reply, WireFailure> = await withCheckedContinuation { continuation in
      let once = OnceContinuation(continuation)
      let timer = loop.scheduleTask(in: patience) {
        once.resume(.failure(WireFailure(.unavailable, "the index at \(address) does not answer")))
      }
      submit(request) { _, reply in
        timer.cancel()
        once.resume(Result { () throws(WireFailure) in try read(try reply.get()) })
      }
    }
    return try result.get()
  }

  private func waitForConnection(_ patience: TimeAmount) async -> Bool {
    if machine.isConnected { return true }
    if case .stopped = machine.state { return false }
    nextWaiter += 1
    let id = nextWaiter
    return await withCheckedContinuation { continuation in
      waiters.append(Waiter(id: id, continuation: continuation))
      loop.scheduleTask(in: patience) { self.assumeIsolated { $0.giveUp(waiter: id) } }
    }
  }

  private func giveUp(waiter id: Int) {
    guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
    waiters.remove(at: index).continuation.resume(returning: false)
  }

  // MARK: What we share

  /// Tells the index of new documents.
  ///
  /// - Returns: whether the index acknowledged all of them in time; what it did not is announced at the next connection.
  package func announce(_ documents: [Document]) async -> Bool {
    for document in documents { withdrawn.remove(.init(key: document.key, content: document.content)) }
    let deadline = NIODeadline.now() + patience.acknowledgement
    guard await waitForConnection(patience.acknowledgement) else { return false }
    for batch in batches(documents) {
      let left = max(deadline - .now(), .milliseconds(1))
      do throws(WireFailure) { try await add(Array(batch), within: left) } catch { return false }
    }
    return true
  }

  /// Tells the index that records are no more.
  package func withdraw(_ records: [IndexRequest.RecordID]) async -> Bool {
    if announcement != nil { withdrawn.formUnion(records) }
    guard machine.isConnected else { return false }
    var isAcknowledged = true
    for start in stride(from: 0, to: records.count, by: 250) {
      let batch = Array(records[start..<min(start + 250, records.count)])
      do throws(WireFailure) {
        try await exchange(.remove(batch), within: patience.acknowledgement) { _ in }
      } catch {
        isAcknowledged = false
      }
    }
    return isAcknowledged
  }

  private func add(_ documents: [Document], within patience: TimeAmount) async throws(WireFailure) {
    let valid = documents.filter { !withdrawn.contains(.init(key: $0.key, content: $0.content)) }
    guard !valid.isEmpty else { return }
    try await exchange(.add(valid), within: patience) { _ in }
  }

  private func batches(_ documents: [Document]) -> [ArraySlice<Document>] {
    let defaults = IndexLimits()
    return AnnouncementBatches.cut(
      documents, most: greeting?.batch ?? defaults.batch, bytes: greeting?.line ?? defaults.line)
  }

  /// Tells the index everything once more, after it did not acknowledge in time; without a connection the next one does.
  package func announceAgain() {
    guard machine.isConnected, announcement == nil else { return }
    announcement = Task { await announceAll() }
  }

  private func announceAll() async {
    let generation = generation
    var cursor: AnnouncementCursor?
    repeat {
      guard let page = await source.page(after: cursor), generation == self.generation else { return }
      await withTaskGroup(of: Bool.self) { group in
        var underWay = 0
        for batch in batches(page.documents) {
          if underWay == Self.announcementWindow {
            _ = await group.next()
          } else {
            underWay += 1
          }
          group.addTask { await self.announced(Array(batch), generation: generation) }
        }
      }
      cursor = page.next
    } while cursor != nil && generation == self.generation
    if generation == self.generation {
      announcement = nil
      withdrawn = []
      logger.debug("announced everything")
    }
  }

  private func announced(_ documents: [Document], generation: Int) async -> Bool {
    guard generation == self.generation else { return false }
    do throws(WireFailure) {
      try await add(documents, within: patience.answer)
      return true
    } catch {
      logger.warning("index takes no announcement", metadata: ["error": "\(error)"])
      return false
    }
  }
}
