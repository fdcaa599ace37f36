// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// What a malicious member of a closed network can do to the real programs of others.
@Suite(.serialized) struct MemberAttackTests {
  // MARK: The membership

  @Test func `a publisher neither invites nor revokes nor reads the log, by its daemon nor by its key`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join(as: .publisher)
      let alice = try await network.id(network.first)
      let commands = [
        ["invite", "--role", "admin"], ["members"], ["revoke", alice], ["ban", alice], ["unban", alice], ["bans"],
        ["log"],
      ]
      for command in commands {
        let outcome = try await network.second.outcome(["network"] + command + ["--peer", "bob"])
        #expect(outcome.status == 77 && outcome.output.isEmpty, "\(command): \(outcome)")
      }
      let mallory = try network.identity("mallory")
      let ticket = try await network.invite("--role", "publisher")
      let session = try await SecureClient.join(network.index, as: mallory, with: ticket)
      for operation in [
        #""op":"invite","role":"reader","uses":1,"lifetime":3600"#, #""op":"members""#, #""op":"bans""#, #""op":"log""#,
        #""op":"revoke","peer":"\#(alice)""#, #""op":"revoke","ticket":"00000000""#, #""op":"ban","peer":"\#(alice)""#,
        #""op":"unban","peer":"\#(alice)""#,
      ] {
        let reply = try await session.ask("{\"id\":3,\(operation)}")
        #expect(reply["error"]?.string == "forbidden", "\(operation): \(reply)")
      }
      await session.close()
      try await network.first.run("alice", "list")
    }
  }

  @Test func `claims are bounded and hide neither who joined nor what others claim`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join(as: .publisher)
      try await network.second.run("bob", "network", "claim", "data/bobs/")
      let mallory = try network.identity("mallory")
      let ticket = try await network.invite("--role", "publisher")
      let session = try await SecureClient.join(network.index, as: mallory, with: ticket)
      for change in ["release", "own"] {
        let reply = try await session.ask(#"{"id":4,"op":"claim","prefix":"data/bobs/","change":"\#(change)"}"#)
        #expect(reply["error"]?.string == "forbidden", "\(reply)")
      }
      // Many claims, then many changes of one.
      var (changes, last) = (0, JSONValue.null)
      while changes < 2100 {
        let prefix = changes < 100 ? changes : 0
        let change = changes >= 100 && changes % 2 == 0 ? "release" : "own"
        last = try await session.ask(#"{"id":3,"op":"claim","prefix":"data/m\#(prefix)/","change":"\#(change)"}"#)
        guard last["status"]?.integer == 200 else { break }
        changes += 1
        if changes == 100 {
          let more = try await session.ask(#"{"id":3,"op":"claim","prefix":"data/more/"}"#)
          #expect(more["limit"]?.string == "claims_per_member", "\(more)")
        }
      }
      // Twice as many if an hour of the index ends meanwhile.
      #expect(changes < 2000 && last["limit"]?.string == "claim_changes", "\(changes): \(last)")
      await session.close()
      try await network.second.run("bob", "network", "claim", "data/more/")
      #expect(
        try await network.first.expectSuccess(["network", "claim"]).lines.count { $0.contains("data/bobs/") } == 1)
      let log = try await network.first.expectSuccess(["network", "log", "-n", "100000"]).output
      for peer in [try await network.id(network.second), mallory.id.hex] {
        #expect(log.contains("joined \(peer.prefix(16)) as publisher"))
      }
    }
  }

  // MARK: Wrong bytes

  /// A session of a member that announces a content, which a server of its own delivers.
  private func announce(
    _ held: ProvenBytes, as key: String, by identity: PeerIdentity, at server: SecureServer,
    in network: ClosedInstallation
  ) async throws -> SecureClient {
    let ticket = try await network.invite("--role", "publisher")
    let session = try await SecureClient.join(network.index, as: identity, with: ticket, servingAt: server.port)
    let added = try await session.ask(#"{"id":3,"op":"add","documents":[\#(held.document(key))]}"#)
    #expect(added["added"]?.integer == 1, "\(added)")
    session.keepAlive()
    return session
  }

  @Test(arguments: [HostileHolder.Habit.wrongBytes, .wrongHashes])
  func `wrong bytes become no file, and an honest holder is enough`(habit: HostileHolder.Habit) async throws {
    try await ClosedInstallation.with { network in
      try await network.join(as: .reader)
      let bytes = pattern(3_000_000)
      let held = try ProvenBytes(bytes)
      let mallory = try network.identity("mallory")
      try await SecureServer.with(mallory, answer: HostileHolder.answer(habit, as: mallory, held)) { server in
        let session = try await announce(held, as: "file/x", by: mallory, at: server, in: network)
        let target = network.second.directory.file("got")
        let alone = try await network.second.outcome(["get", "file/x", "-o", target])
        #expect(alone.status == 76 && alone.errors.contains("mallory"), "\(alone)")
        #expect(!server.requests(habit == .wrongBytes ? "get" : "hashes").isEmpty)
        let left = try FileManager.default.contentsOfDirectory(atPath: network.second.directory.path)
        #expect(!left.contains("got"), "\(left)")

        try await network.first.run("alice", "add", try network.first.directory.write("x", bytes))
        try await network.second.expectSuccess(["get", "file/x", "-o", target])
        #expect(TemporaryDirectory.read(target) == bytes)
        await session.close()
      }
    }
  }

  // MARK: Directories and terminals

  @Test func `keys lead nowhere else, and titles, names and refusals move no terminal`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join(as: .reader)
      let held = try ProvenBytes(pattern(1000))
      let mallory = try network.identity("mallory")
      try await SecureServer.with(mallory, answer: HostileHolder.answer(.escapes, as: mallory, held)) { server in
        let session = try await announce(held, as: "data/set/x", by: mallory, at: server, in: network)
        for key in [
          "data/../../x", "data/set/../../x", "data/..", "data/./x", "data//x", "/etc/x", "../x", "data/set/x/",
          #"data/\u0000"#, #"data/\#(HostileHolder.escapes)"#,
        ] {
          let reply = try await session.ask(#"{"id":4,"op":"add","documents":[\#(held.document(key))]}"#)
          #expect(reply["status"]?.integer == 400 || reply["status"]?.integer == 422, "\(key): \(reply)")
        }
        let title = held.document("data/set/y", title: HostileHolder.escapes)
        let reply = try await session.ask(#"{"id":4,"op":"add","documents":[\#(title)]}"#)
        #expect(reply["status"]?.integer ?? 200 != 200, "\(reply)")
        let named = try await SecureClient.connect(
          to: network.index, as: mallory,
          sending: [SecureClient.hello(mallory).replacing("mallory", with: HostileHolder.escapes)])
        #expect(try await named.line()?["status"]?.integer ?? 200 != 200)
        await named.close()
        #expect(try await network.keys(network.first) == ["data/set/x"])

        // What the holder says instead of bytes reaches the terminal of the downloader.
        let program = try Program("p2pctl", environment: ["P2P_HOME": network.second.home.path])
        let target = network.second.directory.file("got")
        for terminal in [
          try TypedSession(program, "list"), try TypedSession(program, "get", "data/set/x", "-o", target),
        ] {
          let shown = try await terminal.end().shown
          #expect(shown.contains("data/set/x"), "\(shown.debugDescription)")
          let moves: Set<Unicode.Scalar> = ["\u{1B}", "\u{7}", "\u{9B}", "\u{202E}"]
          #expect(!shown.unicodeScalars.contains { moves.contains($0) }, "\(shown.debugDescription)")
        }
        await session.close()
      }
    }
  }

  @Test func `a prefix fills its directory alone and replaces nothing`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join(as: .reader)
      let (alice, bob) = (network.first, network.second)
      for (key, seed) in [("data/set/a", 1), ("data/set/sub/b", 2), ("data/set/c", 3)] as [(String, UInt64)] {
        let file = try alice.directory.write("file\(seed)", pattern(100, seed: seed))
        try await alice.run("alice", "add", file, "--key", key)
      }
      // What is there before: another file, and a link that leads out.
      let outside = try TemporaryDirectory()
      mkdir(bob.directory.file("set"), 0o700)
      try bob.directory.write("set/c", pattern(50))
      #expect(symlink(outside.path, bob.directory.file("set/sub")) == 0)
      let outcome = try await bob.outcome(["get", "data/set/", "-o", bob.directory.file("set")])
      #expect(outcome.status == 73 && outcome.errors.contains("--force"), "\(outcome)")
      #expect(TemporaryDirectory.read(bob.directory.file("set/a")) == pattern(100, seed: 1))
      #expect(TemporaryDirectory.read(bob.directory.file("set/c")) == pattern(50), "kept")
      #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path).isEmpty)
    }
  }
}
