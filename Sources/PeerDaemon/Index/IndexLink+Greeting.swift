// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineTransport
import Logging
import NIOCore
import WireProtocol

/// The beginning of a connection, and the heartbeat that keeps it.
extension IndexLink {
  func sayHello() {
    submit(.hello(hello)) { link, reply in
      do throws(WireFailure) {
        let greeting = try link.understood(reply.get(), IndexHelloReply.init)
        guard !link.connectsAgain(after: greeting.asksForTLS == true) else { return }
        // Not earlier: what answers may be no index at all.
        if let id = link.connection?.provenPeer { link.remember(id) }
        try link.learn(greeting.standing)
        link.greeting = greeting
        link.settle { $0.carryOut($0.machine.greeted(at: .now())) }
      } catch {
        // Otherwise the connection is being lost already, which has its own reason.
        guard link.machine.state == .greeting, link.connection != nil,
          !link.connectsAgain(after: error.code == .tlsRequired)
        else { return }
        if error.code == .forbidden || error.code == .tlsRequired { link.refuse(error) }
        if link.lastError == nil { link.note(error.message, error.limit, retryAfter: error.retryAfter) }
        // Also the answer of a supervisor in the place of an index that is down: nothing was refused then.
        link.logOnce(error.code == .unavailable ? "index not available" : "index refused hello", link.lastError)
        link.lose(retryAfter: error.retryAfter ?? 1)
      }
    }
    scheduleHeartbeat(every: .seconds(3))
  }

  func begin() {
    since = wallClock()
    connectedAt = .now()
    (lastError, refusal) = (nil, isOutside ? .notMember : nil)
    logger.log(
      level: warnings.recovered() ? .info : .debug, "connected to index", metadata: ["address": "\(address)"])
    if greeting?.isAdvertised == false {
      logger.warning(
        "index ignores our advertised address: add our host to its allow_advertise",
        metadata: ["advertise": "\(hello.advertise?.text ?? "")", "seen": "\(greeting?.host ?? "")"])
    }
    scheduleHeartbeat(every: .milliseconds(Int64((greeting?.limits ?? IndexLimits()).idle) * 1000 / 3))
    for waiter in waiters { waiter.resume(true) }
    waiters = []
    withdrawn = []
    withdrawals = PendingWithdrawals()
    if !isOutside { carryOut(announcing.connected()) }
    carryOut(watching.connected(limit: (greeting?.limits ?? IndexLimits()).watches, in: passes.home))
    networkKnown()
  }

  /// Pings at a third of the idle time that the index allows. A reply that takes as long as the idle time counts as lost.
  private func scheduleHeartbeat(every interval: TimeAmount) {
    heartbeat?.cancel()
    heartbeat = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      self.assumeIsolated { $0.beat(interval) }
    }
  }

  private func beat(_ interval: TimeAmount) {
    forgetOldWarnings()
    if let oldest = pending.first, NIODeadline.now() - oldest.sent > interval * 3 {
      lastError = "the index stopped answering"
      logOnce("index does not answer", "no answer within \((interval * 3).nanoseconds / 1_000_000_000) s")
      return lose(retryAfter: nil)
    }
    if machine.isConnected { submit(.ping) { $0.heard($1) } }
  }
}

/// Warnings.
extension IndexLink {
  func logOnce(_ what: String, _ reason: String?) {
    var metadata: Logger.Metadata = ["address": "\(address)"]
    if let reason { metadata["reason"] = "\(reason)" }
    switch warnings.judge(what, at: .now()) {
    case .write: logger.warning("\(what)", metadata: metadata)
    case .writeAgain(let repeats):
      metadata["times since the last of these lines"] = "\(repeats)"
      logger.warning("\(what)", metadata: metadata)
    case .leaveOut: logger.debug("\(what)", metadata: metadata)
    }
  }

  func forgetOldWarnings() {
    if machine.isConnected, NIODeadline.now() - connectedAt >= Self.lastingConnection { warnings.forget() }
  }
}

/// TLS.
extension IndexLink {
  /// What the next connection uses; `nil` for a plain one.
  var tls: ClientTLS? {
    guard let trust else { return nil }
    switch IndexRoute(to: address, known: trust.known(address), demandsTLS: demandsTLS) {
    case .plain: return nil
    case .tls(let expected): return ClientTLS(trust.identity, expected: expected, timeout: timeout.handshake)
    }
  }

  /// The index has proven this id, which is the expected one if one was expected.
  func remember(_ id: PeerID) {
    guard let trust, trust.known(address) == nil else { return }
    logger.info("first contact with this index", metadata: ["address": "\(address)", "id": "\(id)"])
    trust.remember(id, address)
  }

  /// An index on this machine may ask for TLS on a plain connection.
  /// - Returns: whether the connection is given up for one by TLS.
  private func connectsAgain(after isAsked: Bool) -> Bool {
    guard isAsked, trust != nil, !demandsTLS, connection?.provenPeer == nil else { return false }
    demandsTLS = true
    drop()
    carryOut(machine.greetedOtherwise())
    return true
  }
}
