// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import ProcessSupervision
import TestSupport
import Testing
import WireProtocol

/// Real processes. Serialized, because each test starts several and the machine may be small.
@Suite(.serialized) struct SupervisorProcessTests {
  private let loopback = "127.0.0.1:0"

  @Test func `everything starts, is reported and stops`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", loopback, "--peer", "alice", "--peer", "bob")
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
    let rows = try fixture.status()
    #expect(rows.keys.sorted() == ["alice", "bob", "index", "supervisor"])
    for name in ["alice", "bob", "index"] {
      let row = try #require(rows[name])
      #expect(row.state == "ready" && row.responsive && row.restarts == 0)
      #expect(try SupervisorFixture.answerer(at: row.address) == row.pid.map(Int64.init))
    }
    #expect(try fixture.answerer(atSocketOf: "alice")["pid"]?.integer == rows["alice"]?.pid.map(Int64.init))
    let stop = try fixture.control()
    #expect(try stop.ask(#"{"id":2,"op":"stop"}"#)["status"] == 200)
    #expect(stop.isClosedByPeer())
    #expect(try await fixture.end() == .exited(0))
    for row in rows.values { #expect(kill(row.pid ?? 0, 0) != 0, "\(row.name) is still there") }
    #expect(fixture.log("alice") == "alice stops\n")
    for path in ["supervisor.sock", "alice.sock"] { #expect(access("\(fixture.home)/run/\(path)", F_OK) != 0) }
  }

  @Test func `peers start when the index is ready`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", loopback, "--peer", "alice")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let lines = fixture.log("supervisor").split(separator: "\n")
    let index = try #require(lines.firstIndex { $0.contains("index is ready") })
    let alice = try #require(lines.firstIndex { $0.contains("alice is ready") })
    #expect(index < alice)
  }

