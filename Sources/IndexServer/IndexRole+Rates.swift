// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import LineTransport
import NIOCore
import WireProtocol

extension IndexLimits {
  /// Whether anything is counted for each request.
  var hasRates: Bool { requestsPerAddress != nil || bytesPerAddress != nil || member.requests != nil || countsBytes }
  var countsBytes: Bool { bytesPerAddress != nil || member.bytes != nil }
}

/// What operators let an address and a member have.
extension IndexRole {
  private var member: PeerID? {
    if case .member(let peer, _) = inNetwork?.place { peer } else { nil }
  }

  private var block: AddressBlock? {
    session?.origin.block ?? ConnectionGate.block(of: connection?.remoteAddress)
  }

  /// On each of its connections a member is answered one ping in this time, whatever the limits say: it renews the pass.
  private static let pingInterval = TimeAmount.seconds(1)

  /// Before a request.
  func checkRates(_ limits: IndexLimits, isPing: Bool = false) throws(WireFailure) {
    // A refusal costs nothing, or retries would never be served.
    isFree = true
    if isPing, member != nil, let now = connection?.eventLoop.now,
      lastPing.map({ now >= $0 + Self.pingInterval }) ?? true
    {
      lastPing = now
      return
    }
    try judgeRates(limits)
    isFree = false
  }

  private func judgeRates(_ limits: IndexLimits) throws(WireFailure) {
    guard let now = connection?.eventLoop.now else { return }
    let rates = service.rates
    if let block {
      if let limit = limits.requestsPerAddress, let wait = rates.requestsOfAddresses.take(block, limit: limit, at: now)
      {
        throw Self.tooMany("requests_per_address", limit, "requests", wait)
      }
      if let limit = limits.bytesPerAddress, let wait = rates.bytesOfAddresses.wait(block, limit: limit, at: now) {
        throw Self.tooMany("bytes_per_address", limit, "bytes of replies", wait)
      }
    }
    guard let member else { return }
    if let limit = limits.member.requests, let wait = rates.requestsOfMembers.take(member, limit: limit, at: now) {
      throw Self.tooMany("requests_per_member", limit, "requests of a member", wait)
    }
    if let limit = limits.member.bytes, let wait = rates.bytesOfMembers.wait(member, limit: limit, at: now) {
      throw Self.tooMany("bytes_per_member", limit, "bytes of replies to a member", wait)
    }
  }

  private static func tooMany(_ name: StaticString, _ limit: Int, _ what: String, _ wait: Int) -> WireFailure {
    WireFailure(.tooMany, "at most \(limit) \(what) in a second", limit: .init("\(name)", limit), retryAfter: wait)
  }

  /// After replies of this many bytes.
  func charge(_ bytes: Int) {
    if !isFree { spend(bytes) }
  }

  /// Seconds for which events refuse requests at most. Others cause them, as many as they like.
  private static let maxDebtOfEvents = 3.0

  /// After events of this many bytes.
  func chargeEvents(_ bytes: Int) { spend(bytes, maxDebt: Self.maxDebtOfEvents) }

  private func spend(_ bytes: Int, maxDebt: Double = .infinity) {
    // The limits that the request was judged by.
    guard bytes > 0, let reader, reader.limits.countsBytes, let now = connection?.eventLoop.now else { return }
    let limits = reader.limits
    if let limit = limits.bytesPerAddress, let block {
      service.rates.bytesOfAddresses.spend(bytes, block, limit: limit, at: now, maxDebt: maxDebt)
    }
    if let limit = limits.member.bytes, let member {
      service.rates.bytesOfMembers.spend(bytes, member, limit: limit, at: now, maxDebt: maxDebt)
    }
  }

  /// Seconds after which a retry makes sense: sessions come and go.
  private static let retryAfter = 10

  /// Before documents are added.
  func checkRecords(adding count: Int) throws(WireFailure) {
    guard let member, let network = inNetwork?.network, let reader,
      let limit = service.limits(for: reader).member.records
    else { return }
    let sessions = network.live.sessions(of: member)
    let held = service.withIndex { index in sessions.reduce(0) { $0 + index.records(of: $1) } }
    guard held + count > limit else { return }
    throw WireFailure(
      .tooMany, "the batch could exceed the limit of \(limit) records per member",
      limit: .init("records_per_member", limit), retryAfter: Self.retryAfter)
  }

  /// When a session of a peer begins that has proven its id, itself included.
  func checkSessions(of peer: PeerID, in network: ClosedNetwork) throws(WireFailure) {
    guard let reader, let limit = service.limits(for: reader).member.sessions, network.live.count(of: peer) > limit
    else { return }
    throw WireFailure(
      .tooMany, "a member has at most \(limit) sessions", limit: .init("sessions_per_member", limit),
      retryAfter: Self.retryAfter)
  }
}
