// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// An index that takes a ticket and then does not do as it says.
@Suite struct JoinReplyTests {
  @Test(arguments: [true, false]) func `join fails if the index does not make the peer a member`(
    statesOtherKey: Bool
  ) async throws {
    try await DaemonFixture.with { fixture in
      let identity = try PeerIdentity.loadOrCreate(at: fixture.directory.file("index.pem"))
      let other = try PeerIdentity.loadOrCreate(at: fixture.directory.file("other.pem"))
      let key = statesOtherKey ? other.publicKey : identity.publicKey
      let server = try await LineServer.start(
        .address(host: fixture.indexEndpoint.host, port: fixture.indexEndpoint.port),
        group: MultiThreadedEventLoopGroup.singleton, limits: LineLimits(line: 65_536),
        gate: ConnectionGate(limit: 100, limitOfAddress: 100), tls: TLSOffer(TransportIdentity(identity), plain: .never)
      ) { _ in FickleIndexRole(key: Base64URL.encode(key)) }
      var generator = SystemRandomNumberGenerator()
      let ticket = Ticket(
        addresses: [fixture.indexEndpoint], index: identity.id, secret: TicketSecret(using: &generator),
        role: .publisher, expires: Timestamp(seconds: 4_000_000_000))
      try await fixture.withPeer(acknowledgement: .seconds(2)) { alice in
        let answer = try await alice.ask(.join(JoinNetwork(ticket, sharesExisting: true)))
        let reason = statesOtherKey ? "states a key that is not its own" : "does not treat this peer as a member"
        #expect(answer.failure?.message.contains(reason) == true, "\(answer.outcome)")
      }
      await server.drain(within: .milliseconds(100))
    }
  }
}

/// Every peer is a stranger to it, whatever it said to `join`.
private final class FickleIndexRole: LineRole {
  private let key: String

  init(key: String) {
    self.key = key
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let request = try? LineScratch.current.reader.read(line) {
      (try $0.requestID(), try IndexRequest($0, batchLimit: 1000))
    }
    guard let (id, request) = request else { return .close }
    output.bytes += Array(#"{"id":\#(id),"status":200,"#.utf8)
    switch request {
    case .hello: output.bytes += Array(#""server":"x","host":"127.0.0.1","role":"none","limits":{}}"#.utf8)
    case .membership(.join): output.bytes += Array(#""role":"publisher","key":"\#(key)"}"#.utf8)
    default: output.bytes += Array(#""role":"none"}"#.utf8)
    }
    output.bytes.append(0x0A)
    return .next
  }
}
