// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// What answers at the address of an index for the first time.
@Suite struct FirstContactTests {
  @Test func `what proves an id and refuses hello is not remembered as an index`() async throws {
    try await DaemonFixture.with { fixture in
      let identity = try PeerIdentity.loadOrCreate(at: fixture.directory.file("other.pem"))
      let server = try await LineServer.start(
        .address(host: "127.0.0.1", port: 0), group: MultiThreadedEventLoopGroup.singleton,
        limits: LineLimits(line: 65_536),
        gate: ConnectionGate(limit: 10, limitOfAddress: 10),
        tls: TLSOffer(try TransportIdentity(identity), plain: .always)
      ) { _ in RefusingRole() }
      let address = Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0))
      try await fixture.withPeer(acknowledgement: .milliseconds(100), index: address) { alice in
        let isRefused = try await eventually { try await alice.status().index.error == RefusingRole.reason }
        #expect(isRefused)
        #expect(try await alice.status().index.id == nil)
      }
      await server.drain(within: .milliseconds(1))
    }
  }
}

/// As the upload port of a peer in a closed network answers.
private final class RefusingRole: LineRole {
  static let reason = "show a pass"

  private weak var connection: (any LineConnection)?

  func opened(_ connection: any LineConnection) { self.connection = connection }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    let failure = connection?.provenPeer == nil ? .tlsRequired : WireFailure(.forbidden, Self.reason)
    let id = try? LineScratch.current.reader.read(line) { try $0.requestID() }
    failure.write(id: id, to: &output)
    return .close
  }
}
