// SPDX-License-Identifier: Apache-2.0

import ContentStore
import DocumentModel
import NIOCore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Peers that lie, stall and break the protocol.
@Suite struct HostilePeerTests {
  private func impatient() -> SourceTimeout {
    var timeout = SourceTimeout()
    timeout.connect = .milliseconds(500)
    timeout.answer = .milliseconds(500)
    timeout.stall = .milliseconds(300)
    timeout.picker.patience = 0.1
    return timeout
  }

  /// The failure of a download from the liar alone: 76 for wrong bytes, else 69.
  private func expectation(_ habit: Liar.Habit) -> ErrorCode? {
    switch habit {
    case .wrongRoot, .wrongSize, .wrongHashes, .wrongBytes: .verificationFailed
    // Everything requested, in advance where it is the only source, has arrived and is correct.
    case .tooMany, .partial: nil
    default: .noSource
    }
  }

  @Test(arguments: Liar.Habit.allCases)
  func `download from a lying holder fails and leaves no file`(_ habit: Liar.Habit) async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      let liar = try await Liar.start(swarm, "liar", habit)
      try await liar.claim("file/x", pattern(200_000))
      let target = swarm.directory.file("target")
      var failure: WireFailure?
      let started = ContinuousClock.now
      do throws(WireFailure) { _ = try await bob.get("file/x", to: target) } catch { failure = error }
      #expect(ContinuousClock.now - started < .seconds(30))
      #expect(failure?.code == expectation(habit))
      if let failure {
        #expect(TemporaryDirectory.read(target) == nil)
        #expect(failure.message.contains("liar"), "who lied is named: \(failure.message)")
      }
      #expect(try bob.catalogue.leftovers().isEmpty)
      await liar.end()
    }
  }

  /// A liar that claims another content forces an explicit choice, and is then not asked.
  @Test(arguments: Liar.Habit.allCases)
  func `download succeeds with one honest holder`(_ habit: Liar.Habit) async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      let alice = try await swarm.peer("alice")
      let liar = try await Liar.start(swarm, "liar", habit)
      let bytes = pattern(200_000)
      try await liar.claim("file/x", bytes)
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let target = swarm.directory.file("target")
      if habit == .wrongRoot || habit == .wrongSize {
        let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
        #expect(failure?.code == .severalContents)
        _ = try await bob.get("file/x", to: target, from: "alice")
      } else {
        _ = try await bob.get("file/x", to: target)
      }
      #expect(TemporaryDirectory.read(target) == bytes)
      await liar.end()
    }
  }

  @Test func `download succeeds among many lying holders`() async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      let alice = try await swarm.peer("alice")
      let bytes = pattern(200_000)
      var liars = [Liar]()
      for (number, habit) in Liar.Habit.allCases.enumerated() where habit != .wrongRoot && habit != .wrongSize {
        let liar = try await Liar.start(swarm, "liar\(number)", habit)
        try await liar.claim("file/x", bytes)
        liars.append(liar)
      }
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let target = swarm.directory.file("target")
      _ = try await bob.get("file/x", to: target)
      #expect(TemporaryDirectory.read(target) == bytes)
      for liar in liars { await liar.end() }
    }
  }

  // MARK: Holders of a part

  @Test(.timeLimit(.minutes(1)), arguments: [1, 2])
  func `download from holders that all lack the same pieces ends`(_ holders: Int) async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      var liars = [Liar]()
      for number in 0..<holders {
        let liar = try await Liar.start(swarm, "liar\(number)", .partial)
        try await liar.claim("file/x", pattern(1_000_000))
        liars.append(liar)
      }
      let target = swarm.directory.file("target")
      let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
      #expect(failure?.code == .noSource)
      #expect(TemporaryDirectory.read(target) == nil)
      for liar in liars { await liar.end() }
    }
  }

  /// The index still names the downloader for what its file was before.
  @Test(.timeLimit(.minutes(1))) func `download does not wait for the part that it has itself`() async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      let path = try swarm.directory.write("source", pattern(1_000_000))
      try await bob.share(path, as: "file/x")
      _ = try swarm.directory.write("source", pattern(1_000_000, seed: 2))
      let target = swarm.directory.file("target")
      let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
      #expect(failure?.code == .noSource)
      #expect(TemporaryDirectory.read(target) == nil)
    }
  }

  // MARK: Holders that point back

  /// Another peer claims the address of the downloader or of the index.
  @Test(arguments: ["the downloader", "the index"])
  func `holder that is the downloader itself is rejected`(_ place: String) async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      let port = place == "the index" ? try swarm.indexEndpoint.port : bob.uploads.address.port
      let mirror = try await swarm.peer("mirror", port: port)
      let path = try swarm.directory.write("source", pattern(100_000))
      try await mirror.share(path, as: "file/x")
      let target = swarm.directory.file("target")
      let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
      #expect(failure?.code == .noSource)
      #expect(TemporaryDirectory.read(target) == nil)
      let alice = try await swarm.peer("alice")
      try await alice.share(path, as: "file/x")
      _ = try await bob.get("file/x", to: target)
      #expect(TemporaryDirectory.read(target) == pattern(100_000))
    }
  }

  @Test func `holder with the own id is not asked`() async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      let mirror = try await swarm.peer("mirror", claiming: bob.id)
      let path = try swarm.directory.write("source", pattern(100_000))
      try await mirror.share(path, as: "file/x")
      let target = swarm.directory.file("target")
      let failure = await #expect(throws: WireFailure.self) { try await bob.get("file/x", to: target) }
      #expect(failure?.code == .noSource)
      let alice = try await swarm.peer("alice")
      try await alice.share(path, as: "file/x")
      let reply = try await bob.get("file/x", to: target)
      #expect(reply.sources.map(\.peer) == [alice.id])
    }
  }

  @Test func `holder that does not listen is skipped`() async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", timeout: impatient())
      let gone = try await swarm.peer("gone")
      let alice = try await swarm.peer("alice")
      let path = try swarm.directory.write("source", pattern(100_000))
      try await gone.share(path, as: "file/x")
      try await alice.share(path, as: "file/x")
      await gone.uploads.stop(within: .milliseconds(1))
      _ = try await bob.get("file/x", to: swarm.directory.file("target"))
      #expect(TemporaryDirectory.read(swarm.directory.file("target")) == pattern(100_000))
    }
  }
}
