// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import ProcessSupervision
import SupervisorDaemon
import TestSupport
import Testing
import WireProtocol

@Suite struct SocketUpkeepTests {
  private let start = SuspendingClock.now

  @Test func `it looks from time to time, and soon after a change`() {
    var upkeep = SocketUpkeep(now: start)
    #expect(upkeep.deadline == start.advanced(by: SocketUpkeep.interval))
    let now = start.advanced(by: .seconds(1))
    upkeep.changed(now: now)
    #expect(upkeep.deadline == now.advanced(by: SocketUpkeep.delay))
    #expect(!upkeep.isDue(now: now) && upkeep.isDue(now: upkeep.deadline))
    upkeep.looked(isComplete: true, now: upkeep.deadline)
    #expect(upkeep.deadline > now.advanced(by: SocketUpkeep.interval))
  }

  @Test func `socket that cannot be made is tried again soon`() {
    var upkeep = SocketUpkeep(now: start)
    upkeep.looked(isComplete: false, now: start)
    #expect(upkeep.deadline == start.advanced(by: SocketUpkeep.retry))
  }

  /// Making a socket is a change of its directory: a fight for a path must not use a processor.
  @Test func `storm of changes causes few looks`() {
    var upkeep = SocketUpkeep(now: start)
    var looks = 0
    for milliseconds in 0..<10_000 {
      let now = start.advanced(by: .milliseconds(milliseconds))
      upkeep.changed(now: now)
      guard upkeep.isDue(now: now) else { continue }
      looks += 1
      upkeep.looked(isComplete: true, now: now)
    }
    #expect((10...25).contains(looks), "\(looks)")
  }
}

/// Control sockets that a cleaner or a logout removes. Real processes.
@Suite(.serialized) struct LostSocketTests {
  private func restored(_ fixture: SupervisorFixture, _ before: Int32?) async throws {
    #expect(
      await eventually(within: .seconds(15)) {
        (try? fixture.answerer(atSocketOf: "alice")["pid"]?.integer) == before.map(Int64.init)
      }, "the running child listens at the new socket\n\(fixture.log("supervisor"))")
    #expect(await eventually(within: .seconds(15)) { (try? fixture.status("alice").pid) == before })
    #expect(try fixture.status("alice").restarts == 0)
  }

  @Test func `removed sockets are made again for running processes`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let before = try fixture.status("alice").pid
    let run = "\(fixture.home)/run"
    for name in ["supervisor", "alice"] { #expect(unlink("\(run)/\(name).sock") == 0) }
    try await restored(fixture, before)
    #expect(fixture.log("supervisor").contains("the control socket \(run)/alice.sock was gone: made it again"))
    // The whole directory, moved and removed.
    #expect(rename(run, "\(fixture.home)/moved") == 0)
    try await restored(fixture, before)
    for name in ["supervisor", "alice"] { unlink("\(run)/\(name).sock") }
    rmdir(run)
    try await restored(fixture, before)
    var status = stat()
    #expect(stat(run, &status) == 0 && status.st_mode & 0o777 == 0o700)
    #expect(stat("\(run)/alice.sock", &status) == 0 && status.st_mode & 0o777 == 0o600)
    // A later process inherits the new socket.
    kill(try #require(before), SIGKILL)
    _ = try await fixture.awaitStatus("alice") { $0.restarts == 1 && $0.state == "ready" }
    #expect(try fixture.answerer(atSocketOf: "alice")["pid"]?.integer != before.map(Int64.init))
    #expect(try fixture.ask(#"{"id":2,"op":"stop"}"#)["status"] == 200)
    #expect(try await fixture.end() == .exited(0))
    #expect(access("\(run)/supervisor.sock", F_OK) != 0 && access("\(run)/alice.sock", F_OK) != 0)
  }

  @Test func `socket of another process is left to it`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    _ = try fixture.ask(#"{"id":1,"op":"wait"}"#)
    let path = "\(fixture.home)/run/alice.sock"
    let temporary = "\(fixture.home)/run/other"
    let listener = try UnixListener.listen(at: temporary)
    #expect(rename(temporary, path) == 0)
    #expect(
      await eventually(within: .seconds(15)) {
        fixture.log("supervisor").contains("another process listens at \(path)")
      })
    close(listener)
    try await restored(fixture, try fixture.status("alice").pid)
  }
}
