// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
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

/// Tickets that lead nowhere: the peer stays what it is, where it is.
@Suite struct JoinReplyTests {
  private func ticket(_ addresses: [Endpoint], index: PeerID) -> Ticket {
    var generator = SystemRandomNumberGenerator()
    return Ticket(
      addresses: addresses, index: index, secret: TicketSecret(using: &generator), role: .publisher,
      expires: Timestamp(seconds: 4_000_000_000))
  }

  @Test(arguments: [true, false]) func `join fails if the index does not make the peer a member`(
    statesOtherKey: Bool
  ) async throws {
    try await DaemonFixture.with { fixture in
      let identity = try PeerIdentity.loadOrCreate(at: fixture.directory.file("index.pem"))
      let other = try PeerIdentity.loadOrCreate(at: fixture.directory.file("other.pem"))
      let key = statesOtherKey ? other.publicKey : identity.publicKey
      try await ScriptedIndex.with(identity: identity, statedKey: key) { index in
        let ticket = ticket([index.endpoint], index: identity.id)
        try await fixture.withPeer(acknowledgement: .seconds(2)) { alice in
          let answer = try await alice.ask(.join(JoinNetwork(ticket, sharesExisting: true)))
          let reason = statesOtherKey ? "states a key that is not its own" : "does not treat this peer as a member"
          #expect(answer.failure?.message.contains(reason) == true, "\(answer.outcome)")
          #expect(try await alice.status().index.source == .settings)
        }
      }
    }
  }

  @Test func `a failed join while the own index is away keeps the membership`() async throws {
    try await DaemonFixture.with { fixture in
      let own = try PeerIdentity.loadOrCreate(at: fixture.directory.file("own.pem"))
      let other = try PeerIdentity.loadOrCreate(at: fixture.directory.file("other.pem"))
      let member = StoredNetwork.member(own.publicKey)
      func catalogue() throws -> Catalogue { try Catalogue(directory: fixture.directory.file("state-alice")) }
      do {
        let catalogue = try catalogue()
        try catalogue.set(Catalogue.networkSetting, to: member.text)
        catalogue.close()
      }
      try await ScriptedIndex.with(identity: other, statedKey: other.publicKey) { index in
        let ticket = ticket([index.endpoint], index: other.id)
        try await fixture.withPeer(acknowledgement: .seconds(2)) { alice in
          func refusal() throws -> String? {
            let connection = try RawConnection(to: alice.daemon.uploads)
            let hello = #"{"id":1,"op":"hello","protocol":1,"peer":"\#(Swarm.id("bob"))","name":"bob"}"#
            return try connection.ask(hello)["message"]?.string
          }
          let before = try refusal()
          #expect(before?.contains("show a pass") == true)
          #expect(try await alice.ask(.join(JoinNetwork(ticket, sharesExisting: false))).failure != nil)
          #expect(try refusal() == before)
          #expect(try await alice.status().index.address == fixture.indexEndpoint)
        }
      }
      let catalogue = try catalogue()
      #expect(StoredNetwork(text: try catalogue.setting(Catalogue.networkSetting)) == member)
      catalogue.close()
    }
  }

  @Test func `an open network needs no ticket`() async throws {
    try await DaemonFixture.with { fixture in
      let identity = try PeerIdentity.loadOrCreate(at: fixture.directory.file("index.pem"))
      try await ScriptedIndex.with(identity: identity, statedKey: nil) { index in
        let ticket = ticket([index.endpoint], index: identity.id)
        try await fixture.withPeer(acknowledgement: .seconds(2)) { alice in
          let failure = try await alice.ask(.join(JoinNetwork(ticket, sharesExisting: false))).failure
          #expect(failure?.code == .forbidden)
          #expect(failure?.message.hasSuffix("p2pctl connect \(index.endpoint)") == true, "\(failure?.message ?? "")")
        }
      }
    }
  }

  @Test func `addresses that lead nowhere take a bounded time`() async throws {
    try await SilentServer.with { silent in
      try await DaemonFixture.with { fixture in
        try await fixture.withPeer(acknowledgement: .milliseconds(300)) { alice in
          let ticket = ticket([Endpoint](repeating: silent.endpoint, count: 8), index: silent.id)
          let failure = try await alice.ask(.join(JoinNetwork(ticket, sharesExisting: false))).failure
          #expect(failure?.code == .unavailable)
          #expect(failure?.message.contains("cannot be reached at \(silent.endpoint) (no answer)") == true)
        }
      }
    }
  }

