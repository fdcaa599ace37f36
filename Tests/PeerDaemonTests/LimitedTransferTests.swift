// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import LineJSON
import NIOCore
import PeerDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

/// Transfers under limits of the user, over loopback.
@Suite struct LimitedTransferTests {
  private func isRight(_ seconds: Double, _ bytes: Int, _ rate: Int64) -> Bool {
    // A busy machine may be slower, never faster.
    seconds >= 0.9 * Double(bytes) / Double(rate) && seconds < 3 * Double(bytes) / Double(rate) + 1
  }

  /// Each source delivers a block in a time that is far above the timeouts.
  @Test(arguments: [(49_152, 24_000), (600_000, 300_000)] as [(Int, Int64)])
  func `own limit makes no source late and fetches nothing twice`(_ size: Int, _ rate: Int64) async throws {
    try await Swarm.with { swarm in
      let bytes = pattern(size)
      for name in ["alice", "carol"] {
        try await swarm.peer(name).share(swarm.directory.write("source-\(name)", bytes), as: "file/x")
      }
      var timeout = SourceTimeout()
      timeout.stall = .milliseconds(100)
      timeout.picker.patience = 0.02
      timeout.selection.search = .milliseconds(400)
      let bob = try await swarm.peer("bob", timeout: timeout, down: rate)
      let target = swarm.directory.file("target")
      let download = try await bob.get("file/x", to: target, share: false)
      #expect(TemporaryDirectory.read(target) == bytes)
      #expect(download.received == Int64(size))
      #expect(download.sources.allSatisfy { $0.error == nil })
      #expect(isRight(download.seconds, size, rate), "\(download.seconds) s")
    }
  }

  @Test func `limited upload keeps its downloads and is shared by them`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice", up: 60_000)
      let bytes = pattern(300_000)
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      try await withThrowingTaskGroup(of: Download.self) { group in
        for name in ["bob", "carol"] {
          let peer = try await swarm.peer(name)
          group.addTask {
            try await peer.get("file/x", to: swarm.directory.file("target-\(name)"), from: "alice", share: false)
          }
        }
        for try await download in group {
          #expect(download.received == 300_000)
          #expect(isRight(download.seconds, 600_000, 60_000), "\(download.seconds) s")
        }
      }
    }
  }

  /// A connection that holds the only slot: it takes nothing of a large body.
  private func occupySlot(of peer: Member, _ swarm: Swarm, _ limits: PeerLimits) async throws -> RawConnection {
    let document = try await peer.share(
      swarm.directory.write("large", [UInt8](repeating: 0, count: limits.get)), as: "file/large")
    let connection = try greet(peer)
    #expect(try connection.ask(Self.get(document.content))["status"]?.integer == 200)
    return connection
  }

  private func greet(_ peer: Member) throws -> RawConnection {
    let connection = try RawConnection(to: peer.uploads.address)
    _ = try connection.ask(#"{"id":1,"op":"hello","protocol":1,"peer":"\#(peer.id)","name":"x"}"#)
    return connection
  }

  private static func get(_ content: Content) -> String {
    #"{"id":4,"op":"get","content":"\#(content.root)","size":\#(content.size),"offset":0,"length":\#(content.size)}"#
  }

  private func oneSlot() -> PeerLimits {
    var limits = PeerLimits()
    limits.slots = 1
    limits.get = 64 << 20
    return limits
  }

  @Test func `small document needs no slot`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice", limits: oneSlot())
      let connection = try await occupySlot(of: alice, swarm, oneSlot())
      let bytes = pattern(262_144)
      let small = try await alice.share(swarm.directory.write("small", bytes), as: "file/small")
      let second = try greet(alice)
      // Whoever waits for the slot is told 503.
      #expect(try second.ask(Self.get(small.content))["status"]?.integer == 200)
      #expect(try second.bytes(bytes.count) == bytes)
      connection.reset()
    }
  }

  @Test func `a request that waited for a slot is judged before its reply`() async throws {
    try await Swarm.with { swarm in
      let judgements = Atomic<Int>(0)
      let passes = PassKeeper(wallClock: {
        judgements.add(1, ordering: .relaxed)
        return 0
      })
      let alice = try await swarm.peer("alice", limits: oneSlot(), passes: passes)
      let document = try await alice.share(swarm.directory.write("source", pattern(600_000)), as: "file/x")
      let connection = try await occupySlot(of: alice, swarm, oneSlot())
      let waiting = try greet(alice)
      let before = judgements.load(ordering: .relaxed)
      try waiting.send(Self.get(document.content))
      #expect(await eventually { judgements.load(ordering: .relaxed) > before }, "it was admitted")
      // The peer turns to a closed network, to which it does not belong.
      try passes.greeted(MemberStanding(role: nil), by: alice.id)
      connection.reset()
      #expect(try waiting.reply()["error"]?.string == "forbidden")
    }
  }

  @Test func `source without a free slot is asked again later`() async throws {
    try await Swarm.with { swarm in
      let alice = try await swarm.peer("alice", limits: oneSlot())
      let connection = try await occupySlot(of: alice, swarm, oneSlot())
      let bytes = pattern(600_000)
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let bob = try await swarm.peer("bob")
      async let download = bob.get("file/x", to: swarm.directory.file("target"), share: false)
      // Refused once after 2 s.
      try await Task.sleep(for: .seconds(2.5))
      #expect(bob.transfers.snapshot().map(\.state) == ["active"])
      connection.reset()
      #expect(try await download.received == 600_000)
      #expect(try await download.sources.allSatisfy { $0.error == nil })
    }
  }

  @Test func `number of slots may change while bodies are sent`() throws {
    let slots = UploadSlots(limit: 3)
    for _ in 0..<3 { #expect(slots.enter {} == nil) }
    let first = try #require(slots.enter {})
    slots.set(1)
    #expect(slots.limit == 1)
    for _ in 0..<2 { slots.leave() }
    #expect(slots.cancel(first), "two bodies more than allowed have ended, none may begin")
    let second = try #require(slots.enter {})
    slots.set(2)
    #expect(!slots.cancel(second), "granted by the larger limit")
    #expect(slots.enter {} != nil)
  }
}
