// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// The real programs in a closed network: what members may do, and what ends it.
@Suite(.serialized) struct MembershipTests {
  @Test func `one of many uses a ticket, and may use it again`() async throws {
    try await ClosedInstallation.with { network in
      let ticket = try await network.invite()
      let join = #"{"id":2,"op":"join","secret":"\#(ticket.secret.hex)"}"#
      let identities = try (0..<100).map { try network.identity("peer\($0)") }
      let index = network.index
      let replies = try await withThrowingTaskGroup(of: (Int, JSONValue).self) { group in
        for (number, identity) in identities.enumerated() {
          group.addTask { (number, try await SecureClient.ask(index, as: identity, join)) }
        }
        return try await group.reduce(into: [Int: JSONValue]()) { $0[$1.0] = $1.1 }
      }
      let winners = replies.filter { $0.value["role"]?.string == "reader" }.keys.sorted()
      #expect(winners.count == 1)
      #expect(replies.values.count { $0["error"]?.string == "forbidden" } == 99)
      let winner = identities[try #require(winners.first)]
      // The answer may have been lost.
      #expect(try await SecureClient.ask(index, as: winner, join)["role"]?.string == "reader")
      let log = try await network.first.expectSuccess(["network", "log"]).output
      #expect(log.contains("joined \(winner.id.hex.prefix(16)) as reader"))
      #expect(log.contains("refused") && !log.contains(ticket.secret.hex))
      #expect(try await network.first.expectSuccess(["network", "members"]).output.contains(winner.id.hex.prefix(16)))
    }
  }

  @Test func `stolen, expired, foreign and damaged passes are refused`() async throws {
    try await ClosedInstallation.with { network in
      let file = try network.first.directory.write("paper.txt", pattern(1000))
      try await network.first.run("alice", "add", file)
      let row = try #require(try await network.first.rows("alice", "lookup", "file/paper.txt").first)
      let content = #""content":"\#(row["content"]?.string ?? "")","size":1000"#
      let get = #"{"id":2,"op":"get",\#(content),"offset":0,"length":1000}"#
      let uploads = try await network.uploads
      let (bob, eve) = (try network.identity("bob"), try network.identity("eve"))
      let issuer = try network.issuer
      let other = PassIssuer(try network.identity("other"))
      let now = Timestamp(seconds: Int64(time(nil)))
      func pass(_ issuer: PassIssuer, _ peer: PeerIdentity, at time: Timestamp) throws -> String {
        try #require(issuer.pass(for: peer.id, as: .reader, at: time)).text
      }
      /// The reply to `get`, or to `hello` if that is refused.
      func reply(_ identity: PeerIdentity, _ pass: String?) async throws -> JSONValue {
        let client = try await SecureClient.connect(
          to: uploads, as: identity, sending: [SecureClient.hello(identity, pass: pass), get])
        let hello = try await client.line()
        let reply = hello?["status"]?.integer == 200 ? try await client.line() : hello
        await client.close()
        return try #require(reply)
      }
      let valid = try pass(issuer, bob, at: now)
      #expect(try await reply(bob, valid)["length"]?.integer == 1000)
      var flipped = Array(valid.utf8)
      flipped[flipped.count - 20] =
        flipped[flipped.count - 20] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      let refused: [(PeerIdentity, String?, String)] = [
        (bob, nil, "show a pass"), (eve, valid, "another peer"),
        (bob, try pass(issuer, bob, at: Timestamp(seconds: now.seconds - 700)), "expired"),
        (bob, try pass(issuer, bob, at: Timestamp(seconds: now.seconds + 700)), "too long"),
        (bob, try pass(other, bob, at: now), "another network"),
        (bob, String(decoding: flipped, as: UTF8.self), "signature"),
      ]
      for (identity, pass, reason) in refused {
        let reply = try await reply(identity, pass)
        #expect(reply["error"]?.string == "forbidden" && reply["message"]?.string?.contains(reason) == true, "\(reply)")
      }
      // Without TLS nothing is proven.
      let plain = try RawConnection(to: uploads)
      #expect(try plain.ask(SecureClient.hello(bob, pass: valid))["error"]?.string == "forbidden")
    }
  }

  @Test func `sessions of a revoked member end at once`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join()
      let file = try network.second.directory.write("bobs.txt", pattern(10))
      try await network.second.expectSuccess(["add", file])
      #expect(try await network.keys(network.first) == ["file/bobs.txt"])
      // Another member, whose connection only listens.
      let carol = try network.identity("carol")
      let ticket = try await network.invite()
      let client = try await SecureClient.join(network.index, as: carol, with: ticket)
      #expect(try await client.ask(#"{"id":3,"op":"list"}"#)["documents"]?.array?.count == 1)
      let start = ContinuousClock.now
      try await network.first.expectSuccess(["network", "revoke", String(carol.id.hex.prefix(12))])
      let last = try await client.line()
      #expect(last?["error"]?.string == "forbidden" && last?["id"] == .null)
      #expect(try await client.line() == nil, "the connection is closed")
      #expect(ContinuousClock.now - start < .seconds(5))
      let again = try await SecureClient.ask(network.index, as: carol, #"{"id":2,"op":"list"}"#)
      #expect(again["error"]?.string == "forbidden")

      try await network.first.expectSuccess(["network", "revoke", try await network.id(network.second)])
      #expect(try await network.keys(network.first).isEmpty, "nobody finds what it shared")
      let isOut = try await eventually { try await network.second.outcome(["list"]).status == 77 }
      #expect(isOut)
      #expect(try await network.second.outcome(["add", file]).status == 77)
    }
  }

