// SPDX-License-Identifier: Apache-2.0

import Dispatch
package import DocumentIndex
import DocumentModel
import Glibc
package import LineTransport
package import NIOCore
import NIOPosix
import ProcessSupport
import Synchronization
package import WireProtocol

/// The index that all connections share, and what every session needs to know about it.
///
/// An operation holds its lock for microseconds, and a slice of a long one for a fraction of a millisecond, so a lock costs
/// less than a hop to an owner.
package final class IndexService: Sendable {
  fileprivate struct Watcher {
    /// The number of the watch in its session.
    let number: Int
    let outbox: WatchOutbox
    let block: AddressBlock?
  }

  struct Shared {
    let index: DocumentIndex
    fileprivate var watchers: [WatchID: Watcher] = [:]
    fileprivate var watchersOfBlocks = BlockCounts()
    fileprivate var lastWatch: UInt64 = 0
    /// When the first of the closed sessions that are not cleared away was closed.
    fileprivate var closed: NIODeadline?
    /// Whether a loop takes turns to clear.
    fileprivate var isClearing = false
    fileprivate var freed = FreedMemory()

    /// What is freed when all have left: of a connection, some buffers.
    fileprivate var bytes: Int { index.bytes + index.statistics.sessions * 8 * 1024 }

    fileprivate mutating func unwatch(_ watch: WatchID) {
      guard let watcher = watchers.removeValue(forKey: watch) else { return }
      if let block = watcher.block { watchersOfBlocks.subtract(block) }
      index.unwatch(watch)
    }
  }

  /// Event loops that serve an index: more would cost more than they bring.
  package static let loops = 2

  private let currentLimits: Mutex<IndexLimits>
  /// Changes with each change of the limits.
  private let limitsVersion = Atomic<UInt>(0)
  private let readers = Mutex<[ObjectIdentifier: NIOLoopBound<IndexReader>]>([:])
  private let holderAddresses: Mutex<HolderAddresses>
  /// Seconds since 1970.
  let wallClock: @Sendable () -> Int64
  /// `nil` in an open network.
  let network: ClosedNetwork?
  let rates = ClientRates()
  let refusals: RefusalLedger
  let ids = ProvenIDs()
  /// Whether plain clients are told to connect by TLS.
  private let demandsTLS = Atomic<Bool>(false)
  let delays = LoopDelays()
  /// From a change to the moment when the system has taken the event about it.
  let freshness = RecentDelays()
  /// From the end of a session to the moment when nothing counts it any more.
  let departures = RecentDelays()
  let watchBudget = WatchBudget()
  private let shared: SharedState<Shared>
  // Used under the lock only, as a constant here: every look-up would count a reference to it.
  nonisolated(unsafe) private let index: DocumentIndex
  private let lastSession = Atomic<UInt64>(0)
  /// One at a time, so that the loops keep the other processors.
  private let decoder = DispatchQueue(label: "p2p-index.decoder")

  /// - Parameter report: gets a line for the log when requests or connections are refused.
  package init(
    limits: IndexLimits = IndexLimits(), addresses: HolderAddresses = HolderAddresses(), network: ClosedNetwork? = nil,
    wallClock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) },
    report: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    index = DocumentIndex()
    shared = SharedState(Shared(index: index), readers: IndexService.loops)
    currentLimits = Mutex(limits)
    holderAddresses = Mutex(addresses)
    refusals = RefusalLedger(report: report)
    self.wallClock = wallClock
    self.network = network
  }

  /// Begins to serve.
  ///
  /// - Parameters:
  ///   - tls: what is offered besides plain lines.
  ///   - demandsTLS: whether the replies to `hello` on plain connections ask for TLS.
  ///   - refusals: maximum number of refusals sent at a time.
  ///   - report: gets a line for the log when connections are refused or cannot be accepted.
  /// - Throws: the errno of bind(2) or listen(2) as `IOError`, or `ListenerError`.
  package func serve(
    at listener: LineServer.Listener, group: any EventLoopGroup, tls: TLSOffer? = nil, demandsTLS: Bool = false,
    refusals: Int = 64, report: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> LineServer {
    let limits = limits
    // An address may have a whole line, however little memory there is.
    let memory = (limits.lineMemory, limits.memoryPerAddress.map { max($0 / 8, 2 * limits.line) })
    let gate = ConnectionGate(
      limit: limits.connections, limitOfAddress: limits.connectionsPerAddress, refusalLimit: refusals,
      replacesOldest: true, input: LineBudget(limit: memory.0, limitOfBlock: memory.1),
      output: LineBudget(limit: memory.0, limitOfBlock: memory.1))
    var line = LineLimits(line: limits.line)
    line.lineTime = .seconds(Int64(limits.lineTime))
    delays.measure(group)
    self.demandsTLS.store(tls != nil && demandsTLS, ordering: .relaxed)
    return try await LineServer.start(
      listener, group: group, limits: line, gate: gate, tls: tls, report: report,
      onRefusal: { [self] refusal, address in
        if let name = refusal.limitName { self.refusals.note(name, of: address?.hostText) }
      }
    ) { [decoder] _ in IndexRole(service: self, decoder: decoder) }
  }

  /// - Parameter isPlain: whether the connection has no TLS.
  /// - Returns: `nil` if the reply to `hello` does not speak of TLS.
  func asksForTLS(isPlain: Bool) -> Bool? {
    isPlain && demandsTLS.load(ordering: .relaxed) ? true : nil
  }

  /// Those of connections are of the start; others change with the configuration.
  package var limits: IndexLimits {
    get { currentLimits.withLock { $0 } }
    set {
      currentLimits.withLock { $0 = newValue }
      limitsVersion.wrappingAdd(1, ordering: .releasing)
    }
  }

  /// For the calling event loop.
  func reader(of loop: any EventLoop) -> IndexReader {
    let version = limitsVersion.load(ordering: .acquiring)
    let bound = readers.withLock { readers in
      if let known = readers[ObjectIdentifier(loop)] { return known }
      let reader = IndexReader(number: readers.count, loop: loop, limits: limits, version: version)
      let new = NIOLoopBound(reader, eventLoop: loop)
      readers[ObjectIdentifier(loop)] = new
      return new
    }
    return bound.value
  }

  /// The limits as they are, without a lock unless they have changed.
  @inline(__always)
  func limits(for reader: IndexReader) -> IndexLimits {
    refresh(reader)
    return reader.limits
  }

  /// Brings its copy of the limits up to date.
  @inline(__always)
  func refresh(_ reader: IndexReader) {
    let version = limitsVersion.load(ordering: .acquiring)
    if reader.version != version { (reader.limits, reader.version) = (limits, version) }
  }

  /// For sessions that begin from now on.
  package var addresses: HolderAddresses {
    get { holderAddresses.withLock { $0 } }
    set { holderAddresses.withLock { $0 = newValue } }
  }

  /// A number that no other session of this index has had.
  func newSession() -> SessionID {
    SessionID(lastSession.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  /// Answers a question; others are answered at the same time.
  @inline(__always)
  func read<Result>(_ reader: IndexReader, _ body: (DocumentIndex) -> Result) -> Result {
    shared.read(reader.number) { body(index) }
  }

  func withIndex<Result>(_ body: (DocumentIndex) -> Result) -> Result {
    shared.change { shared in
      let result = body(shared.index)
      if shared.index.hasEvents { tellWatchers(&shared) }
      return result
    }
  }

  package var statistics: IndexStatistics {
    withIndex { $0.statistics }
  }

  /// Memory of the index, in bytes.
  package var bytes: Int {
    withIndex { $0.bytes }
  }

  package var watchCount: Int {
    withIndex { $0.watchCount }
  }

  /// What watchers have not been told yet, in bytes.
  package var untoldBytes: Int { watchBudget.bytes }

  /// Whether nothing of closed sessions is left.
  package var isClear: Bool {
    withIndex { !$0.needsClearing }
  }

  /// Forgets a session; what it has added is gone from all answers.
  func close(_ session: SessionID) {
    let now = NIODeadline.now()
    let givesBack = shared.change { shared in
      shared.freed.willFree(from: shared.bytes)
      _ = shared.index.close(session)
      if shared.index.needsClearing { shared.closed = shared.closed ?? now }
      return shared.freed.shouldGiveBack(shared.bytes)
    }
    if givesBack { giveBackMemory() }
  }

  // MARK: Watches

  /// - Parameter block: what the watch is counted for, if it is.
  func watch(
    _ subject: WatchSubject, number: Int, _ outbox: WatchOutbox, of block: AddressBlock?
  ) throws(WatchRefusal) -> WatchID {
    let (limits, bytes) = (limits, DocumentIndex.bytes(of: subject))
    let result = shared.change { shared -> Result<WatchID, WatchRefusal> in
      guard shared.index.bytes + bytes <= limits.recordMemory else {
        return .failure(.tooMuchMemory(limit: limits.memory))
      }
      guard shared.index.watchCount < limits.watchesTotal else {
        return .failure(.tooMany(limit: limits.watchesTotal))
      }
      if let block {
        guard shared.watchersOfBlocks.hasRoom(for: block, limit: limits.watchesPerAddress) else {
          return .failure(.tooManyOfAddress(limit: limits.watchesPerAddress))
        }
        if let limit = limits.memoryPerAddress,
          !shared.watchersOfBlocks.hasRoom(for: block, limit: max(1, limit / bytes))
        {
          return .failure(.tooMuchMemoryOfAddress(limit: limit))
        }
        shared.watchersOfBlocks.add(block)
      }
      shared.lastWatch += 1
      let id = WatchID(shared.lastWatch)
      shared.watchers[id] = Watcher(number: number, outbox: outbox, block: block)
      shared.index.watch(id, subject, holderLimit: limits.holders)
      return .success(id)
    }
    return try result.get()
  }

  func unwatch(_ watches: [WatchID]) {
    let givesBack = shared.change { shared in
      shared.freed.willFree(from: shared.bytes)
      for watch in watches { shared.unwatch(watch) }
      return shared.freed.shouldGiveBack(shared.bytes)
    }
    if givesBack { giveBackMemory() }
  }

  /// Tells a slice of the state of a watch.
  /// - Returns: whether all of it is told.
  func tell(_ watch: WatchID, using generator: inout SampleGenerator) -> Bool {
    withIndex { $0.tell(watch, using: &generator) }
  }

  /// - Returns: whether there may be more.
  func reconcile(_ watch: WatchID) -> Bool {
    withIndex { $0.reconcile(watch) }
  }

  private func tellWatchers(_ shared: inout Shared) {
    let now = NIODeadline.now()
    let total = limits.watchMemory
    for (watch, event) in shared.index.takeEvents() {
      guard let watcher = shared.watchers[watch],
        !watcher.outbox.push(event, of: watcher.number, at: now, total: total)
      else { continue }
      shared.unwatch(watch)
    }
  }

  // MARK: Clearing

  /// A slice of clearing: others wait for the lock no longer.
  private static let clearingSlice = TimeAmount.microseconds(300)
  /// Records between two looks at the clock.
  private static let clearingStep = 32

  /// Clears away what closed sessions have left, if nobody does it already, in turns with the connections of a loop.
  func clear(in turns: LoopTurns) {
    let begins = shared.change { shared in
      guard shared.index.needsClearing, !shared.isClearing else { return false }
      shared.isClearing = true
      shared.freed.willFree(from: shared.bytes)
      return true
    }
    guard begins else { return }
    turns.take { [self] in clearSlice(until: turns.now + Self.clearingSlice, turns) }
  }

  /// - Returns: whether there is more to do.
  private func clearSlice(until end: NIODeadline, _ turns: LoopTurns) -> Bool {
    let (isDone, givesBack) = shared.change { shared -> (Bool, Bool) in
      repeat {
        shared.index.clear(Self.clearingStep)
        if shared.index.hasEvents { tellWatchers(&shared) }
      } while shared.index.needsClearing && turns.now < end
      let givesBack = shared.freed.shouldGiveBack(shared.bytes)
      guard !shared.index.needsClearing else { return (false, givesBack) }
      shared.isClearing = false
      if let closed = shared.closed.take() { departures.note(turns.now - closed, at: turns.now) }
      return (true, givesBack)
    }
    if givesBack { giveBackMemory() }
    return !isDone
  }

  /// On a thread of its own: it takes long.
  private func giveBackMemory() {
    NIOSingletons.posixBlockingThreadPool.submit { [self] state in
      guard case .active = state else { return }
      let start = NIODeadline.now()
      ProcessResources.giveBackMemory()
      shared.change { $0.freed.gaveBack(in: NIODeadline.now() - start, $0.bytes) }
    }
  }
}

/// Why the index refuses a watch.
enum WatchRefusal: Error {
  case tooMany(limit: Int)
  case tooManyOfAddress(limit: Int)
  /// The index may use no more memory.
  case tooMuchMemory(limit: Int)
  /// The same for the share of one address.
  case tooMuchMemoryOfAddress(limit: Int)
}

extension ConnectionRefusal {
  /// As in the limits of `hello`.
  fileprivate var limitName: String? {
    switch self {
    case .tooMany: "connections"
    case .tooManyOfAddress: "connections_per_address"
    case .lineMemory: "line_memory"
    case .plain: nil
    }
  }
}
