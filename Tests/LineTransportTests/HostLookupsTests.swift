// SPDX-License-Identifier: Apache-2.0

import Dispatch
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

/// Connections to hosts by name: which address is used, and how long a name server may take.
@Suite struct HostLookupsTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private let limits = LineLimits(line: 1024)

  /// Counts what the roles of a connection attempt see.
  private final class Counts: Sendable {
    let opened = Atomic<Int>(0)
    let closed = Atomic<Int>(0)
  }

  private final class CountingRole: LineRole {
    private let counts: Counts

    init(_ counts: Counts) { self.counts = counts }

    func opened(_ connection: any LineConnection) { counts.opened.add(1, ordering: .relaxed) }
    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict { .next }
    func closed() { counts.closed.add(1, ordering: .relaxed) }
  }

  private func serve(at host: String, _ body: (UInt16) async throws -> Void) async throws {
    let server = try await LineServer.start(
      .address(host: host, port: 0), group: group, limits: limits, gate: ConnectionGate(limit: 10, limitOfAddress: 10)
    ) { _ in CountingRole(Counts()) }
    try await body(UInt16(try #require(server.address?.port)))
    await server.drain(within: .milliseconds(1))
  }

  private func lookups(_ addresses: [String]) -> HostLookups {
    HostLookups { _ in .success(addresses.compactMap { try? SocketAddress(ipAddress: $0, port: 0) }) }
  }

  private func connect(
    _ host: String, _ port: UInt16, _ lookups: HostLookups, _ counts: Counts = Counts(),
    timeout: TimeAmount = .seconds(30)
  ) -> EventLoopFuture<any Channel> {
    LineClient.connect(
      host: host, port: port, on: group.any(), limits: limits, timeout: timeout, lookups: lookups
    ) { _ in CountingRole(counts) }
  }

  @Test(
    arguments: ["127.0.0.1", "::1"], [["::1", "127.0.0.1"], ["127.0.0.1", "::1"], ["127.0.0.2", "::1", "127.0.0.1"]])
  func `address that answers is used and the others go unnoticed`(host: String, addresses: [String]) async throws {
    try await serve(at: host) { port in
      let counts = Counts()
      let channel = try await connect("host.example", port, lookups(addresses), counts).get()
      #expect(channel.remoteAddress?.hostText == host)
      #expect(counts.opened.load(ordering: .relaxed) == 1)
      #expect(counts.closed.load(ordering: .relaxed) == 0)
      try await channel.close()
      #expect(await eventually { counts.closed.load(ordering: .relaxed) == 1 })
    }
  }

  @Test func `failed attempt reaches no role`() async throws {
    var port: UInt16 = 0
    try await serve(at: "127.0.0.1") { port = $0 }
    let counts = Counts()
    let failure = await #expect(throws: NIOConnectionError.self) {
      try await connect("host.example", port, lookups(["127.0.0.1", "127.0.0.2"]), counts).get()
    }
    #expect(failure?.connectionErrors.count == 2)
    #expect(counts.opened.load(ordering: .relaxed) == 0 && counts.closed.load(ordering: .relaxed) == 0)
  }

  @Test(arguments: ["127.0.0.1", "127.1"]) func `numeric address needs no look-up`(host: String) async throws {
    try await serve(at: "127.0.0.1") { port in
      let channel = try await connect(host, port, HostLookups { _ in .failure(.tooMany) }).get()
      try await channel.close()
    }
  }

  @Test func `numeric addresses of all forms are recognised`() {
    #expect(HostLookups.numeric("::1", port: 7)?.endpointText == "[::1]:7")
    #expect(HostLookups.numeric("192.0.2.7", port: 7)?.endpointText == "192.0.2.7:7")
    #expect(HostLookups.numeric("fe80::1%lo", port: 7)?.hostText == "fe80::1")
    for name in ["localhost", "example.org", "", "1.2.3.4.5", "fe80::1%no-such-link"] {
      #expect(HostLookups.numeric(name, port: 7) == nil, "\(name)")
    }
  }

  /// Looks up `host.example`; every other name blocks until `end` is called.
  private final class SilentServer: Sendable {
    private let gate = DispatchSemaphore(value: 0)
    let started = Atomic<Int>(0)

    var lookups: HostLookups {
      HostLookups { [self] host in
        started.add(1, ordering: .relaxed)
        if host != "host.example" {
          gate.wait()
          gate.signal()
        }
        return .success((try? [SocketAddress(ipAddress: "127.0.0.1", port: 0)]) ?? [])
      }
    }

    func end() { gate.signal() }
  }

  @Test func `silent name server delays no other connection`() async throws {
    let silent = SilentServer()
    let lookups = silent.lookups
    try await serve(at: "127.0.0.1") { port in
      let waiting = connect("silent.example", port, lookups)
      for host in ["127.0.0.1", "host.example"] { try await connect(host, port, lookups).get().close().get() }
      silent.end()
      try await waiting.get().close().get()
    }
  }

  @Test func `look-up ends in time and says why`() async throws {
    let silent = SilentServer()
    let failure = await #expect(throws: NIOConnectionError.self) {
      try await connect("silent.example", 1, silent.lookups, timeout: .milliseconds(80)).get()
    }
    #expect(failure?.dnsAError as? HostLookupFailure == .timedOut(host: "silent.example"))
    silent.end()
  }

  @Test func `look-ups of one name share a thread and a late answer serves the next`() async throws {
    let silent = SilentServer()
    let lookups = silent.lookups
    for _ in 0..<3 {
      await #expect(throws: HostLookupFailure.timedOut(host: "slow.example")) {
        try await lookups.addresses(of: "slow.example", on: group.any(), within: .milliseconds(1)).get()
      }
    }
    #expect(silent.started.load(ordering: .relaxed) <= 1)
    silent.end()
    let found = try await lookups.addresses(of: "slow.example", on: group.any(), within: .seconds(30)).get()
    #expect(found.map(\.hostText) == ["127.0.0.1"])
    #expect(silent.started.load(ordering: .relaxed) == 1)
  }

  @Test func `look-ups under way are bounded`() async throws {
    let silent = SilentServer()
    let lookups = silent.lookups
    let loop = group.any()
    let waiting = (0..<HostLookups.maxThreads).map {
      lookups.addresses(of: "silent\($0).example", on: loop, within: .seconds(60))
    }
    await #expect(throws: HostLookupFailure.tooMany) {
      try await lookups.addresses(of: "one-more.example", on: loop, within: .seconds(60)).get()
    }
    silent.end()
    for future in waiting { _ = try await future.get() }
  }

  @Test func `names of this machine are looked up in its hosts file`() throws {
    let found = try HostLookups.system("localhost").get()
    #expect(!found.isEmpty && found.allSatisfy(\.isLoopback))
  }

  @Test func `unknown name is named`() async throws {
    let failed = HostLookupFailure.failed(host: "none.example", reason: "Name or service not known")
    let failure = await #expect(throws: NIOConnectionError.self) {
      try await connect("none.example", 1, HostLookups { _ in .failure(failed) }).get()
    }
    #expect(failure.map { "\($0.dnsAAAAError ?? ChannelError.eof)" } == failed.description)
    #expect(failed.description == "cannot look up none.example: Name or service not known")
  }
}
