// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import ProcessSupervision
import TestSupport
import Testing
import WireProtocol

/// Output of children and their logs.
@Suite(.serialized) struct ChildOutputTests {
  /// 15 MB of output: all of it is read, and the files stay bounded.
  @Test func `output is logged and rotated`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "chatty")
    _ = try await fixture.awaitStatus("chatty") { $0.state == "ready" }
    let total = await eventually {
      ["", ".1"].reduce(0) { $0 + Self.size("\(fixture.home)/log/chatty.log\($1)") } == 15_000_000
    }
    #expect(total)
    #expect(Self.size("\(fixture.home)/log/chatty.log.1") >= 10 << 20)
    #expect(Self.size("\(fixture.home)/log/chatty.log") < 10 << 20)
  }

  private static func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// A process left behind by a child holds its output open: the supervisor must not wait for its end.
  @Test func `leftover grandchild blocks nothing`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "orphan")
    let before = try await fixture.awaitStatus("orphan") { $0.state == "ready" }
    kill(try #require(before.pid), SIGKILL)
    _ = try await fixture.awaitStatus("orphan") { $0.state == "ready" && $0.restarts == 1 }
    #expect(try fixture.ask(#"{"id":1,"op":"stop","name":"orphan"}"#)["status"] == 200)
    _ = try await fixture.awaitStatus("orphan") { $0.state == "stopped" }
    #expect(fixture.log("orphan").contains("orphan stops\n"))
  }

  @Test func `reload reopens logs that were moved away`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start("--index", "127.0.0.1:1", "--peer", "alice")
    _ = try await fixture.awaitStatus("alice") { $0.state == "ready" }
    #expect(try fixture.ask(#"{"id":1,"op":"reload"}"#)["status"] == 200)
    #expect(await eventually(within: .seconds(20)) { fixture.log("alice").contains("alice reloads\n") })
    for name in ["alice", "supervisor"] {
      #expect(rename("\(fixture.home)/log/\(name).log", "\(fixture.home)/log/\(name).old") == 0)
    }
    #expect(try fixture.ask(#"{"id":1,"op":"reload"}"#)["status"] == 200)
    #expect(await eventually(within: .seconds(20)) { fixture.log("alice").contains("alice reloads\n") })
    #expect(fixture.log("supervisor").contains("reloaded: no changes\n"))
  }
}