  @Test func `killed child is replaced and nobody is refused`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", loopback, "--peer", "alice")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let before = try fixture.status("alice")
    let pid = try #require(before.pid)
    var answers: [Int64] = []
    #expect(kill(pid, SIGKILL) == 0)
    // Connections made while no process serves wait in the held socket.
    for _ in 0..<20 {
      if let answer = try? SupervisorFixture.answerer(at: before.address) { answers.append(answer) }
    }
    #expect(answers.filter { $0 != Int64(pid) }.count >= 19)
    let after = try await fixture.awaitStatus("alice") { $0.restarts == 1 && $0.state == "ready" }
    #expect(after.address == before.address)
    #expect(after.pid != before.pid)
  }

  @Test func `crash before ready is retried, reported and answered for`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", loopback, "--peer", "crash", "--peer", "alice")
    // The wait ends long before the child is parked.
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == false)
    let row = try await fixture.awaitStatus("crash") { $0.state == "backing-off" && $0.restarts >= 6 }
    #expect(row.reason == "it is made to crash")
    #expect(try fixture.status("alice").state == "ready")
    for answer in [
      try fixture.answerer(atSocketOf: "crash"),
      try RawConnection(to: Endpoint(row.address)).ask(#"{"id":1,"op":"x"}"#),
    ] {
      #expect(answer["status"] == 503 && answer["error"] == "unavailable" && answer["id"] == .null)
      #expect(answer["message"]?.string?.contains("it is made to crash") == true)
    }
    #expect(try fixture.ask(#"{"id":2,"op":"start","name":"crash"}"#)["status"] == 200)
    // Past exits are forgotten.
    #expect(try fixture.ask(#"{"id":3,"op":"wait"}"#)["ready"] == false)
    #expect(fixture.log("supervisor").contains("(logged once per hour while it repeats)"))
  }

  @Test func `burst of exits after ready backs off`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "flap")
    let row = try await fixture.awaitStatus("flap") { $0.state == "backing-off" && $0.restarts >= 6 }
    #expect(row.reason == "it exited with status 4")
  }

  @Test func `one child stops, starts and restarts`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice", "--peer", "bob")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let bob = try fixture.status("bob")
    #expect(try fixture.ask(#"{"id":2,"op":"stop","name":"alice"}"#)["status"] == 200)
    #expect(try await fixture.awaitStatus("alice") { $0.state == "stopped" }.pid == nil)
    #expect(try fixture.answerer(atSocketOf: "alice")["message"]?.string?.contains("alice is stopped") == true)
    #expect(try fixture.ask(#"{"id":3,"op":"start","name":"alice"}"#)["status"] == 200)
    _ = try await fixture.awaitStatus("alice") { $0.state == "ready" && $0.restarts == 1 }
    #expect(try fixture.ask(#"{"id":4,"op":"restart","name":"alice"}"#)["status"] == 200)
    _ = try await fixture.awaitStatus("alice") { $0.state == "ready" && $0.restarts == 2 }
    #expect(try fixture.status("bob").pid == bob.pid)
    #expect(try fixture.ask(#"{"id":5,"op":"restart","name":"carol"}"#)["error"] == "not-found")
    #expect(try fixture.ask(#"{"id":6,"op":"reload"}"#)["status"] == 200)
    #expect(await eventually { fixture.log("bob").contains("bob reloads") })
  }

  @Test func `killed supervisor leaves no child and the next run works`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", loopback, "--peer", "alice", "--peer", "deaf")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let rows = try fixture.status()
    let children = rows.values.filter { $0.role != .supervisor }.compactMap(\.pid)
    #expect(children.count == 3)
    fixture.supervisor?.signal(SIGKILL)
    #expect(try await fixture.end() == .signaled(SIGKILL))
    #expect(await eventually(within: .seconds(2)) { children.allSatisfy { !Self.isAlive($0) } })
    try await fixture.start("--serve-index", loopback, "--peer", "alice", "--peer", "deaf")
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
    // The port is remembered.
    #expect(try fixture.status("alice").address == rows["alice"]?.address)
  }

  /// A process that is not reaped yet counts as dead.
  private static func isAlive(_ pid: Int32) -> Bool {
    guard let stat = TemporaryDirectory.read("/proc/\(pid)/stat"), let end = stat.lastIndex(of: UInt8(ascii: ")"))
    else { return false }
    return !stat[end...].starts(with: Array(") Z".utf8))
  }

  @Test func `second supervisor is refused`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    let first = try fixture.status()
    let second = try ChildProcess(
      ProcessSpecification(
        executable: fixture.directory.file("p2p-supervisor"), arguments: ["run", "--home", fixture.home]))
    var termination: Termination?
    _ = await eventually {
      termination = second.reap()
      return termination != nil
    }
    #expect(termination == .exited(1))
    #expect(try fixture.status("alice").pid == first["alice"]?.pid)
  }

  @Test func `stubborn child is killed in time`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", loopback, "--peer", "deaf")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let start = ContinuousClock.now
    fixture.supervisor?.signal(SIGTERM)
    #expect(try await fixture.end() == .exited(0))
    #expect(start.duration(to: .now) < .seconds(10))
    #expect(fixture.log("supervisor").contains("deaf does not stop: sending SIGKILL"))
  }

  @Test func `child with another protocol is parked`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "other")
    let row = try await fixture.awaitStatus("other") { $0.state == "parked" }
    #expect(row.restarts == 0)
    #expect(row.reason?.contains("channel protocol 2") == true)
  }

  @Test func `silent child is reported and left alone`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "mute", "--peer", "alice")
    let row = try await fixture.awaitStatus("mute") { !$0.responsive }
    #expect(row.state == "ready")
    #expect(try fixture.status("alice").responsive)
  }

  @Test func `configuration is read and reloaded`() async throws {
    let fixture = try SupervisorFixture()
    let index = "[index]\nlisten = \"127.0.0.1:0\"\n"
    try fixture.directory.write(
      "p2p.toml", Array("\(index)[peers.alice]\n[peers.bob]\n[supervisor]\nstandby = true\n".utf8))
    try await fixture.start("--config", fixture.directory.file("p2p.toml"))
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let before = try fixture.status()
    #expect(before.keys.sorted() == ["alice", "bob", "index", "supervisor"])
    let warning = " warning \(fixture.directory.file("p2p.toml")): line 6: supervisor.standby: "
    #expect(fixture.log("supervisor").contains(warning))
    let changed = "\(index)user = \"p2p\"\n[peers.carol]\n[peers.bob]\n[supervisor]\nkill_unresponsive_after = 99\n"
    try fixture.directory.write("p2p.toml", Array(changed.utf8))
    fixture.supervisor?.signal(SIGHUP)
    _ = try await fixture.awaitStatus("carol") { $0.state == "ready" }
    let gone = try await eventually { try fixture.status()["alice"] == nil }
    #expect(gone)
    #expect(try fixture.status("bob").pid == before["bob"]?.pid)
    #expect(access("\(fixture.home)/run/alice.sock", F_OK) != 0)
    #expect(await eventually { fixture.log("bob").contains("bob reloads") })
    let log = fixture.log("supervisor")
    #expect(log.contains("reloaded: supervisor.kill_unresponsive_after, peers.alice, peers.carol\n"))
    #expect(log.contains("these changes apply at the next start of the supervisor: index.user\n"))
    let again = try fixture.ask(#"{"id":1,"op":"reload"}"#)
    #expect(again["status"] == 200 && again["applied"] == [] && again["postponed"] == ["index.user"])
    try fixture.directory.write("p2p.toml", Array("[nonsense]\n".utf8))
    let refused = try fixture.ask(#"{"id":2,"op":"reload"}"#)
    #expect(refused["status"] == 422)
    #expect(refused["message"]?.string?.contains("line 1: nonsense") == true)
    #expect(try fixture.status("carol").state == "ready")

    // A peer that cannot be added: no other peer is removed.
    let taken = try fixture.status("index").address
    try fixture.directory.write("p2p.toml", Array("\(index)[peers.dave]\nlisten = \"\(taken)\"\n".utf8))
    #expect(try fixture.ask(#"{"id":3,"op":"reload"}"#)["status"] == 422)
    #expect(try fixture.status().keys.sorted() == ["bob", "carol", "index", "supervisor"])
    #expect(try fixture.status("carol").state == "ready")
  }

  @Test func `wait lasts until everything is settled`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "slow")
    let waiting = try fixture.control()
    try waiting.send(#"{"id":1,"op":"wait"}"#)
    #expect(try fixture.status("slow").state == "starting")
    try TemporaryDirectory.touch("\(fixture.home)/state/slow/go")
    #expect(try waiting.reply()["ready"] == true)
  }

  @Test(
    arguments: [
      (["--peer", "index"], 64), (["--peer", "a", "--peer", "a"], 64), (["--serve-index", "example.org:1"], 64),
      (["--index", "host:99999"], 64), (["--index", ""], 64), (["--index", ":7734"], 64), (["--nonsense"], 64),
    ] as [([String], Int32)])
  func wrongUsageIs64(arguments: [String], status: Int32) async throws {
    let fixture = try SupervisorFixture()
    try fixture.spawn(arguments)
    #expect(try await fixture.end() == .exited(status))
    #expect(!fixture.messages.isEmpty)
  }

  @Test func `address in use is reported with the cure`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--serve-index", loopback)
    let address = try fixture.status("index").address
    let other = try SupervisorFixture()
    try other.spawn(["--serve-index", address])
    #expect(try await other.end() == .exited(1))
    #expect(other.messages.contains("\(address) is in use"))
  }

  @Test func `deep home is refused`() async throws {
    let fixture = try SupervisorFixture()
    try fixture.spawn(["--peer", "alice"], home: fixture.directory.file(String(repeating: "d", count: 90)))
    #expect(try await fixture.end() == .exited(1))
    #expect(fixture.messages.contains("P2P_HOME"))
  }
}

extension TemporaryDirectory {
  static func touch(_ path: String) throws {
    let handle = try #require(fopen(path, "w"))
    fclose(handle)
  }
}
