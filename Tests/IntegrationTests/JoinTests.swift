// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing
import WireProtocol

/// A closed network of two machines: what the owner of the second one does, and what strangers get.
@Suite(.serialized, .enabled(if: TwoMachines.isPossible, "needs root and network namespaces"))
struct JoinTests {
  private static let index = "10.77.0.1:7734"

  /// Index and alice on the first machine, and a ticket.
  private func start(_ machines: TwoMachines, inviting role: String = "publisher") async throws -> String {
    let started = try await machines.first.expect(
      "supervisor", "start", "--serve-index", ":7734", "--peer", "alice")
    #expect(started.output.contains("alice: connected to the index"), "\(started)")
    #expect(started.errors.contains("p2pctl network invite"))
    return try #require(try await machines.first.expect("network", "invite", "--role", role).lines.first)
  }

  @Test func `one line lets the second machine list, get and add`() async throws {
    try await TwoMachines.with { machines in
      let ticket = try await start(machines)
      #expect(try Ticket(ticket).addresses.map(\.description) == [Self.index])
      let paper = try machines.first.files.write("paper.txt", pattern(300_000))
      try await machines.first.expect("add", paper)

      let start = ContinuousClock.now
      try await machines.second.expect("join", ticket, "--peer", "bob")
      let joined = ContinuousClock.now - start
      #expect(joined < .seconds(10), "\(joined)")

      #expect(try await machines.second.rows("list").map { $0["key"]?.string } == ["file/paper.txt"])
      try await machines.second.expect("get", "file/paper.txt", "-o", machines.second.files.file("got"))
      #expect(TemporaryDirectory.read(machines.second.files.file("got")) == pattern(300_000))
      let reply = try machines.second.files.write("reply.txt", pattern(500))
      try await machines.second.expect("add", reply)
      try await machines.first.expect("get", "file/reply.txt", "-o", machines.first.files.file("got"))
      #expect(TemporaryDirectory.read(machines.first.files.file("got")) == pattern(500))
      let status = try #require(try await machines.second.rows("status").first)
      #expect(status["index"]?["role"]?.string == "publisher" && status["index"]?["source"]?.string == "connect")

      // The port to open in a firewall.
      let isShown = try await eventually(within: .seconds(20)) {
        let own = try await machines.second.rows("status").first?["uploads"]?.string
        let supervised = try await machines.second.rows("supervisor", "status").first { $0["name"]?.string == "bob" }
        return own?.hasPrefix("10.77.0.2:") == true && supervised?["address"]?.string == own
      }
      #expect(isShown, "the address at which other machines reach it")

      try await machines.second.expect("supervisor", "restart")
      let isBack = try await eventually(within: .seconds(20)) {
        try await machines.second.p2pctl("lookup", "file/paper.txt").status == 0
      }
      #expect(isBack, "membership and index outlast a restart")

      try await machines.first.expect("supervisor", "stop")
      _ = try await machines.second.p2pctl("supervisor", "restart")
      let uploads = try await machines.second.rows("status").first?["uploads"]?.string
      #expect(uploads?.hasPrefix("10.77.0.2:") == true, "members are served while the index is away: \(uploads ?? "")")
    }
  }

  @Test func `a stranger gets nothing from the index nor from a peer`() async throws {
    try await TwoMachines.with { machines in
      _ = try await start(machines)
      let paper = try machines.first.files.write("paper.txt", pattern(1000))
      try await machines.first.expect("add", paper)
      let row = try #require(try await machines.first.rows("lookup", "file/paper.txt").first)
      let eve = machines.stranger
      try await eve.expect("supervisor", "start", "--index", Self.index, "--peer", "eve")
      let own = try eve.files.write("eves.txt", pattern(10))
      for command in [["list"], ["lookup", "file/paper.txt"], ["get", "file/paper.txt"], ["add", own], ["peers"]] {
        let outcome = try await eve.run([try Program("p2pctl").path] + command)
        #expect(outcome.status == 77 && outcome.errors.contains("p2pctl join TICKET"), "\(command): \(outcome)")
        #expect(!outcome.output.contains("paper"))
      }
      #expect(try await machines.first.rows("list").map { $0["key"]?.string } == ["file/paper.txt"])
      #expect(try await eve.rows("status").first?["index"]?["role"]?.string == "none")

      // Its key and OpenSSL, past all programs of ours: at the peer whose address it has learned somehow.
      let uploads = try #require(try await machines.first.rows("status").first?["uploads"]?.string)
      let port = try #require(uploads.split(separator: ":").last)
      let key = eve.home.file("state/eve/key.pem")
      let id = try #require(try await eve.rows("status").first?["id"]?.string)
      let hello = #"{"id":1,"op":"hello","protocol":1,"peer":"\#(id)","name":"eve"}"#
      let content = #""content":"\#(row["content"]?.string ?? "")","size":1000"#
      let get = #"{"id":2,"op":"get",\#(content),"offset":0,"length":1000}"#
      let probe = try await eve.shell(
        """
        openssl req -x509 -new -key '\(key)' -subj /CN=p2p -days 30 -out '\(eve.files.path)/cert.pem' 2>/dev/null
        (echo '\(hello)'; echo '\(get)'; sleep 1) | timeout 10 openssl s_client -connect \(machines.first.address):\(port) \
        -key '\(key)' -cert '\(eve.files.path)/cert.pem' -quiet 2>/dev/null
        """)
      #expect(probe.output.contains("forbidden") && probe.output.contains("show a pass"), "\(probe)")
      #expect(!probe.output.contains(#""length""#))
      let log = try await machines.first.expect("network", "log").output
      #expect(log.contains("refused \(id.prefix(16)) from 10.77.0.2"), "\(log)")
    }
  }