  @Test func `a claim keeps others out until they are allowed`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join()
      // At the machine of the index also a whole collection.
      let claimed = try await network.first.expectSuccess(["network", "claim", "data/"])
      let alice = try await network.id(network.first)
      #expect(claimed.output.contains(alice.prefix(16)), "it is for the own peer")
      try await network.first.expectSuccess(["network", "claim", "data/", "--release"])
      try await network.first.expectSuccess(["--peer", "alice", "network", "claim", "data/cats/"])
      let file = try network.second.directory.write("cat.jpg", pattern(10))
      let add = ["add", file, "--key", "data/cats/1"]
      let refused = try await network.second.outcome(add)
      #expect(refused.status == 77 && refused.errors.contains("claim"), "\(refused)")
      #expect(try await network.keys(network.first).isEmpty)
      let bob = try await network.id(network.second)
      try await network.first.expectSuccess(["--peer", "alice", "network", "claim", "data/cats/", "--allow", bob])
      try await network.second.expectSuccess(add)
      #expect(try await network.keys(network.first) == ["data/cats/1"])
      #expect(try await network.second.outcome(["network", "claim", "data/cats/", "--for", bob]).status == 77)
      #expect(try await network.second.expectSuccess(["network", "claim"]).output.contains(bob.prefix(16)))
    }
  }

  @Test func `readers seed what publishers share, and nothing else`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join(as: .reader)
      let paper = try network.first.directory.write("paper.txt", pattern(1000))
      try await network.first.run("alice", "add", paper)
      let target = network.second.directory.file("got")
      try await network.second.expectSuccess(["get", "file/paper.txt", "-o", target])
      let isSeeded = try await eventually {
        try await network.first.rows("alice", "lookup", "file/paper.txt").count == 2
      }
      #expect(isSeeded)
      let own = try network.second.directory.write("own.txt", pattern(10))
      #expect(try await network.second.outcome(["add", own]).status == 77)
      #expect(Set(try await network.keys(network.first)) == ["file/paper.txt"])
      #expect(try await network.second.outcome(["network", "members"]).status == 77)
      #expect(try await network.second.outcome(["network", "invite"]).status == 77)
    }
  }

  @Test func `members come back after kill -9 of the index, and strangers do not`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join()
      let file = try network.second.directory.write("bobs.txt", pattern(10))
      try await network.second.expectSuccess(["add", file])
      let pid = try await network.first.process("index").pid
      try await network.first.killProcess("index")
      let isBack = await eventually(within: .seconds(30)) { await network.first.isBack("index", after: pid) }
      #expect(isBack)
      let areBack = try await eventually(within: .seconds(30)) {
        let lists = [
          try await network.first.outcome(["list", "--json"]), try await network.second.outcome(["list", "--json"]),
        ]
        return lists.allSatisfy { $0.lines.count == 1 }
      }
      #expect(areBack)
      let eve = try network.identity("eve")
      #expect(
        try await SecureClient.ask(network.index, as: eve, #"{"id":2,"op":"list"}"#)["error"]?.string == "forbidden")
    }
  }

  @Test func `what was shared before stays unknown unless its owner wants`() async throws {
    try await ClosedInstallation.with { network in
      try await network.second.expectSuccess(["supervisor", "start", "--serve-index", "127.0.0.1:0", "--peer", "bob"])
      let private1 = try network.second.directory.write("diary.txt", pattern(10))
      try await network.second.expectSuccess(["add", private1])
      let ticket = try await network.invite("--role", "publisher", "--uses", "2")
      let joined = try await network.second.expectSuccess(["join", ticket.text])
      #expect(joined.errors.contains("1 document"))
      let new = try network.second.directory.write("new.txt", pattern(20))
      try await network.second.expectSuccess(["add", new])
      #expect(try await network.keys(network.first) == ["file/new.txt"])
      try await network.second.expectSuccess(["supervisor", "restart"])
      let isBack = try await eventually { try await network.keys(network.first) == ["file/new.txt"] }
      #expect(isBack, "also after a restart")
      try await network.second.expectSuccess(["join", ticket.text, "--share-existing"])
      let isShared = try await eventually {
        try await network.keys(network.first) == ["file/diary.txt", "file/new.txt"]
      }
      #expect(isShared)
    }
  }

  @Test func `limits of members are set in the configuration, listed and kept`() async throws {
    let configuration = """
      [index]
      listen = "127.0.0.1:0"
      [network]
      open = false
      [network.limits]
      sessions_per_member = 2
      records_per_member = 1
      [peers.alice]
      """
    try await Installation.with(configuration: configuration) { installation in
      let limits = try await installation.expectSuccess(["network", "limits"]).output
      #expect(limits.contains("sessions_per_member") && limits.contains("member"))
      let files = try (0..<2).map { try installation.directory.write("\($0).txt", pattern(10, seed: UInt64($0 + 1))) }
      try await installation.run("alice", "add", files[0])
      try await installation.run("alice", "add", files[1])
      let status = try #require(try await installation.rows("alice", "status").first)
      #expect(status["index"]?["error"]?.string?.contains("1 records per member") == true, "\(status)")
      #expect(try await installation.rows("alice", "list").count == 1)
    }
  }

  @Test func `secrets stay out of logs, command lines and other users' reach`() async throws {
    try await ClosedInstallation.with { network in
      let ticket = try await network.invite("--role", "publisher")
      let input = try network.second.directory.write("ticket", Array((ticket.text + "\n").utf8))
      let joined = try await Program(path: "/bin/sh", environment: ["P2P_HOME": network.second.home.path])
        .run("-c", "'\(try Program("p2pctl").path)' join - --peer bob --json < '\(input)'")
      #expect(joined.status == 0, "\(joined.errors)")
      let secrets = [ticket.secret.hex, String(ticket.text.dropFirst(20).prefix(60))]
      for home in [network.first.home, network.second.home] {
        // To be found, or the search is none.
        let controls = try ["log", "state"].enumerated().map { number, place in
          try home.write("\(place)/control", Array("x\(secrets[number])x\n".utf8))
        }
        let found = try await Program(path: "/usr/bin/grep").run(
          "-rl", "-e", secrets[0], "-e", secrets[1], home.file("log"), home.file("state"))
        #expect(found.status == 0 && Set(found.lines) == Set(controls), "\(found)")
      }
      let started = try await network.second.process("bob").pid
      for entry in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
        guard let pid = Int32(entry), let words = TemporaryDirectory.read("/proc/\(pid)/cmdline") else { continue }
        let line = String(decoding: words, as: UTF8.self)
        #expect(!secrets.contains { line.contains($0) })
        if pid == started { #expect(line.contains("p2p-peer"), "\(line)") }
      }
      for path in ["state/index/key.pem", "state/index/network.sqlite", "run/index.sock"] {
        var status = stat()
        #expect(lstat(network.first.home.file(path), &status) == 0 && status.st_mode & 0o077 == 0, "\(path)")
      }
      #expect(!joined.output.contains(ticket.secret.hex))
      for process in ["index", "alice"] {
        let limits = TemporaryDirectory.read("/proc/\(try await network.first.process(process).pid)/limits") ?? []
        let core = String(decoding: limits, as: UTF8.self).split(separator: "\n").first {
          $0.hasPrefix("Max core file")
        }
        #expect(core?.split(separator: " ").suffix(3) == ["0", "0", "bytes"])
      }
    }
  }

  @Test func `a ticket that is typed is in no core dump`() async throws {
    try await ClosedInstallation.with { network in
      let fifo = network.second.directory.file("ticket")
      try #require(mkfifo(fifo, 0o600) == 0)
      // The command waits for the ticket.
      let script = """
        ulimit -c unlimited || true
        '\(try Program("p2pctl").path)' join - < '\(fifo)' & command=$!
        exec 3> '\(fifo)'
        for try in $(seq 200); do
          grep -q 'Max core file size *0  *0 ' /proc/$command/limits && echo bounded && break
          sleep 0.05
        done
        kill $command
        """
      let outcome = try await Program(path: "/bin/sh", environment: ["P2P_HOME": network.second.home.path])
        .run("-c", script)
      #expect(outcome.lines == ["bounded"], "\(outcome.output) \(outcome.errors)")
    }
  }
}
