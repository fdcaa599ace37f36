// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import PeerIdentity
import TestSupport
import Testing

/// TLS 1.3 between our own client and server, over real sockets.
@Suite struct TLSTests {
  @Test func `both sides prove their ids`() async throws {
    let fixture = try await TLSFixture()
    let client = try fixture.identity("client")
    for expected in [nil, fixture.serverID] {
      let answer = try await fixture.ask("who", as: client, expected: expected)
      #expect(answer.line == client.id.hex)
      #expect(answer.server == fixture.serverID)
    }
    await fixture.server.drain(within: .seconds(1))
  }

  @Test func `server with another id is refused, and both are named`() async throws {
    let fixture = try await TLSFixture()
    let client = try fixture.identity("client")
    let error = await #expect(throws: TLSFailure.self) {
      try await fixture.ask("who", as: client, expected: client.id)
    }
    #expect(error == .otherPeer(expected: client.id, found: fixture.serverID))
  }

  @Test(arguments: [PlainConnections.always, .loopback]) func `lines and TLS share a port`(
    plain: PlainConnections
  ) async throws {
    let fixture = try await TLSFixture(plain: plain)
    let client = try fixture.identity("client")
    #expect(try await fixture.ask("who", as: client, expected: nil).line == client.id.hex)
    let answers = try await onThread { [endpoint = fixture.endpoint] in
      let connection = try RawConnection(to: endpoint)
      try connection.send("who")
      try connection.send("{}")
      return try [connection.line(), connection.line()]
    }
    #expect(answers == ["nobody", "{}"])
  }

  @Test func `plain connection is refused where only TLS is taken`() async throws {
    let fixture = try await TLSFixture(plain: .never)
    let answers = try await onThread { [endpoint = fixture.endpoint] in
      let connection = try RawConnection(to: endpoint)
      try connection.send("{}")
      return try [connection.line(), connection.line()]
    }
    #expect(answers == ["{plain}", nil])
    let client = try fixture.identity("client")
    #expect(try await fixture.ask("who", as: client, expected: nil).line == client.id.hex)
  }

  @Test func `plain connections from elsewhere are taken by policy only`() throws {
    let (here, there) = (
      try SocketAddress(ipAddress: "127.0.0.1", port: 1), try SocketAddress(ipAddress: "192.0.2.1", port: 1)
    )
    let admitted = [PlainConnections.loopback, .always, .never].map { ($0.admits(here), $0.admits(there)) }
    #expect(admitted.map(\.0) == [true, true, false])
    #expect(admitted.map(\.1) == [false, true, false])
  }

  @Test(arguments: [1, 16_361, 16_362, 16_363, 100_000, 3_000_000]) func `lines of every length pass`(
    length: Int
  ) async throws {
    let fixture = try await TLSFixture(line: 4 << 20)
    let line = String(repeating: "x", count: length)
    #expect(try await fixture.ask(line, as: fixture.identity("client"), expected: nil).line == line)
  }

  // MARK: What comes instead of TLS

  @Test func `line instead of TLS is read and is a failure of its own`() async throws {
    let fixture = try await TLSFixture(plain: .never, connections: 0)
    let client = try fixture.identity("client")
    let error = await #expect(throws: TLSFailure.self) { try await fixture.ask("who", as: client, expected: nil) }
    #expect(error == .plainReply("{tooMany(limit: 0)}"))
  }

  @Test(arguments: [
    (#"{"id":null}"# + "\n", TLSFailure.plainReply(#"{"id":null}"#)), ("SSH-2.0-x\r\n", .notTLS),
    ("{never ends", .notTLS), ("{" + String(repeating: "x", count: 5000), .notTLS),
    ("", .handshake("the server closed the connection")),
  ])
  func `other services at the port are recognised`(text: String, failure: TLSFailure) async throws {
    let directory = try TemporaryDirectory()
    let client = try TLSFixture.identity(in: directory, "client")
    let answering = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: TLSFixture.group, limits: LineLimits(line: 1 << 16),
      gate: ConnectionGate(limit: 9, limitOfAddress: 9)
    ) { _ in TalkingRole(text) }
    let address = try #require(answering.address)
    let error = await #expect(throws: TLSFailure.self) {
      _ = try await LineClient.connect(
        to: address, on: TLSFixture.group.any(), limits: LineLimits(line: 100), timeout: .seconds(60),
        tls: ClientTLS(client, expected: nil)
      ) { _ in ProvenRole() }.get()
    }
    #expect(error == failure)
  }

  @Test func `silent server is left in time`() async throws {
    let fixture = try await TLSFixture { $0.total = 0 }
    let client = try fixture.identity("client")
    let error = await #expect(throws: TLSFailure.self) {
      _ = try await fixture.connect(as: client, expected: nil, timeout: .milliseconds(100)) { ProvenRole() }
    }
    #expect(error == .timedOut)
  }

  // MARK: The end

  @Test func `drain closes idle connections, and in time those of clients that hang`() async throws {
    let fixture = try await TLSFixture()
    let client = try fixture.identity("client")
    let channel = try await fixture.connect(as: client, expected: nil) { ProvenRole() }
    await fixture.server.drain(within: .seconds(60))
    try await channel.closeFuture.get()
  }

  @Test func `silent handshake does not delay the drain`() async throws {
    let fixture = try await TLSFixture()
    let raw = try RawConnection(to: fixture.endpoint)
    try raw.send([0x16, 3])
    await fixture.server.drain(within: .milliseconds(1))
    #expect(raw.isClosedByPeer())
  }
}

/// Says something as soon as it is connected, and then nothing more.
private final class TalkingRole: LineRole {
  private let text: String

  init(_ text: String) {
    self.text = text
  }

  func opened(_ connection: any LineConnection) {
    connection.send { $0.bytes += Array(text.utf8) }
    connection.close()
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict { .close }
}
