// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import IndexServer
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// A client of an index by TLS.
private final class TLSClient: LineRole, Sendable {
  /// Lines that have come; `nil` at the end.
  let lines: AsyncStream<JSONValue>
  private let arrived: AsyncStream<JSONValue>.Continuation

  init() {
    (lines, arrived) = AsyncStream.makeStream()
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict {
    arrived.yield((try? Jansson.decode(Array(line))) ?? .null)
    return .next
  }

  func closed() { arrived.finish() }
}

private struct TLSConnection {
  let channel: any Channel
  private let client: TLSClient

  init(to endpoint: Endpoint, as identity: TransportIdentity) async throws {
    let client = TLSClient()
    self.client = client
    channel = try await LineClient.connect(
      host: endpoint.host, port: endpoint.port, on: MultiThreadedEventLoopGroup.singleton.any(),
      limits: LineLimits(line: 1 << 20), timeout: .seconds(60), tls: ClientTLS(identity, expected: nil)
    ) { _ in client }.get()
  }

  /// Sends a line and returns the next one; null at the end of the connection.
  func ask(_ line: String) async throws -> JSONValue {
    try await channel.writeAndFlush(ByteBuffer(string: line + "\n"))
    return await next()
  }

  func next() async -> JSONValue {
    for await line in client.lines { return line }
    return .null
  }
}

/// What an index does with ids that TLS proves.
@Suite struct ProvenIDTests {
  private let directory: TemporaryDirectory
  private let alice: TransportIdentity
  private let bob: TransportIdentity

  init() throws {
    let directory = try TemporaryDirectory()
    self.directory = directory
    func identity(_ name: String) throws -> TransportIdentity {
      try TransportIdentity(PeerIdentity.loadOrCreate(at: directory.file(name)))
    }
    (alice, bob) = (try identity("alice"), try identity("bob"))
  }

  private func with(
    plain: PlainConnections = .always, demandsTLS: Bool = true, _ body: (IndexService, Endpoint) async throws -> Void
  ) async throws {
    let service = IndexService()
    let key = try TransportIdentity(PeerIdentity.loadOrCreate(at: directory.file("index")))
    let server = try await service.serve(
      at: .address(host: "127.0.0.1", port: 0), group: MultiThreadedEventLoopGroup.singleton,
      tls: TLSOffer(key, plain: plain), demandsTLS: demandsTLS)
    try await body(service, Endpoint(server.address?.endpointText ?? ""))
    await server.drain(within: .milliseconds(100))
  }

  @Test func `rows of a proven holder say so, to everybody`() async throws {
    try await with { _, endpoint in
      let proven = try await TLSConnection(to: endpoint, as: alice)
      #expect(try await proven.ask(Wire.hello(peer: alice.id.hex)).outcome == "200")
      #expect(try await proven.ask(Wire.add(Wire.document("rfc/1"))).outcome == "200")
      let plain = try RawConnection(to: endpoint)
      let others = try {
        _ = try plain.ask(Wire.hello(peer: Wire.bob, name: "bob", port: 40_002))
        _ = try plain.ask(Wire.add(Wire.document("rfc/1")))
        return try plain.ask(Wire.lookup("rfc/1")).holders
      }()
      let holders = try await proven.ask(Wire.lookup("rfc/1")).holders
      for found in [others, holders] {
        let proven = Dictionary(uniqueKeysWithValues: found.map { ($0["peer"]?.string ?? "", $0["proven"]) })
        #expect(proven == [alice.id.hex: true, Wire.bob: nil])
      }
    }
  }

  @Test func `hello must have the id of the certificate`() async throws {
    try await with { service, endpoint in
      let connection = try await TLSConnection(to: endpoint, as: alice)
      let reply = try await connection.ask(Wire.hello(peer: bob.id.hex))
      #expect(reply.outcome == "403 forbidden")
      #expect(reply["message"]?.string?.contains(alice.id.hex) == true)
      #expect(await connection.next() == .null)
      #expect(service.statistics.sessions == 0)
    }
  }

  @Test func `no claim of a proven id lives beside its proof`() async throws {
    try await with { service, endpoint in
      let claiming = try RawConnection(to: endpoint)
      #expect(try claiming.ask(Wire.hello(peer: alice.id.hex)).outcome == "200")
      #expect(try claiming.ask(Wire.add(Wire.document("rfc/666"))).outcome == "200")
      let proven = try await TLSConnection(to: endpoint, as: alice)
      #expect(try await proven.ask(Wire.hello(peer: alice.id.hex)).outcome == "200")
      #expect(claiming.isClosedByPeer())
      #expect(await eventually { service.statistics.records == 0 && service.statistics.sessions == 1 })
      let late = try await onThread { try RawConnection(to: endpoint).ask(Wire.hello(peer: alice.id.hex)).outcome }
      #expect(late == "403 forbidden")
      // Several sessions may prove it: a peer that comes back.
      let again = try await TLSConnection(to: endpoint, as: alice)
      #expect(try await again.ask(Wire.hello(peer: alice.id.hex)).outcome == "200")
      try? await proven.channel.close()
      #expect(await eventually { service.statistics.sessions == 1 })
      let later = try await onThread { try RawConnection(to: endpoint).ask(Wire.hello(peer: alice.id.hex)).outcome }
      #expect(later == "403 forbidden")
      try? await again.channel.close()
      #expect(await eventually { service.statistics.sessions == 0 })
      let last = try await onThread { try RawConnection(to: endpoint).ask(Wire.hello(peer: alice.id.hex)).outcome }
      #expect(last == "200")
    }
  }

  @Test func `only a plain client is asked for TLS, and only where it is wanted`() async throws {
    for demandsTLS in [true, false] {
      try await with(demandsTLS: demandsTLS) { _, endpoint in
        let plain = try await onThread { try RawConnection(to: endpoint).ask(Wire.hello()) }
        #expect(plain["tls"] == (demandsTLS ? true : nil))
        let proven = try await TLSConnection(to: endpoint, as: alice).ask(Wire.hello(peer: alice.id.hex))
        #expect(proven.outcome == "200" && proven["tls"] == nil)
      }
    }
  }

  @Test func `plain connection is refused with the reason`() async throws {
    try await with(plain: .never) { _, endpoint in
      let reply = try await onThread { try RawConnection(to: endpoint).ask(Wire.hello()) }
      #expect(reply.outcome == "426 tls-required" && reply["id"] == .null)
    }
  }
}
