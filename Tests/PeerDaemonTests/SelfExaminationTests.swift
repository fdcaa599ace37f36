// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import LineTransport
import NIOCore
import NIOPosix
import PeerDaemon
import PeerIdentity
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
        #expect(
          found
            == ControlDoctorReply(
              index: .init(error: "Connection refused"), uploads: nil,
              catalogue: ControlDoctorReply.Catalogue(), files: ControlDoctorReply.Files(checked: 0)))
      }
    }
  }

  @Test func `the limit for which the index takes no connection is named`() async throws {
    try await DaemonFixture.with { fixture in
      var limits = IndexLimits()
      limits.connections = 1
      try await fixture.withIndex(limits: limits) { _ in
        try await fixture.withPeer("bob") { bob in
          // A session with records makes no room.
          let (first, second) = (try fixture.directory.write("a", [1]), try fixture.directory.write("b", [2]))
          #expect(try await bob.add([first]).added.count == 1)
          try await fixture.withPeer(acknowledgement: .milliseconds(50)) { alice in
            let limit = WireFailure.Limit("connections", 1)
            let failure = try await alice.ask(.list(ListDocuments())).failure
            #expect(failure?.code == .unavailable && failure?.limit == limit && failure?.retryAfter != nil)
            #expect(failure?.message.contains("takes no connection now") == true)
            #expect(try await alice.reply(.doctor, as: ControlDoctorReply.self).index.limit == limit)
            #expect(try await alice.status().index.error?.contains("limit connections = 1") == true)
            let added = try #require(try await alice.add([second]).reply)
            #expect(try ControlAddReply(added).error?.contains("limit connections = 1") == true)
          }
        }
      }
    }
  }

  @Test func `what the index does not permit is listed as refused and counted`() async throws {
    try await DaemonFixture.with { fixture in
      let script: PushingIndex.Script = { request, id in
        guard case .add(let documents) = request else { return nil }
        return [#"{"id":\#(id),"status":200,"added":\#(documents.count - 1),"refused":[0]}"#]
      }
      try await PushingIndex.with(script) { _, endpoint in
        try await fixture.withPeer(index: endpoint) { alice in
          let paths = try ["a", "b"].map { try fixture.directory.write($0, Array($0.utf8)) }
          #expect(try await alice.add([paths[0]]).added.count == 1)
          #expect(try await alice.mine() == ["file/a": .refused])
          #expect(try await alice.reply(.doctor, as: ControlDoctorReply.self).index.refusedDocuments == 1)
        }
      }
    }
  }

  @Test func `what a peer shares that does not belong to the network of its index is refused`() async throws {
    try await DaemonFixture.with { fixture in
      let identity = try PeerIdentity.loadOrCreate(at: fixture.directory.file("index.pem"))
      try await fixture.withPeer(acknowledgement: .milliseconds(1)) { alice in
        let path = try fixture.directory.write("a", [1])
        #expect(try await alice.add([path]).added.count == 1)
        #expect(try await alice.mine() == ["file/a": .shared], "it is announced when there is an index")
      }
      try await ScriptedIndex.with(identity: identity) { index in
        try await fixture.withPeer(acknowledgement: .seconds(2)) { alice in
          _ = try await alice.ask(.connect(index.endpoint, id: identity.id))
          let isRefused = try await eventually { try await alice.mine() == ["file/a": .refused] }
          #expect(isRefused)
        }
      }
    }
  }

  @Test func `files that cannot be served are found`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer(acknowledgement: .milliseconds(1), returnInterval: .seconds(60)) { alice in
        let names = ["kept", "gone", "edited", "directory"]
        let paths = try names.map { try fixture.directory.write($0, Array("some \($0)".utf8)) }
        #expect(try await alice.add(paths).added.count == 4)
        unlink(paths[1])
        try fixture.directory.write("edited", Array("something else".utf8))
        unlink(paths[3])
        mkdir(paths[3], 0o700)
        let files = try #require(try await alice.reply(.doctor, as: ControlDoctorReply.self).files)
        #expect(files.checked == 4 && files.unusable == 2 && files.complete)
        #expect(Set(files.examples.map(\.path)).isSuperset(of: [paths[1], paths[3]]))
      }
    }
  }

  @Test(arguments: [false, true])
  func `peer whose state directory is gone records nothing`(isReplaced: Bool) async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer(acknowledgement: .milliseconds(1)) { alice in
        let path = try fixture.directory.write("x", [1])
        let state = fixture.directory.file("state-alice")
        rename(state, state + ".moved")
        if isReplaced {
          mkdir(state, 0o700)
          try fixture.directory.write("state-alice/catalogue.sqlite", [])
        }
        let answer = try await alice.add([path])
        #expect(answer.failure?.message.contains("was removed or replaced while this peer runs") == true)
        #expect(answer.added.isEmpty)
        let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
        #expect(found.catalogue?.error?.contains("was removed or replaced") == true)
        let status = try await alice.reply(.status, as: ControlStatusReply.self)
        #expect(status.error?.contains("was removed or replaced") == true)
        unlink("\(state)/catalogue.sqlite")
        rmdir(state)
        rename(state + ".moved", state)
        #expect(try await alice.add([path]).added.count == 1)
      }
    }
  }

  @Test func `catalogue that came back empty is reported until it is old`() async throws {
    try await DaemonFixture.with { fixture in
      try await fixture.withPeer(acknowledgement: .milliseconds(1)) { alice in
        let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
        #expect(found.catalogue == ControlDoctorReply.Catalogue())
      }
      try fixture.directory.write("state-alice/catalogue.sqlite", [])
      for suffix in ["-wal", "-shm"] { unlink(fixture.directory.file("state-alice/catalogue.sqlite\(suffix)")) }
      try fixture.directory.write("state-alice/catalogue.sqlite.damaged-1", [1])
      try await fixture.withPeer(acknowledgement: .milliseconds(1)) { alice in
        let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
        #expect(
          found.catalogue
            == ControlDoctorReply.Catalogue(
              aside: [fixture.directory.file("state-alice/catalogue.sqlite.damaged-1")], cameBackEmpty: true))
      }
      try await fixture.withPeer(acknowledgement: .milliseconds(1)) { alice in
        let found = try await alice.reply(.doctor, as: ControlDoctorReply.self)
        #expect(found.catalogue?.cameBackEmpty == false)
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
