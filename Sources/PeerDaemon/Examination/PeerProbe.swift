// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import WireProtocol

/// Says `hello` to a peer, looks who answers, and leaves.
final class GreetingRole: LineRole {
  private let identity: (id: PeerID, name: PeerName)
  private let expected: PeerID
  private let finish: (String?) -> Void

  /// - Parameter finish: gets what was wrong, `nil` where the expected peer answered; called at least once.
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
      finish("what answers there does not speak the protocol")
    }
    return .close
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
