// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import DocumentModel
import Glibc
import LineJSON
import LineTransport
package import Logging
package import NIOCore
import Synchronization
package import WireProtocol

/// The connection of this peer to its index: connects, reconnects, announces the shares and carries the requests of the
/// whole daemon.
///
/// Confined to the event loop of the connection.
package actor IndexLink {
  package struct Timeout: Sendable {
    package var connect = TimeAmount.seconds(5)
    /// Of TLS: when all peers of an index come back at once, each waits for its turn.
    package var handshake = TimeAmount.seconds(20)
    /// How long a request waits for a connection.
    package var connection = TimeAmount.seconds(5)
    /// How long a request waits for its reply.
    package var answer = TimeAmount.seconds(10)
    /// How long `add` and `remove` wait for their replies, including the wait for a connection.
    package var acknowledgement = TimeAmount.seconds(5)
    /// How long the addresses of a ticket are tried, all together.
    package var join = TimeAmount.seconds(10)

    package init() {}
  }

  package struct Status: Sendable {
    package let address: Endpoint
    package let isConnected: Bool
    /// Seconds since 1970 when `isConnected` last changed.
    package let since: Int64
    /// The reply to `hello`, while connected.
    package let greeting: IndexHelloReply?
    /// Why there is no connection, or why the index does not know all shares; `nil` before the end of the first try.
    package let error: String?
    /// The id that the index has proven, or has to prove; `nil` if none is known.
    package let id: PeerID?
    /// Whether the connection is by TLS, so that others reach this peer by TLS.
    package let isProven: Bool
    /// How this peer stands in a closed network, while connected.
    package let standing: MemberStanding?
    /// The network of the connection; `nil` while there is none.
    package let network: Home?
  }

  /// Receives the reply, which is valid during the call only, or the failure.
  typealias Finish = (isolated IndexLink, Result<JSONObject, WireFailure>) -> Void

  struct Pending {
    let id: Int64
    let sent: NIODeadline
    /// Called once.
    let finish: Finish
  }

  struct Waiter {
    let id: Int
    /// Whether it waits for the end of one try only.
    let isHasty: Bool
    let continuation: CheckedContinuation<Bool, Never>
    let timer: Scheduled<Void>

    func resume(_ isConnected: Bool) {
      timer.cancel()
      continuation.resume(returning: isConnected)
    }
  }

  /// Documents to announce, in the order of the catalogue.
  package struct SharesPage: Sendable {
    package let documents: [Document]
    /// Where the next page begins; `nil` for the last page.
    package let next: DocumentID?

    package init(documents: [Document], next: DocumentID?) {
      self.documents = documents
      self.next = next
    }
  }

  /// Reads a page of what is shared; `nil` if the catalogue cannot be read.
  package typealias Shares = @Sendable (_ position: DocumentID?) async -> SharesPage?

  /// Maximum number of requests under way, without announcements.
  static let maxPending = 1024
  /// In bytes.
  static let maxReplyLength = IndexLimits().line * 2
  /// A connection that lasted this long ends an outage.
  static let lastingConnection = TimeAmount.seconds(30)
  /// Before the next connection to an index whose replies are too long, in seconds: they will be so again.
  private static let brokenIndexPause = 10

  package nonisolated let loop: any EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

  private(set) var hello: IndexHello
  let shares: Shares
  let timeout: Timeout
  let logger: Logger
  /// `nil` for plain connections only.
  let trust: IndexTrust?
  /// How this peer stands in the network of its index.
  nonisolated let passes: PassKeeper
  /// Whether the index at the address, on this machine, has asked for TLS.
  var demandsTLS = false
  /// What requests get as long as there is no connection, because only a person can change something.
  var refusal: WireFailure?
  /// If that is because the index has another id than the known one.
  var otherIndex: PeerID?
  private let connectedFrom: @Sendable (_ own: OwnAddress) -> Void
  private let place: @Sendable (Endpoint) -> IndexPlace
  let arrived: Arrived
  let networkKnown: @Sendable () -> Void
  private(set) var address: Endpoint
  var machine = IndexLinkMachine()
  var random: any RandomNumberGenerator & Sendable
  private(set) var connection: (any LineConnection)?
  private(set) var generation = 0
  var nextID: Int64 = 1
  var pending: [Pending] = []
  var waiters: [Waiter] = []
  var nextWaiter = 0
  private var firstTry: [CheckedContinuation<Void, Never>] = []
  var greeting: IndexHelloReply?
  private nonisolated let isLocal = Atomic<Bool>(false)
  var announcing = AnnouncementMachine()
  var announcement: Task<Void, Never>?
  var retryTimer: Scheduled<Void>?
  /// Withdrawn while the announcement runs: pages that were read before must not bring it back.
  var withdrawn: Set<DocumentID> = []
  var withdrawals = PendingWithdrawals()
  var refused = RefusedDocuments()
  var refusedTimer: Scheduled<Void>?
  var watching = WatchMachine()
  /// Owners of subscriptions that wait for news.
  var owners: [WatchMachine.ID: CheckedContinuation<[WatchMachine.News]?, Never>] = [:]
  /// Why the index does not know everything, while there is a connection.
  var announcementError: String?
  var heartbeat: RepeatedTask?
  /// Wall-clock time, read once: a later conversion of a monotonic time would differ from call to call.
  var since: Int64
  let wallClock: @Sendable () -> Int64
  /// Why there is no connection now, and what requests get if that is a limit of the index.
  var lastError: String? { didSet { if lastError == nil { turnedAway = nil } } }
  var turnedAway: WireFailure?
  /// An outage is logged once, not at each try.
  var warnings = RepeatedWarnings()
  var connectedAt = NIODeadline.now()
  /// The end of the connection is this side's own doing.
  private(set) var isLeaving = false

  /// - Parameters:
  ///   - connectedFrom: gets the address from which each connection to the index is made.
  ///   - place: where an index is.
  ///   - networkKnown: called when the index has said whether this peer belongs to its network.
  package init(
    address: Endpoint, hello: IndexHello, shares: @escaping Shares, loop: any EventLoop, logger: Logger,
    timeout: Timeout = Timeout(), trust: IndexTrust? = nil, passes: PassKeeper = PassKeeper(),
    wallClock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) },
    random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
    connectedFrom: @escaping @Sendable (_ own: OwnAddress) -> Void = { _ in },
    place: @escaping @Sendable (Endpoint) -> IndexPlace = { IndexPlace($0.description) },
    arrived: @escaping Arrived = { _, _ in nil }, networkKnown: @escaping @Sendable () -> Void = {}
  ) {
    self.address = address
    self.hello = hello
    self.shares = shares
    self.loop = loop
    self.logger = logger
    self.timeout = timeout
    self.trust = trust
    self.passes = passes
    self.wallClock = wallClock
    since = wallClock()
    self.random = random
    self.connectedFrom = connectedFrom
    self.place = place
    self.arrived = arrived
    self.networkKnown = networkKnown
  }

  // MARK: Life

  package func start() {
    carryOut(machine.start())
  }

  package func stop() {
    carryOut(machine.stop())
    for waiter in waiters { waiter.resume(false) }
    waiters = []
    endSubscriptions()
  }

  /// Returns when the first try to connect has ended: connected, failed or stopped.
  package func firstTryEnded() async {
    guard !machine.hasTried else { return }
    await withCheckedContinuation { firstTry.append($0) }
  }

  package func use(_ address: Endpoint) {
    (demandsTLS, refusal) = (false, nil)
    guard address != self.address else {
      // Its id may have been changed.
      let isRight = trust?.known(address).map { $0 == connection?.provenPeer } ?? true
      guard !machine.isConnected || !isRight else { return }
      passes.turn(to: place(address))
      return carryOut(machine.retarget())
    }
    logger.info("changing index", metadata: ["address": "\(address)", "previous": "\(self.address)"])
    self.address = address
    passes.turn(to: place(address))
    lastError = nil
    warnings = RepeatedWarnings()
    carryOut(machine.retarget())
  }

  /// Changes the address that others use to reach this peer; reconnects to announce it.
  package func advertise(_ address: HostAddress?) {
    guard address != hello.advertise else { return }
    hello = IndexHello(peer: hello.peer, name: hello.name, port: hello.port, advertise: address)
    carryOut(machine.retarget())
  }

  /// Whether the last index that was connected is on this machine.
  nonisolated var isIndexLocal: Bool { isLocal.load(ordering: .relaxed) }

  package var status: Status {
    Status(
      address: address, isConnected: isConnected, since: since, greeting: greeting,
      error: lastError ?? outsideError ?? announcementError ?? refusedError,
      id: connection?.provenPeer ?? trust?.known(address), isProven: connection?.provenPeer != nil,
      standing: greeting?.standing, network: network)
  }

  /// Waits for a connection, at most `timeout.connection`.
  package func isConnectedInTime() async -> Bool {
    await waitForConnection(timeout.connection)
  }

  func carryOut(_ action: IndexLinkMachine.Action) {
    switch action {
    case .nothing: break
    case .connect: connect()
    case .sayHello: sayHello()
    case .announce: begin()
    case .wait(let duration):
      loop.scheduleTask(in: TimeAmount(duration)) { self.assumeIsolated { $0.carryOut($0.machine.timerFired()) } }
    case .disconnect:
      isLeaving = connection != nil
      connection?.abort()
    }
    if machine.hasTried {
      for continuation in firstTry { continuation.resume() }
      firstTry = []
    }
  }

  private func connect() {
    generation += 1
    let generation = generation
    let limits = LineLimits(line: Self.maxReplyLength)
    LineClient.connect(
      host: address.host, port: address.port, on: loop, limits: limits, timeout: timeout.connect, tls: tls
    ) { _ in IndexLinkRole(link: self, generation: generation) }
    .whenFailure { error in
      self.assumeIsolated { $0.failedToConnect(error, generation: generation) }
    }
  }

  private func failedToConnect(_ error: any Error, generation: Int) {
    guard generation == self.generation, connection == nil else { return }
    let problem = (error as? TLSFailure).map { IndexTLSProblem($0, at: address) }
    let reason = problem?.message ?? ConnectFailure.explain(error)
    note(reason, problem?.limit, retryAfter: problem?.retryAfter)
    logOnce("index not reached", lastError)
    if let refusal = problem?.refusal { refuse(refusal, found: problem?.found) }
    endHastyWaits()
    carryOut(machine.lost(at: .now(), retryAfter: problem?.retryAfter, using: &self.random))
  }

  // MARK: Events of the connection

  func opened(_ connection: NIOLoopBound<any LineConnection>, generation: Int) {
    guard generation == self.generation else { return connection.value.abort() }
    self.connection = connection.value
    lastError = nil
    let (remote, local) = (connection.value.remoteAddress, connection.value.localAddress)
    isLocal.store(remote?.isLoopback ?? false || remote?.hostText == local?.hostText, ordering: .relaxed)
    if let own = local?.hostText { connectedFrom(OwnAddress(index: address, host: own)) }
    carryOut(machine.connected())
  }

  /// - Returns: false to close the connection.
  func received(_ line: UnsafeRawBufferPointer, generation: Int) -> Bool {
    guard generation == self.generation else { return false }
    do {
      let event = try LineScratch.current.reader.read(line) { message in
        let event = try WatchEvent.read(message)
        if event == nil { try answered(message) }
        return event
      }
      if let event { carryOut(watching.received(event, size: line.count, at: .now())) }
    } catch {
      breakOff("malformed reply from the index", "\(error)")
    }
    return generation == self.generation
  }

  /// The index answers the oldest request.
  private func answered(_ reply: JSONObject) throws(WireFailure) {
    let failure = try WireFailure(reply: reply)
    // A refusal of the whole connection has no id: the index is full, or the supervisor answers in its place.
    let isOfSession = failure != nil && reply["id"]?.kind == .null
    if isOfSession, let failure, pending.isEmpty { return ended(failure) }
    guard let request = pending.first, isOfSession || reply["id"]?.integer == request.id
    else { throw WireFailure.badRequest("reply out of order") }
    pending.removeFirst()
    request.finish(self, failure.map { .failure($0) } ?? .success(reply))
  }

  /// Ends a connection to an index that breaks the protocol.
  func breakOff(_ error: String, _ reason: String) {
    if !pending.isEmpty { pending.removeFirst().finish(self, .failure(WireFailure(.unavailable, error))) }
    guard connection != nil else { return }
    lastError = error
    logOnce(error, reason)
    lose(retryAfter: nil)
  }

  /// A line longer than the limit has come, in the place of a reply.
  func receivedTooLong(generation: Int) {
    guard generation == self.generation else { return }
    let reason = "a reply of the index is longer than \(Self.maxReplyLength) bytes"
    if !pending.isEmpty { pending.removeFirst().finish(self, .failure(WireFailure(.unavailable, reason))) }
    guard generation == self.generation else { return }
    lastError = reason
    logOnce("reply from index too long", reason)
    lose(retryAfter: Self.brokenIndexPause)
  }

  func closed(generation: Int) {
    guard generation == self.generation else { return }
    forgetOldWarnings()
    let isGreeting = machine.state == .greeting
    if lastError == nil, !isLeaving {
      lastError = isGreeting ? "the index closed the connection before it answered" : "the index closed the connection"
      logOnce(isGreeting ? "index did not answer hello" : "connection to index lost", lastError)
    }
    lose(retryAfter: nil)
  }

  func lose(retryAfter: Int?) {
    if machine.isConnected { since = wallClock() } else { endHastyWaits() }
    drop()
    carryOut(machine.lost(at: .now(), retryAfter: retryAfter, using: &self.random))
  }

  /// Ends the connection and what depends on it.
  func drop() {
    // First: the connection reports its end during the abort, which must not count as a second loss.
    generation += 1
    connection?.abort()
    connection = nil
    isLeaving = false
    if isOutside { refusal = nil }
    greeting = nil
    passes.disconnected()
    if !passes.isClosed {
      // It may come back as that of a closed network, and another one may come up at its address.
      passes.turn(to: place(address))
      _ = arrived(address, passes.homeOfNew)
    }
    announcing.disconnected()
    announcement?.cancel()
    announcement = nil
    retryTimer?.cancel()
    retryTimer = nil
    announcementError = nil
    refused = RefusedDocuments()
    refusedTimer?.cancel()
    refusedTimer = nil
    heartbeat?.cancel()
    heartbeat = nil
    carryOut(watching.disconnected())
    let abandoned = pending
    pending = []
    for request in abandoned {
      request.finish(self, .failure(WireFailure(.unavailable, "connection to the index lost")))
    }
  }
}
