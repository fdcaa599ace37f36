// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import NIOCore
import WireProtocol

/// The connections over which one download fetches small documents: a few for each holder, kept until its end.
actor BatchSources {
  /// Idle ones are closed beyond this number.
  private static let maxConnections = 16

  private struct Open {
    let connection: NIOLoopBoundBox<BatchConnection?>
    let loop: any EventLoop
    /// By TLS.
    let isProven: Bool
    var isBusy = false
  }

  private let identity: (id: PeerID, name: PeerName)
  private let transport: TransportIdentity?
  private let pass: @Sendable () -> SignedPass?
  private let isClosed: @Sendable () -> Bool
  private let group: any EventLoopGroup
  private let timeout: SourceTimeout
  private let mayBeLocal: @Sendable () -> Bool
  /// Between two tries of a holder that was lost, and how long it may take to come back.
  static let pause = Duration.seconds(1)
  private static let patience = Duration.seconds(8)

  /// When a holder was lost first and last, without anything from it in between.
  private struct Loss {
    let first: ContinuousClock.Instant
    var last: ContinuousClock.Instant
  }

  /// In this round.
  private var lost: [HolderID: Loss] = [:]
  private var budget = HolderBudget()
  private let limit: (limiter: RateLimiter, transfer: TransferHandle)
  private var connections: [HolderID: [Int: Open]] = [:]
  private var lastNumber = 0

  /// - Parameters:
  ///   - pass: what this peer shows in a closed network.
  ///   - isClosed: whether the network is.
  init(
    identity: (id: PeerID, name: PeerName), transport: TransportIdentity?,
    pass: @escaping @Sendable () -> SignedPass? = { nil }, isClosed: @escaping @Sendable () -> Bool = { false },
    group: any EventLoopGroup, timeout: SourceTimeout,
    mayBeLocal: @escaping @Sendable () -> Bool,
    limit: (limiter: RateLimiter, transfer: TransferHandle)
  ) {
    self.limit = limit
    self.identity = identity
    self.transport = transport
    self.pass = pass
    self.isClosed = isClosed
    self.group = group
    self.timeout = timeout
    self.mayBeLocal = mayBeLocal
  }

  /// Call it before the first `fetch`.
  func avoid(_ holders: Set<HolderID>) {
    budget = HolderBudget(avoiding: holders)
  }

  /// Holders to `avoid` in the next round.
  var avoidedNext: Set<HolderID> { budget.avoidedNext }

  /// Fetches contents from one holder.
  /// - Parameter received: called with the number of bytes that came.
  /// - Returns: for each content its bytes, not verified, or why they did not come.
  func fetch(
    _ contents: [Content], from holder: Holder, received: @escaping @Sendable (Int) -> Void
  ) async -> [BatchConnection.Answer] {
    guard budget.mayAsk(holder.id) else {
      return contents.map { _ in .failure(.lost("too many other holders have failed")) }
    }
    guard let (number, open, isKept) = take(holder) else {
      lose(holder.id)
      let failure = SourceFailure.misplaced(holder.host)
      return contents.map { _ in .failure(failure) }
    }
    var answers = await fetch(contents, over: open, received)
    connections[holder.id]?[number]?.isBusy = false
    if answers.contains(where: { (try? $0.get()) != nil }) {
      lost[holder.id] = nil
      budget.noteDelivery(of: holder.id)
    }
    guard answers.contains(where: \.endsConnection) else { return answers }
    connections[holder.id]?[number] = nil
    // The holder may have closed a connection that was idle: that says nothing about a new one.
    let again = isKept && !Task.isCancelled ? answers.indices.filter { answers[$0].isLost } : []
    guard !again.isEmpty else {
      lose(holder.id)
      return answers
    }
    closeIdle(of: holder.id)
    for (index, answer) in zip(again, await fetch(again.map { contents[$0] }, from: holder, received: received)) {
      answers[index] = answer
    }
    return answers
  }

  private func fetch(
    _ contents: [Content], over open: Open, _ received: @escaping @Sendable (Int) -> Void
  ) async -> [BatchConnection.Answer] {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<[BatchConnection.Answer], Never>) in
        open.loop.execute {
          let failed = contents.map { _ in BatchConnection.Answer.failure(.silent) }
          guard let connection = open.connection.value else { return continuation.resume(returning: failed) }
          connection.fetch(contents, received: received) { continuation.resume(returning: $0) }
        }
      }
    } onCancel: {
      open.loop.execute { open.connection.value?.close() }
    }
  }

  private func lose(_ holder: HolderID) {
    let now = ContinuousClock.now
    lost[holder, default: Loss(first: now, last: now)].last = now
    budget.noteFailure(of: holder)
  }

  /// Without holders that were lost, except those whose turn it is to be tried again: it may have been a restart.
  func live(among holders: [Holder]) -> [Holder] {
    let now = ContinuousClock.now
    return holders.filter { holder in
      budget.mayAsk(holder.id)
        && lost[holder.id].map { now - $0.last >= Self.pause && now - $0.first < Self.patience } ?? true
    }
  }

  /// Whether one of these may be tried again later.
  func mayReturn(_ holders: [Holder]) -> Bool {
    let now = ContinuousClock.now
    return holders.contains { holder in
      budget.mayAsk(holder.id) && lost[holder.id].map { now - $0.first < Self.patience } ?? true
    }
  }

  /// - Returns: also whether the connection was used before.
  private func take(_ holder: Holder) -> (Int, Open, isKept: Bool)? {
    let holder = holder.secured(inClosed: isClosed())
    let known = connections[holder.id] ?? [:]
    if let (number, open) = known.first(where: { !$0.value.isBusy && $0.value.isProven == holder.proven }) {
      connections[holder.id]?[number]?.isBusy = true
      return (number, open, true)
    }
    guard let address = SourceAddress.usable(holder, mayBeLocal: mayBeLocal()) else { return nil }
    let loop = group.next()
    let (identity, pass, timeout, limit) = (identity, pass, timeout, limit)
    let security = SourceSecurity(of: holder, transport)
    lastNumber += 1
    let open = Open(connection: .makeEmptyBox(eventLoop: loop), loop: loop, isProven: holder.proven, isBusy: true)
    loop.execute {
      let allowance = RateAllowance(of: limit.limiter, for: ObjectIdentifier(limit.transfer), on: loop)
      let connection = BatchConnection(
        source: holder.peer, identity: identity, pass: pass, stall: min(timeout.stall, timeout.answer),
        allowance: allowance,
        on: loop)
      open.connection.value = connection
      connection.connect(to: address, security, timeout: timeout.connect)
    }
    closeIdle()
    connections[holder.id, default: [:]][lastNumber] = open
    return (lastNumber, open, false)
  }

  /// Makes room for one more.
  private func closeIdle() {
    var excess = connections.values.reduce(0) { $0 + $1.count } + 1 - Self.maxConnections
    for (holder, all) in connections {
      for (number, open) in all where !open.isBusy && excess > 0 {
        connections[holder]?[number] = nil
        Self.close(open)
        excess -= 1
      }
    }
  }

  /// The others of a holder that has closed one are as old.
  private func closeIdle(of holder: HolderID) {
    for (number, open) in connections[holder] ?? [:] where !open.isBusy {
      connections[holder]?[number] = nil
      Self.close(open)
    }
  }

  private static func close(_ open: Open) {
    open.loop.execute {
      open.connection.value?.close()
      open.connection.value = nil
    }
  }

  /// Closes all connections.
  func close() {
    for open in connections.values.flatMap(\.values) { Self.close(open) }
    connections = [:]
  }
}

extension BatchConnection.Answer {
  fileprivate var endsConnection: Bool {
    if case .failure(let failure) = self { failure.endsConnection } else { false }
  }

  fileprivate var isLost: Bool { if case .failure(.lost) = self { true } else { false } }
}

extension SourceFailure {
  /// Whether the connection has ended with it, not only the request.
  var endsConnection: Bool {
    switch self {
    case .refused, .busy: false
    default: true
    }
  }
}
