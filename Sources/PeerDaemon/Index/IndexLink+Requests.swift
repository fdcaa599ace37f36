// SPDX-License-Identifier: Apache-2.0

package import ContentStore
import DocumentModel
package import LineJSON
import LineTransport
import NIOCore
package import WireProtocol

/// Requests of the whole daemon: each waits for a connection, then for its reply, both with a timeout.
extension IndexLink {
  func submit(_ request: IndexRequest, _ finish: @escaping Finish) {
    guard let connection else {
      return finish(self, .failure(WireFailure(.unavailable, "not connected to the index")))
    }
    let id = nextID
    nextID = id % RequestID.range.upperBound + 1
    pending.append(Pending(id: id, sent: .now(), finish: finish))
    connection.send { request.write(id: id, to: &$0) }
  }

  /// Waits for a connection, sends a request and decodes its reply.
  /// - Parameter home: the network to which the request belongs; `nil` if a person asks now.
  package func ask<Reply: Sendable>(
    _ request: IndexRequest, in home: Home? = nil,
    _ read: @escaping @Sendable (JSONObject) throws(WireFailure) -> Reply
  ) async throws(WireFailure) -> Reply {
    try await requireConnection()
    try requireNetwork(home)
    return try await exchange(request, within: timeout.answer, read)
  }

  /// Waits for a connection.
  /// - Parameter hastily: whether to give up after one try that fails.
  /// - Throws: `unavailable`.
  package func requireConnection(hastily: Bool = false) async throws(WireFailure) {
    guard await waitForConnection(timeout.connection, hastily: hastily) else {
      if let refusal { throw refusal }
      if let turnedAway { throw turnedAway }
      throw WireFailure(
        .unavailable,
        "the index at \(address) cannot be reached\(lastError.map { ": \($0)" } ?? ""); choose another with p2pctl connect "
          + "HOST:PORT, or with a ticket: p2pctl join -"
      )
    }
  }

  /// Lets all requests fail with this until there is a connection.
  /// - Parameter found: the id of an index in the place of the known one.
  func refuse(_ failure: WireFailure, found: PeerID? = nil) {
    (refusal, otherIndex) = (failure, found)
    for waiter in waiters { waiter.resume(false) }
    waiters = []
  }

  /// Notes why there is no connection.
  /// - Parameter limit: if the index has turned this peer away because of one.
  func note(_ reason: String, _ limit: WireFailure.Limit?, retryAfter: Int?) {
    lastError = WireFailure(.tooMany, reason, limit: limit).messageWithLimit
    turnedAway = limit.map { limit in
      WireFailure(
        .unavailable, "the index at \(address) takes no connection now: \(reason)", limit: limit, retryAfter: retryAfter
      )
    }
  }

  func exchange<Reply: Sendable>(
    _ request: IndexRequest, within timeout: TimeAmount,
    _ read: @escaping @Sendable (JSONObject) throws(WireFailure) -> Reply
  ) async throws(WireFailure) -> Reply {
    guard pending.count < Self.maxPending else {
      throw WireFailure(.tooMany, "too many requests are waiting for the index", retryAfter: 1)
    }
    let address = address
    let result: Result<Reply, WireFailure> = await withCheckedContinuation { continuation in
      let once = OnceContinuation(continuation)
      let timer = loop.scheduleTask(in: timeout) {
        once.resume(.failure(WireFailure(.unavailable, "the index at \(address) does not answer")))
      }
      submit(request) { link, reply in
        timer.cancel()
        once.resume(Result { () throws(WireFailure) in try link.understood(try reply.get(), read) })
      }
    }
    return try result.get()
  }

  /// Decodes a reply. A malformed one is reported as a failure of the index.
  func understood<Reply>(
    _ reply: JSONObject, _ read: (JSONObject) throws(WireFailure) -> Reply
  ) throws(WireFailure) -> Reply {
    do {
      return try read(reply)
    } catch {
      throw WireFailure(.unavailable, "malformed reply from the index at \(address): \(error.message)")
    }
  }

  /// A try to connect has failed.
  func endHastyWaits() {
    for waiter in waiters where waiter.isHasty { waiter.resume(false) }
    waiters.removeAll(where: \.isHasty)
  }

  func waitForConnection(_ timeout: TimeAmount, hastily: Bool = false) async -> Bool {
    if isConnected { return true }
    if refusal != nil { return false }
    // Before it is started, a connection is only a matter of time.
    if machine.state == .stopped, machine.hasTried { return false }
    nextWaiter += 1
    let id = nextWaiter
    return await withCheckedContinuation { continuation in
      let timer = loop.scheduleTask(in: timeout) { self.assumeIsolated { $0.giveUp(waiter: id) } }
      waiters.append(Waiter(id: id, isHasty: hastily, continuation: continuation, timer: timer))
    }
  }

  private func giveUp(waiter id: Int) {
    guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
    waiters.remove(at: index).resume(false)
  }
}

/// Passes the lines of the connection to its link, which is confined to the same event loop.
final class IndexLinkRole: LineRole {
  private let link: IndexLink
  /// Identifies the connection: an old one may end after the next one has started.
  private let generation: Int

  init(link: IndexLink, generation: Int) {
    self.link = link
    self.generation = generation
  }

  func opened(_ connection: any LineConnection) {
    let bound = NIOLoopBound(connection, eventLoop: connection.eventLoop)
    link.assumeIsolated { [generation] in $0.opened(bound, generation: generation) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    // Used during this call only, on the event loop of the link.
    nonisolated(unsafe) let line = line
    return link.assumeIsolated { [generation] in $0.received(line, generation: generation) } ? .next : .close
  }

  func receivedTooLong(output: inout JSONWriter) {
    link.assumeIsolated { [generation] in $0.receivedTooLong(generation: generation) }
  }

  func closed() {
    link.assumeIsolated { [generation] in $0.closed(generation: generation) }
  }
}
