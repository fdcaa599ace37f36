import ContentStore
import DocumentModel
import NIOCore
import PeerDaemon
import TestSupport
import Testing
import WireProtocol

/// Peers that lie, stall and break the protocol.
@Suite struct HostilePeerTests {
  private func impatient() -> SourcePatience {
    var patience = SourcePatience()
    patience.connect = .milliseconds(500)
    patience.stall = .milliseconds(300)
    return patience
  }

  /// What a download fails with where the liar is the only source: 76 where it gave wrong bytes, else 69.
  private func expectation(_ habit: Liar.Habit) -> ErrorCode? {
    switch habit {
    case .wrongHashes, .wrongBytes: .verificationFailed
    // All that was asked for has come, and is right.
    case .tooMany: nil
    default: .noSource
    }
  }

  @Test(arguments: Liar.Habit.allCases)
  func aLiarAloneEndsTheDownloadAndLeavesNothing(_ habit: Liar.Habit) async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", patience: impatient())
      let liar = try await Liar.start(swarm, "liar", habit)
      try await liar.claim("file/x", pattern(200_000))
      let target = swarm.directory.file("target")
      var code: ErrorCode?
      do throws(ControlFailure) { _ = try await bob.get("file/x", to: target) } catch { code = error.failure.code }
      #expect(code == expectation(habit))
      if code != nil { #expect(TemporaryDirectory.read(target) == nil) }
      #expect(try bob.catalogue.leftovers().isEmpty)
      await liar.end()
    }
  }

  @Test(arguments: Liar.Habit.allCases)
  func anHonestHolderSavesTheDownload(_ habit: Liar.Habit) async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", patience: impatient())
      let alice = try await swarm.peer("alice")
      let liar = try await Liar.start(swarm, "liar", habit)
      let bytes = pattern(200_000)
      try await liar.claim("file/x", bytes)
      try await alice.share(swarm.directory.write("source", bytes), as: "file/x")
      let target = swarm.directory.file("target")
      _ = try await bob.get("file/x", to: target)
      #expect(TemporaryDirectory.read(target) == bytes)
      await liar.end()
    }
  }

  @Test func aHolderThatDoesNotListenIsPassedOver() async throws {
    try await Swarm.with { swarm in
      let bob = try await swarm.peer("bob", patience: impatient())
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
