// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import LineJSON
import LineTransport
package import NIOCore
import WireProtocol

/// Checks whether a certain peer answers at an address: connects, says `hello`, reads the reply, closes.
package enum PeerProbe {
  /// - Parameters:
  ///   - identity: what `hello` says.
  ///   - expected: who should answer.
  ///   - timeout: for all of it. The connection is closed at its end.
  /// - Returns: what is wrong; `nil` if the expected peer answers.
  package static func problem(
    at address: Endpoint, as identity: (id: PeerID, name: PeerName), expecting expected: PeerID,
    on loop: any EventLoop, timeout: TimeAmount
  ) async -> String? {
    await withCheckedContinuation { continuation in
      let once = OnceContinuation(continuation)
      let connected = LineClient.connect(
        host: address.host, port: address.port, on: loop, limits: LineLimits(line: PeerLimits().line), timeout: timeout
      ) { _ in ProbeRole(as: identity, expecting: expected) { once.resume($0) } }
      let timer = loop.scheduleTask(in: timeout) {
        once.resume("no answer in time")
        connected.whenSuccess { $0.close(promise: nil) }
      }
      connected.whenComplete { result in
        switch result {
        case .success(let channel): channel.closeFuture.whenComplete { _ in timer.cancel() }
        case .failure(let error):
          timer.cancel()
          once.resume(ConnectFailure.explain(error))
        }
      }
    }
  }
}

private final class ProbeRole: LineRole {
  private let identity: (id: PeerID, name: PeerName)
  private let expected: PeerID
  private let finish: (String?) -> Void

  /// - Parameter finish: receives the problem, or `nil`; called at least once.
  init(as identity: (id: PeerID, name: PeerName), expecting expected: PeerID, finish: @escaping (String?) -> Void) {
    self.identity = identity
    self.expected = expected
    self.finish = finish
  }

  func opened(_ connection: any LineConnection) {
    connection.send { PeerRequest.hello(peer: identity.id, name: identity.name).write(id: 1, to: &$0) }
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    do {
      finish(try LineScratch.current.reader.read(line) { try problem(with: $0) })
    } catch {
      finish("malformed reply")
    }
    return .close
  }

  func receivedTooLong(output: inout JSONWriter) {
    finish("the reply is longer than \(PeerLimits().line) bytes")
  }

  private func problem(with reply: JSONObject) throws(WireFailure) -> String? {
    if let failure = try WireFailure(reply: reply) { return failure.message }
    let peer = try PeerHelloReply(reply).peer
    return peer == expected ? nil : "another peer answers there: \(peer)"
  }

  func closed() {
    finish("the connection was closed")
  }
}
