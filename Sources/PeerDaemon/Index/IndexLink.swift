// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON
import LineTransport
package import Logging
package import NIOCore
import Synchronization
package import WireProtocol

/// The one connection of this peer to its index: makes it, keeps it, announces everything that is shared over it, and
/// carries the requests of everybody in the daemon.
///
/// Runs on one event loop, together with the lines that it reads and writes.
package actor IndexLink {
  /// How long things may take.
  package struct Timeout: Sendable {
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
    /// What the index said of itself and of us, while there is a connection.
    package let greeting: IndexHelloReply?
    /// Why there is no connection; `nil` where there is one, and before the first try has ended.
    package let error: String?
  }

  /// Takes a reply, valid during the call only, or why there is none.
  typealias Finish = (isolated IndexLink, Result<JSONObject, WireFailure>) -> Void

  struct Pending {
    let id: Int64
    let sent: NIODeadline
    /// Called once.
    let finish: Finish
  }

  struct Waiter {
    let id: Int
    let continuation: CheckedContinuation<Bool, Never>
    let timer: Scheduled<Void>

    func resume(_ isConnected: Bool) {
      timer.cancel()
      continuation.resume(returning: isConnected)
    }
  }

  /// Requests that may be under way at once, the announcement not counted.
  static let maxPending = 1024

  package nonisolated let loop: any EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

  private var hello: IndexHello
  let source: any AnnouncementSource
  let timeout: Timeout
  let logger: Logger
  private(set) var address: Endpoint
  private(set) var machine = IndexLinkMachine()
  private var random: any RandomNumberGenerator & Sendable
  private(set) var connection: (any LineConnection)?
  private(set) var generation = 0
  var nextID: Int64 = 1
  var pending: [Pending] = []
  var waiters: [Waiter] = []
  var nextWaiter = 0
  private var firstTry: [CheckedContinuation<Void, Never>] = []
  private(set) var greeting: IndexHelloReply?
  private nonisolated let isLocal = Atomic<Bool>(false)
  var announcement: Task<Void, Never>?
  /// What was withdrawn while the announcement ran: pages that were read before must not bring it back.
  var withdrawn: Set<IndexRequest.RecordID> = []
  private var heartbeat: RepeatedTask?
  private var since = NIODeadline.now()
  /// Why there is no connection now.
  private(set) var trouble: String?
  /// What was said last of an index that does not do what it should: an outage is told once, not at each try.
  private var complaint = ""

  package init(
    address: Endpoint, hello: IndexHello, source: any AnnouncementSource, loop: any EventLoop, logger: Logger,
    timeout: Timeout = Timeout(), random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    self.address = address
    self.hello = hello
    self.source = source
    self.loop = loop
    self.logger = logger
    self.timeout = timeout
    self.random = random
  }

  // MARK: Life

  package func start() {
    carryOut(machine.start())
  }

  package func stop() {
    carryOut(machine.stop())
    for waiter in waiters { waiter.resume(false) }
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
    trouble = nil
    carryOut(machine.retarget())
  }

  /// Says hello anew where others shall reach us under another address from now on.
  package func advertise(_ address: HostAddress?) {
    guard address?.text != hello.advertise else { return }
    hello = IndexHello(peer: hello.peer, name: hello.name, port: hello.port, advertise: address?.text)
    carryOut(machine.retarget())
  }

  /// Whether the index that was reached last is on this machine.
  nonisolated var isIndexLocal: Bool { isLocal.load(ordering: .relaxed) }

  package var status: Status {
    Status(address: address, isConnected: machine.isConnected, since: since, greeting: greeting, error: trouble)
  }

  /// Whether there is a connection, as soon as there is one, or at the end of what one waits for it.
  package func isConnectedInTime() async -> Bool {
    await waitForConnection(timeout.connection)
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
      host: address.host, port: address.port, on: loop, limits: limits, timeout: timeout.connect
    ) { _ in IndexLinkRole(link: self, generation: generation) }
    .whenFailure { error in
      self.assumeIsolated { $0.failedToConnect(error, generation: generation) }
    }
  }

  private func failedToConnect(_ error: any Error, generation: Int) {
    guard generation == self.generation, connection == nil else { return }
    trouble = ConnectFailure.explain(error)
    complain("index not reached", ConnectFailure.explain(error))
    carryOut(machine.lost(at: .now(), using: &random))
  }

  // MARK: Events of the connection

  func opened(_ connection: NIOLoopBound<any LineConnection>, generation: Int) {
    guard generation == self.generation else { return connection.value.abort() }
    self.connection = connection.value
    trouble = nil
    let (remote, local) = (connection.value.remoteAddress, connection.value.localAddress)
    isLocal.store(remote?.isLoopback ?? false || remote?.hostText == local?.hostText, ordering: .relaxed)
    carryOut(machine.connected())
  }

  /// - Returns: false where the connection is of no more use.
  func received(_ line: UnsafeRawBufferPointer, generation: Int) -> Bool {
    guard generation == self.generation, !pending.isEmpty else { return false }
    let request = pending.removeFirst()
    do {
      try LineScratch.current.reader.read(line) { reply in
        let failure = try WireFailure(reply: reply)
        // A refusal of the whole connection, by an index that is full or by a supervisor in place of one, has no id.
        guard reply["id"]?.integer == request.id || (failure != nil && reply["id"]?.kind == .null) else {
          throw WireFailure.badRequest("an answer out of order")
        }
        if let failure {
          request.finish(self, .failure(failure))
        } else {
          request.finish(self, .success(reply))
        }
      }
      return true
    } catch {
      request.finish(self, .failure(WireFailure(.unavailable, "the index answers what cannot be read")))
      trouble = "what answers there does not speak the protocol"
      complain("index answers nonsense", "\(error)")
      return false
    }
  }

  private func complain(_ what: String, _ reason: String) {
    logger.log(
      level: what == complaint ? .debug : .warning, "\(what)",
      metadata: ["address": "\(address)", "reason": "\(reason)"])
    complaint = what
  }

  func closed(generation: Int) {
    guard generation == self.generation else { return }
    if trouble == nil { trouble = "the index closed the connection" }
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
        link.greeting = try link.understood(reply.get(), IndexHelloReply.init)
        link.carryOut(link.machine.greeted(at: .now()))
      } catch {
        if link.trouble == nil { link.trouble = error.message }
        link.complain("index refuses us", error.message)
        link.lose(retryAfter: error.retryAfter ?? 1)
      }
    }
    scheduleHeartbeat(every: .seconds(3))
  }

  private func begin() {
    since = .now()
    complaint = ""
    trouble = nil
    logger.info("connected to index", metadata: ["address": "\(address)"])
    if greeting?.isAdvertised == false {
      logger.warning(
        "the index does not let us advertise: its allow_advertise must name the address",
        metadata: ["advertise": "\(hello.advertise ?? "")", "seen": "\(greeting?.host ?? "")"])
    }
    scheduleHeartbeat(every: .milliseconds(Int64(greeting?.idle ?? 10) * 1000 / 3))
    for waiter in waiters { waiter.resume(true) }
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
      trouble = "the index has stopped answering"
      complain("index does not answer", "no answer within \((interval * 3).nanoseconds / 1_000_000_000) s")
      return lose(retryAfter: nil)
    }
    if machine.isConnected { submit(.ping) { _, _ in } }
  }
}
