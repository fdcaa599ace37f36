// SPDX-License-Identifier: Apache-2.0

package import LineJSON
import LineTransport
import NIOCore
package import WireProtocol

/// Requests of everybody in the daemon: each waits for a connection, then for its answer, and for neither too long.
extension IndexLink {
  func submit(_ request: IndexRequest, _ finish: @escaping Finish) {
    guard let connection else {
      return finish(self, .failure(WireFailure(.unavailable, "there is no connection to the index")))
    }
    let id = nextID
    nextID = id % RequestID.range.upperBound + 1
    pending.append(Pending(id: id, sent: .now(), finish: finish))
    connection.send { request.write(id: id, to: &$0) }
  }

  /// Sends a request once there is a connection, and reads its reply.
  package func ask<Reply: Sendable>(
    _ request: IndexRequest, _ read: @escaping @Sendable (JSONObject) throws(WireFailure) -> Reply
  ) async throws(WireFailure) -> Reply {
    guard await waitForConnection(timeout.connection) else {
      throw WireFailure(
        .unavailable,
        "the index at \(address) cannot be reached\(trouble.map { ": \($0)" } ?? ""); p2pctl connect HOST:PORT names another"
      )
    }
    return try await exchange(request, within: timeout.answer, read)
  }

  func exchange<Reply: Sendable>(
    _ request: IndexRequest, within timeout: TimeAmount,
    _ read: @escaping @Sendable (JSONObject) throws(WireFailure) -> Reply
  ) async throws(WireFailure) -> Reply {
    guard pending.count < Self.maxPending else {
      throw WireFailure(.tooMany, "too many requests wait for the index", retryAfter: 1)
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

  /// What a reply says; a breach of the protocol is blamed on whom it comes from.
  func understood<Reply>(
    _ reply: JSONObject, _ read: (JSONObject) throws(WireFailure) -> Reply
  ) throws(WireFailure) -> Reply {
    do {
      return try read(reply)
    } catch {
      throw WireFailure(.unavailable, "the index at \(address) does not keep to the protocol: \(error.message)")
    }
  }

  func waitForConnection(_ timeout: TimeAmount) async -> Bool {
    if machine.isConnected { return true }
    if case .stopped = machine.state { return false }
    nextWaiter += 1
    let id = nextWaiter
    return await withCheckedContinuation { continuation in
      let timer = loop.scheduleTask(in: timeout) { self.assumeIsolated { $0.giveUp(waiter: id) } }
      waiters.append(Waiter(id: id, continuation: continuation, timer: timer))
    }
  }

  private func giveUp(waiter id: Int) {
    guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
    waiters.remove(at: index).resume(false)
  }
}
