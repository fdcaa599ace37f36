// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import ProcessSupervision
import TestSupport
import Testing
import WireProtocol

/// What seldom happens to a supervisor, with real processes.
@Suite(.serialized) struct SupervisorEdgeTests {
  @Test func aChildThatTalksNonsenseIsUnderstoodAfterwards() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "noise")
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
    #expect(try fixture.status("noise").restarts == 0)
  }

  /// Who connects and says nothing keeps nobody out.
  @Test func silentFrontEndsGiveWayToNewOnes() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    let silent = try (0..<80).map { _ in try RawConnection(path: "\(fixture.home)/run/supervisor.sock") }
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
    #expect(silent.first?.isClosedByPeer() == true)
  }

  @Test func aStopWhileEverythingStartsStopsEverything() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", "127.0.0.1:0", "--peer", "slow")
    let pid = try #require(try await fixture.awaitStatus("slow") { $0.pid != nil }.pid)
    let start = ContinuousClock.now
    fixture.supervisor?.signal(SIGTERM)
    #expect(try await fixture.end() == .exited(0))
    #expect(start.duration(to: .now) < .seconds(10))
    #expect(kill(pid, 0) != 0)
  }

  @Test func whileItStopsItStartsNothingMore() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "deaf", "--peer", "alice")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let control = try fixture.control()
    fixture.supervisor?.signal(SIGTERM)
    _ = try await fixture.awaitStatus("supervisor") { $0.state == "stopping" }
    for operation in [#"{"id":2,"op":"start"}"#, #"{"id":3,"op":"restart","name":"alice"}"#] {
      let answer = try control.ask(operation)
      #expect(answer["status"] == 503 && answer["message"] == "the supervisor is stopping")
    }
    #expect(try control.ask(#"{"id":4,"op":"reload"}"#)["message"] == "the supervisor is stopping")
    fixture.supervisor?.signal(SIGHUP)
    #expect(try control.ask(#"{"id":5,"op":"start","name":"alice"}"#)["status"] == 503)
  }

  /// A peer that comes back before it has gone would find its sockets taken.
  @Test func aPeerThatIsStillLeavingCannotComeBackYet() async throws {
    let fixture = try SupervisorFixture()
    let text = "[index]\nlisten = \"127.0.0.1:0\"\n[peers.alice]\n"
    try fixture.directory.write("p2p.toml", Array("\(text)[peers.deaf]\n".utf8))
    try await fixture.start("--config", fixture.directory.file("p2p.toml"))
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    try fixture.directory.write("p2p.toml", Array(text.utf8))
    #expect(try fixture.ask(#"{"id":2,"op":"reload"}"#)["applied"] == ["peers.deaf"])
    try fixture.directory.write("p2p.toml", Array("\(text)[peers.deaf]\n".utf8))
    let refused = try fixture.ask(#"{"id":3,"op":"reload"}"#)
    #expect(refused["status"] == 422 && refused["message"]?.string?.contains("reload again") == true)
    #expect(try fixture.status("alice").state == "ready")
  }

  /// The remembered port is a wish: where another has it by now, the peer runs elsewhere.
  @Test func aRememberedPortThatIsTakenIsNoObstacle() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    let before = try fixture.status("alice").address
    fixture.supervisor?.signal(SIGTERM)
    #expect(try await fixture.end() == .exited(0))
    let other = try SupervisorFixture()
    try await other.start("--serve-index", before)
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    let after = try fixture.status("alice").address
    #expect(after != before && after.hasPrefix("127.0.0.1:"))
  }

  /// What cannot be started is not tried without end, and says why.
  @Test func aProgramThatIsGoneParksItsChild() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    #expect(unlink(fixture.directory.file("p2p-peer")) == 0)
    #expect(try fixture.ask(#"{"id":2,"op":"restart","name":"alice"}"#)["status"] == 200)
    let row = try await fixture.awaitStatus("alice") { $0.state == "parked" }
    #expect(row.reason?.contains("p2p-peer") == true)
    #expect(try fixture.answerer(atSocketOf: "alice")["status"] == 503)
  }
}
