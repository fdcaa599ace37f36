// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import ProcessSupervision
import TestSupport
import Testing
import WireProtocol

/// Rare cases, with real processes.
@Suite(.serialized) struct SupervisorEdgeTests {
  @Test func `malformed lines of a child are skipped`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "noise")
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
    #expect(try fixture.status("noise").restarts == 0)
  }

  /// Silent connections keep nobody out.
  @Test func `idle front ends give way to new ones`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    let silent = try (0..<80).map { _ in try RawConnection(path: "\(fixture.home)/run/supervisor.sock") }
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
    #expect(silent.first?.isClosedByPeer() == true)
  }

  @Test func `stop during startup stops everything`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", "127.0.0.1:0", "--peer", "slow")
    let pid = try #require(try await fixture.awaitStatus("slow") { $0.pid != nil }.pid)
    let start = ContinuousClock.now
    fixture.supervisor?.signal(SIGTERM)
    #expect(try await fixture.end() == .exited(0))
    #expect(start.duration(to: .now) < .seconds(10))
    #expect(kill(pid, 0) != 0)
  }

  @Test func `no starts while it stops`() async throws {
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

  /// The sockets of a peer are in use until it has stopped.
  @Test func `peer that is still stopping cannot be added`() async throws {
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

  /// The remembered port is only a preference.
  @Test func `remembered port in use is replaced`() async throws {
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

  @Test func `program that is missing for a moment is started when it is back`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let program = fixture.directory.file("p2p-peer")
    #expect(rename(program, "\(program).away") == 0)
    #expect(try fixture.ask(#"{"id":2,"op":"restart","name":"alice"}"#)["status"] == 200)
    #expect(try fixture.ask(#"{"id":3,"op":"wait"}"#)["ready"] == false)
    let row = try fixture.status("alice")
    #expect(["starting", "backing-off"].contains(row.state) && row.reason?.contains("p2p-peer") == true)
    #expect(rename("\(program).away", program) == 0)
    _ = try await fixture.awaitStatus("alice") { $0.state == "ready" }
  }

  @Test func `reload without the file changes nothing and says so`() async throws {
    let fixture = try SupervisorFixture()
    let path = "\(fixture.home)/config/p2p.toml"
    for directory in [fixture.home, "\(fixture.home)/config"] { mkdir(directory, 0o700) }
    let text = "[index]\nserve = false\naddress = \"127.0.0.1:1\"\n[peers.alice]\n[peers.bob]\n"
    try fixture.directory.write("home/config/p2p.toml", Array(text.utf8))
    try await fixture.start(environment: ["P2P_INDX_LISTEN": ":1"])
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    #expect(fixture.log("supervisor").contains(" warning P2P_INDX_LISTEN in the environment is unknown and ignored"))
    let before = try fixture.status()
    #expect(unlink(path) == 0)
    let answer = try fixture.ask(#"{"id":2,"op":"reload"}"#)
    #expect(
      answer["status"] == 422 && answer["message"]?.string?.contains("cannot read the configuration \(path)") == true)
    fixture.supervisor?.signal(SIGHUP)
    #expect(
      await eventually { fixture.log("supervisor").split(separator: "\n").count { $0.contains("not reloaded") } == 2 })
    #expect(try fixture.status().mapValues(\.pid) == before.mapValues(\.pid))
  }
}
