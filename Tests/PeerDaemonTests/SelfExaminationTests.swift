// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// The self-test behind `doctor`.
@Suite struct SelfExaminationTests {
  @Test func `peer tests itself from outside`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withIndex(ahead: 3_600) { _ in
        try await fixture.withPeer { alice in
          let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
          #expect(found.index.server?.hasPrefix("p2p-index/") == true)
          #expect(found.index.error == nil)
          #expect((3_590...3_610).contains(found.index.skew ?? 0))
          #expect((found.index.seconds ?? -1) >= 0)
          let expected = Endpoint(host: "127.0.0.1", port: alice.daemon.uploads.port)
          #expect(found.uploads == .init(address: expected, reachable: true))
          #expect(try await alice.status().index.error == nil)
        }
      }
    }
  }

  @Test func `reason for the missing index is reported`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer(acknowledgement: .milliseconds(50)) { alice in
        let status = try await alice.status()
        #expect(status.index.connected == false)
        #expect(status.index.error == "Connection refused")
        let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
        #expect(found == ControlDoctorReply(index: .init(error: "Connection refused"), uploads: nil))
      }
    }
  }

  @Test func `probe of a silent address closes its connection`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let closed = Counter()
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: group, limits: LineLimits(line: 1024),
      gate: ConnectionGate(limit: 10, limitOfAddress: 10)
    ) { _ in SilentRole(closed: closed) }
    let problem = await PeerProbe.problem(
      at: Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0)),
      as: (Swarm.id("alice"), try PeerName("alice")), expecting: Swarm.id("alice"), on: group.next(),
      timeout: .milliseconds(100))
    #expect(problem == "no answer in time")
    #expect(await eventually(within: .seconds(10)) { closed.value == 1 })
    await server.drain(within: .milliseconds(1))
    try await group.shutdownGracefully()
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .relaxed) }
  func increment() { count.add(1, ordering: .relaxed) }
}

private final class SilentRole: LineRole {
  private let closedCount: Counter

  init(closed: Counter) {
    closedCount = closed
  }

  func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict { .next }
  func closed() { closedCount.increment() }
}