  /// Runs `body` with a join that leads nowhere, and the connection of its front end.
  private func withJoinUnderWay(
    _ body: (DaemonFixture, Peer, SilentServer, inout RawConnection?) async throws -> Void
  ) async throws {
    try await SilentServer.with { silent in
      try await DaemonFixture.with { fixture in
        try await fixture.withIndex { _ in
          // Time alone ends nothing here.
          try await fixture.withPeer { alice in
            let ticket = ticket([silent.endpoint], index: silent.id)
            let join = ControlRequest.join(JoinNetwork(ticket, sharesExisting: false)).json(id: 2)
            var front: RawConnection? = try RawConnection(path: alice.socket)
            _ = try front?.ask(#"{"id":1,"op":"hello","protocol":1}"#)
            try front?.send(String(decoding: try Jansson.encodeLine(join).dropLast(), as: UTF8.self))
            #expect(await eventually { silent.opened == 1 })
            try await body(fixture, alice, silent, &front)
          }
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func `a later connect ends a join that is under way`() async throws {
    try await withJoinUnderWay { fixture, alice, silent, front in
      let status = try await alice.status().index
      #expect(status.connected && status.address == fixture.indexEndpoint && status.source == .settings)
      try await fixture.withIndex(at: "127.0.0.1") { other in
        let reply: ControlConnectReply = try await alice.reply(.connect(other))
        #expect(reply.connected && reply.address == other)
        let answer = try #require(try front?.reply())
        #expect(answer["error"]?.string == "unavailable")
        #expect(answer["message"]?.string?.contains("another connect or join") == true)
        #expect(await eventually { silent.closed == 1 })
        let status = try await alice.status().index
        #expect(status.connected && status.address == other && status.source == .connect)
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func `a join ends with the connection of its front end`() async throws {
    try await withJoinUnderWay { fixture, alice, silent, front in
      front = nil
      #expect(await eventually { silent.closed == 1 })
      let status = try await alice.status().index
      #expect(status.connected && status.address == fixture.indexEndpoint && status.source == .settings)
    }
  }
}

/// Proves its id and says nothing.
private final class SilentServer: Sendable {
  let endpoint: Endpoint
  let id: PeerID
  private let counts: Counts

  var opened: Int { counts.opened.load(ordering: .relaxed) }
  var closed: Int { counts.closed.load(ordering: .relaxed) }

  fileprivate final class Counts: Sendable {
    let opened = Atomic(0)
    let closed = Atomic(0)
  }

  private init(_ endpoint: Endpoint, _ id: PeerID, _ counts: Counts) {
    self.endpoint = endpoint
    self.id = id
    self.counts = counts
  }

  static func with(_ body: (SilentServer) async throws -> Void) async throws {
    let counts = Counts()
    let directory = try TemporaryDirectory()
    let identity = try PeerIdentity.loadOrCreate(at: directory.file("index.pem"))
    let server = try await LineServer.start(
      .address(host: "127.0.0.1", port: 0), group: MultiThreadedEventLoopGroup.singleton,
      limits: LineLimits(line: 65_536), gate: ConnectionGate(limit: 100, limitOfAddress: 100),
      tls: TLSOffer(try TransportIdentity(identity), plain: .never)
    ) { _ in Role(counts: counts) }
    let silent = SilentServer(Endpoint(host: "127.0.0.1", port: UInt16(server.address?.port ?? 0)), identity.id, counts)
    do { try await body(silent) } catch {
      await server.drain(within: .milliseconds(1))
      throw error
    }
    await server.drain(within: .milliseconds(1))
  }

  private final class Role: LineRole {
    private let counts: Counts

    init(counts: Counts) { self.counts = counts }

    func opened(_ connection: any LineConnection) { counts.opened.add(1, ordering: .relaxed) }
    func received(line: UnsafeRawBufferPointer, output: inout JSONWriter) -> LineVerdict { .next }
    func closed() { counts.closed.add(1, ordering: .relaxed) }
  }
}
