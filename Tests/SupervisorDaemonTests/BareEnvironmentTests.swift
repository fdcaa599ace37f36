// SPDX-License-Identifier: Apache-2.0

import Glibc
import LineJSON
import ProcessSupervision
import TestSupport
import Testing
import WireProtocol

/// Supervisors that are started with less than a shell provides: as process 1, without standard descriptors, with few
/// descriptors.
@Suite(.serialized) struct BareEnvironmentTests {
  private static var canUnshare: Bool { system("/usr/bin/unshare --pid --fork true 2>/dev/null") == 0 }

  @Test(.enabled("needs the right to create PID namespaces") { canUnshare })
  func `process 1 reaps orphans and keeps its own children`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start(
      wrappedIn: ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
      ["--index", "127.0.0.1:1", "--peer", "orphan"])
    let row = try await fixture.awaitStatus("orphan") { $0.state == "ready" }
    #expect(try fixture.status("supervisor").pid == 1)
    let wrapper = try #require(fixture.processIdentifier)
    let supervisor = try #require(ProcessList.children(of: wrapper).first)
    // The shell that started it has ended, so it is a child of process 1.
    var sleeper: Int32?
    let isAdopted = await eventually {
      sleeper = ProcessList.children(of: supervisor).first { ProcessList.name($0) == "sleep" }
      return sleeper != nil
    }
    #expect(isAdopted)
    let orphan = try #require(sleeper)
    #expect(kill(orphan, SIGKILL) == 0)
    #expect(await eventually { kill(orphan, 0) != 0 }, "a zombie is left")
    // Own children still report how they ended.
    let child = try #require(ProcessList.children(of: supervisor).first { ProcessList.name($0) == "p2p-peer" })
    #expect(kill(child, SIGKILL) == 0)
    let after = try await fixture.awaitStatus("orphan") { $0.restarts == 1 && $0.state == "ready" }
    #expect(after.pid != row.pid)
    #expect(fixture.log("supervisor").contains("orphan was ended by signal 9"))
  }

  @Test func `closed standard descriptors are replaced`() async throws {
    let fixture = try SupervisorFixture()
    try await fixture.start(
      wrappedIn: ["/bin/sh", "-c", #"exec "$@" <&- >&- 2>&-"#, "sh"], ["--index", "127.0.0.1:1", "--peer", "alice"])
    _ = try await fixture.awaitStatus("alice") { $0.state == "ready" }
    let supervisor = try #require(fixture.processIdentifier)
    for number in 0...2 { #expect(ProcessList.target(ofDescriptor: number, supervisor) == "/dev/null") }
    #expect(try fixture.ask(#"{"id":1,"op":"stop"}"#)["status"] == 200)
    #expect(try await fixture.end() == .exited(0))
  }

  @Test func `soft limit of descriptors is raised`() async throws {
    let fixture = try SupervisorFixture()
    let peers = (0..<10).flatMap { ["--peer", "peer\($0)"] }
    try await fixture.start(
      wrappedIn: ["/bin/sh", "-c", #"ulimit -Sn 32; exec "$@""#, "sh"], ["--index", "127.0.0.1:1"] + peers)
    #expect(try fixture.ask(#"{"id":1,"op":"wait"}"#)["ready"] == true)
  }

  /// Some children cannot be started; the others run, and front ends are answered.
  @Test func `hard limit of descriptors leaves some for front ends`() async throws {
    let fixture = try SupervisorFixture()
    let peers = (0..<10).flatMap { ["--peer", "peer\($0)"] }
    try await fixture.start(
      wrappedIn: ["/bin/sh", "-c", #"ulimit -n 64; exec "$@""#, "sh"], ["--index", "127.0.0.1:1"] + peers)
    let hasReached = try await eventually {
      let rows = try fixture.status().values
      return rows.contains { $0.role == .peer && $0.state == "ready" }
        && rows.contains { $0.reason?.contains("Too many open files") == true }
    }
    #expect(hasReached)
    let held = try (0..<2).map { _ in try fixture.control() }
    #expect(try held[1].ask(#"{"id":1,"op":"stop"}"#)["status"] == 200)
    #expect(try await fixture.end() == .exited(0))
  }
}

/// What /proc says about processes.
private enum ProcessList {
  static func children(of parent: Int32) -> [Int32] {
    let text = TemporaryDirectory.read("/proc/\(parent)/task/\(parent)/children") ?? []
    return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
  }

  static func name(_ process: Int32) -> String {
    String(decoding: (TemporaryDirectory.read("/proc/\(process)/comm") ?? []).dropLast(), as: UTF8.self)
  }

  static func target(ofDescriptor number: Int, _ process: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    let count = readlink("/proc/\(process)/fd/\(number)", &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
