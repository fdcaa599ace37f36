// SPDX-License-Identifier: Apache-2.0

import DocumentIndex
import DocumentModel
import IndexServer
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// Peers and an index that speak TLS.
@Suite struct ProvenPeersTests {
  /// Runs an index with TLS at the reserved port.
  private func withIndex(
    _ fixture: DaemonFixture, key: String = "index", plain: PlainConnections = .loopback,
    _ body: (IndexService, PeerID) async throws -> Void
  ) async throws {
    let service = IndexService()
    let identity = try TransportIdentity(PeerIdentity.loadOrCreate(at: fixture.directory.file(key + ".pem")))
    let server = try await service.serve(
      at: .address(host: fixture.indexEndpoint.host, port: fixture.indexEndpoint.port),
      group: MultiThreadedEventLoopGroup.singleton, tls: TLSOffer(identity, plain: plain), demandsTLS: true)
    do { try await body(service, identity.id) } catch {
      await server.drain(within: .milliseconds(100))
      throw error
    }
    await server.drain(within: .milliseconds(100))
  }

  @Test(arguments: [PlainConnections.loopback, .never]) func `whole exchange by TLS`(plain: PlainConnections)
    async throws
  {
    try await DaemonFixture.with { fixture in
      let bytes = pattern(3_000_000)
      let path = try fixture.directory.write("large", bytes)
      let short = try fixture.directory.write("short", pattern(100))
      try await withIndex(fixture, plain: plain) { _, id in
        try await fixture.withPeer("alice") { alice in
          let added = try await alice.add([path, short])
          #expect(added.added.count == 2)
          #expect(try await alice.status().index.id == id)
          try await fixture.withPeer("bob") { bob in
            let holders = try await bob.lookup("file/large").contents.flatMap(\.holders)
            #expect(holders.map(\.peer) == [alice.daemon.id] && holders.map(\.proven) == [true])
            for (name, expected) in [("large", bytes), ("short", pattern(100))] {
              let target = fixture.directory.file("got-" + name)
              let key = try DocumentKey("file/" + name)
              let got = try await bob.ask(.get(GetDocument(key: key, target: .path(target))))
              #expect(got.reply != nil, "\(got.outcome)")
              #expect(TemporaryDirectory.read(target) == expected)
            }
            #expect(try await bob.lookup("file/large").contents.first?.total == 2)
          }
        }
      }
    }
  }

  @Test func `index is known after the first contact, and another one needs its id`() async throws {
    try await DaemonFixture.with { fixture in
      try await withIndex(fixture) { _, id in
        try await fixture.withPeer { alice in
          let isKnown = try await eventually { try await alice.status().index.id == id }
          #expect(isKnown)
        }
      }
      try await withIndex(fixture, key: "other") { service, other in
        try await fixture.withPeer { alice in
          let known = try #require(try await alice.status().index.id)
          let isRefused = try await eventually { try await alice.status().index.error != nil }
          #expect(isRefused)
          let refused = try await alice.ask(.list(ListDocuments()))
          #expect(refused.failure?.code == .forbidden)
          for part in [known.hex, other.hex, "--id \(other)"] {
            #expect(refused.failure?.message.contains(part) == true)
          }
          #expect(service.statistics.sessions == 0)
          // What is added is kept, and announced later.
          let path = try fixture.directory.write("x", pattern(10))
          #expect(try await alice.add([path]).failure?.code == .forbidden)
          #expect(try await alice.status().documents == 1)
          let again = try await alice.ask(.connect(fixture.indexEndpoint))
          #expect(again.failure?.code == .forbidden)
          let chosen: ControlConnectReply = try await alice.reply(.connect(fixture.indexEndpoint, id: other))
          #expect(chosen.connected && chosen.index == other)
          #expect(await eventually { service.statistics.records == 1 })
        }
        try await fixture.withPeer { alice in
          let isConnected = try await eventually { try await alice.status().index.connected }
          #expect(isConnected)
        }
      }
    }
  }

  @Test func `known index is never used without TLS`() async throws {
    try await DaemonFixture.with { fixture in
      try await withIndex(fixture) { _, _ in
        try await fixture.withPeer { alice in
          let isConnected = try await eventually { try await alice.status().index.connected }
          #expect(isConnected)
        }
      }
      try await fixture.withIndex { service in
        try await fixture.withPeer(acknowledgement: .milliseconds(300)) { alice in
          let isRefused = try await eventually {
            try await alice.status().index.error?.contains("without TLS") == true
          }
          #expect(isRefused)
          #expect(!(try await alice.status().index.connected))
          #expect(try await alice.ask(.list(ListDocuments())).failure?.code == .unavailable)
          #expect(service.statistics.sessions == 0)
        }
      }
    }
  }

  @Test func `index on loopback alone is used without TLS`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withIndex { _ in
        try await fixture.withPeer { alice in
          let status = try await alice.status()
          #expect(status.index.connected && status.index.id == nil)
        }
      }
    }
  }

  @Test func `pinned id is demanded at the first contact`() async throws {
    try await DaemonFixture.with { fixture in
      try await withIndex(fixture) { _, id in
        try await fixture.withPeer(index: Endpoint(host: "127.0.0.1", port: 1)) { alice in
          let wrong = try await alice.ask(.connect(fixture.indexEndpoint, id: alice.daemon.id))
          #expect(wrong.failure?.code == .forbidden)
          let right: ControlConnectReply = try await alice.reply(.connect(fixture.indexEndpoint, id: id))
          #expect(right.connected)
        }
      }
    }
  }

  @Test func `uploads refuse an id that is not the proven one`() async throws {
    try await DaemonFixture.with { fixture in
      try await withIndex(fixture) { _, _ in
        try await fixture.withPeer { alice in
          let mallory = try TransportIdentity(PeerIdentity.loadOrCreate(at: fixture.directory.file("mallory.pem")))
          let loop = MultiThreadedEventLoopGroup.singleton.any()
          let honest = await PeerProbe.problem(
            at: alice.daemon.uploads, as: (mallory.id, try PeerName("mallory")), expecting: alice.daemon.id,
            by: mallory,
            on: loop, timeout: .seconds(60))
          #expect(honest == nil)
          let liar = await PeerProbe.problem(
            at: alice.daemon.uploads, as: (alice.daemon.id, try PeerName("mallory")), expecting: alice.daemon.id,
            by: mallory, on: loop, timeout: .seconds(60))
          #expect(liar?.contains(mallory.id.hex) == true)
          let another = await PeerProbe.problem(
            at: alice.daemon.uploads, as: (mallory.id, try PeerName("mallory")), expecting: mallory.id, by: mallory,
            on: loop, timeout: .seconds(60))
          #expect(another?.contains("expected \(mallory.id)") == true)
        }
      }
    }
  }
}