  @Test func `an open network that is closed keeps its state, and its peers join with what they have`() async throws {
    try await TwoMachines.with { machines in
      try await machines.first.expect("supervisor", "start", "--serve-index", ":7734", "--open", "--peer", "alice")
      try await machines.second.expect("supervisor", "start", "--index", Self.index, "--peer", "bob")
      try await machines.first.expect("add", try machines.first.files.write("alices.txt", pattern(10)))
      try await machines.second.expect("add", try machines.second.files.write("bobs.txt", pattern(20)))
      #expect(try await machines.first.rows("list").count == 2)
      #expect(try await machines.first.p2pctl("network", "invite").status == 77, "nobody is invited to an open network")

      try await machines.first.expect("supervisor", "stop")
      try await machines.first.expect("supervisor", "start", "--serve-index", ":7734", "--peer", "alice")
      let isKept = try await eventually {
        try await machines.first.rows("list").map { $0["key"]?.string } == ["file/alices.txt"]
      }
      #expect(isKept)
      let isOut = try await eventually(within: .seconds(20)) {
        let outcome = try await machines.second.p2pctl("list")
        return outcome.status == 77 && outcome.errors.contains("this network is closed")
      }
      #expect(isOut, "bob is told why")
      let ticket = try #require(try await machines.first.expect("network", "invite", "--role", "publisher").lines.first)
      try await machines.second.expect("join", ticket, "--share-existing")
      let areBack = try await eventually { try await machines.first.rows("list").count == 2 }
      #expect(areBack)
    }
  }

  @Test func `why a process is down is told on its machine only`() async throws {
    try await TwoMachines.with { machines in
      _ = try await start(machines)
      let alice = try await machines.first.rows("supervisor", "status").first { $0["name"]?.string == "alice" }
      let port = try Endpoint(try #require(alice?["address"]?.string)).port
      try machines.first.home.write("state/alice/key.pem", Array("no key".utf8))
      _ = try await machines.first.p2pctl("supervisor", "restart", "alice")
      func answer(to machine: TwoMachines.Machine, at host: String) async throws -> String {
        try await machine.shell("exec 3<>/dev/tcp/\(host)/\(port); head -n 1 <&3").output
      }
      let isTold = try await eventually {
        try await answer(to: machines.first, at: "127.0.0.1").contains("state/alice/key.pem")
      }
      #expect(isTold)
      let elsewhere = try await answer(to: machines.second, at: machines.first.address)
      #expect(elsewhere.contains(#""status":503"#) && elsewhere.contains("alice"), "\(elsewhere)")
      #expect(!elsewhere.contains("key.pem") && !elsewhere.contains(machines.first.home.path), "\(elsewhere)")
    }
  }

  @Test func `a ticket is no use where another index stands at its address`() async throws {
    try await TwoMachines.with { machines in
      let ticket = try await start(machines)
      try await machines.first.expect("supervisor", "stop")
      for name in ["key.pem", "network.sqlite", "begun"] {
        unlink(machines.first.home.file("state/index/\(name)"))
      }
      try await machines.first.expect("supervisor", "start")
      let refused = try await machines.second.p2pctl("join", ticket, "--peer", "bob")
      let index = try Ticket(ticket).index.hex
      #expect(refused.status == 77 && refused.errors.contains(index), "\(refused)")
      #expect(try await machines.second.rows("status").first?["index"]?["source"]?.string == "settings")
      let log = TemporaryDirectory.read(machines.first.home.file("log/index.log")) ?? []
      #expect(!String(decoding: log, as: UTF8.self).contains(try Ticket(ticket).secret.hex))
    }
  }
}
