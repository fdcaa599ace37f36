// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing

/// A stranger on another machine that takes every connection and every handshake that its address can have.
@Suite(.serialized, .enabled(if: TwoMachines.isPossible, "needs root and network namespaces"))
struct FloodTests {
  /// Of members, so that they do not share what the stranger's address may have: from the second to the first machine.
  private static let (members, index) = ("10.77.0.3", "10.77.0.4")

  private func connect(_ machines: TwoMachines) async throws {
    let outcomes = [
      try await machines.first.shell("/usr/sbin/ip address add \(Self.index)/24 dev eth0"),
      try await machines.second.shell(
        "/usr/sbin/ip address add \(Self.members)/24 dev eth0 && "
          + "/usr/sbin/ip route add \(Self.index)/32 dev eth0 src \(Self.members)"),
    ]
    for outcome in outcomes { try #require(outcome.status == 0, "\(outcome.errors)") }
  }

  /// Opens connections that say nothing, that begin a handshake, or that begin a line, and keeps them until it is killed.
  /// - Returns: the process that has them.
  private func flood(
    _ machines: TwoMachines, port: String, count: Int, beginning: String
  ) async throws -> Int32 {
    let fifo = machines.stranger.home.file("wait\(port)")
    let opened = machines.stranger.home.file("opened\(port)")
    if access(fifo, F_OK) != 0 { try #require(mkfifo(fifo, 0o600) == 0) }
    let script = """
      ulimit -n 4096
      for number in $(seq \(count)); do
        exec {connection}<>/dev/tcp/\(machines.first.address)/\(port) || continue
        printf '\(beginning)' >&$connection 2> /dev/null
      done
      touch '\(opened)'
      read -t 3600 <> '\(fifo)'
      """
    let pid = try Program(path: "/usr/sbin/ip").start(
      ["netns", "exec", machines.stranger.namespace, "/bin/bash", "-c", "trap '' PIPE; " + script],
      output: machines.stranger.home.file("flood"))
    let isOpen = await eventually { access(opened, F_OK) == 0 }
    unlink(opened)
    #expect(isOpen)
    return pid
  }

  @Test func `silent connections and half-open handshakes keep nobody else out, and are counted`() async throws {
    try await TwoMachines.with { machines in
      try await connect(machines)
      try await machines.first.expect("supervisor", "start", "--serve-index", ":7734", "--peer", "alice")
      try await machines.first.expect("add", try machines.first.files.write("paper.txt", pattern(300_000)))
      let invited = try await machines.first.expect(
        "network", "invite", "--role", "publisher", "--address", "\(Self.index):7734")
      try await machines.second.expect("join", try #require(invited.lines.first), "--peer", "bob")
      let uploads = try #require(try await machines.first.rows("status").first?["uploads"]?.string)
      let port = try #require(uploads.split(separator: ":").last.map(String.init))

      // Beyond the connections of an address, and far beyond its handshakes.
      let hello = #"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"#
      var floods: [Int32] = []
      defer {
        for flood in floods {
          kill(flood, SIGKILL)
          waitpid(flood, nil, 0)
        }
      }
      floods.append(try await flood(machines, port: "7734", count: 200, beginning: hello))
      floods.append(try await flood(machines, port: "7734", count: 300, beginning: ""))
      floods.append(try await flood(machines, port: port, count: 100, beginning: hello))
      for machine in [machines.first, machines.second] {
        #expect(try await machine.rows("lookup", "file/paper.txt").count == 1)
      }
      try await machines.second.expect("get", "file/paper.txt", "-o", machines.second.files.file("got"))
      #expect(TemporaryDirectory.read(machines.second.files.file("got")) == pattern(300_000))
      // New connections, too.
      try await machines.second.expect("supervisor", "restart")
      let isBack = try await eventually {
        try await machines.second.p2pctl("lookup", "file/paper.txt").status == 0
      }
      #expect(isBack)

      let stats = try #require(try await machines.first.rows("status", "--index").first)
      let refused = try #require(stats["refused"]?.array)
      #expect(refused.map { $0["host"]?.string } == [machines.second.address], "\(refused)")
      #expect(refused.first?["limit"]?.string == "connections_per_address")
      #expect(refused.first?["count"]?.integer ?? 0 >= 40, "\(refused)")
      let limits = try await machines.first.expect("network", "limits").lines
      #expect(limits.contains { $0.split(separator: " ") == ["connections_per_address", "256", "address"] })
      for (name, limit) in [("index", 256), ("alice", 32)] {
        let log = TemporaryDirectory.read(machines.first.home.file("log/\(name).log")) ?? []
        let lines = String(decoding: log, as: UTF8.self).split(separator: "\n").filter { $0.contains("refus") }
        #expect(lines.contains { $0.contains("an address that has \(limit) open") }, "\(lines)")
        #expect(lines.count < 10, "\(name) does not log each: \(lines)")
      }
    }
  }
}
