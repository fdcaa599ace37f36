// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import Glibc
import LineJSON
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// What the real programs of a closed network grant to somebody who reaches their ports and does not belong.
@Suite(.serialized) struct StrangerTests {
  private static let openssl = Program(ofSystem: "/usr/bin/openssl")
  private static let curl = Program(ofSystem: "/usr/bin/curl")

  // MARK: The index

  @Test func `a stranger's session is answered join and ping alone, and a plain one hello and ping`() async throws {
    try await ClosedInstallation.with { network in
      try await network.first.run("alice", "add", try network.first.directory.write("paper.txt", pattern(10)))
      let alice = try await network.id(network.first)
      let paper = try ProvenBytes(pattern(10))
      let operations = [
        #""op":"list""#, #""op":"lookup","key":"file/paper.txt""#, #""op":"lookup",\#(paper.named)"#, #""op":"peers""#,
        #""op":"watch""#, #""op":"stats""#, #""op":"add","documents":[\#(paper.document("file/x"))]"#, #""op":"claim""#,
        #""op":"remove","documents":[{"key":"file/paper.txt",\#(paper.named)}]"#, #""op":"members""#, #""op":"log""#,
        #""op":"invite","role":"admin","uses":1,"lifetime":3600"#, #""op":"revoke","peer":"\#(alice)""#,
        #""op":"ban","peer":"\#(alice)""#, #""op":"bans""#, #""op":"limits""#,
      ]
      let eve = try network.identity("eve")
      let session = try await SecureClient.connect(
        to: network.index, as: eve, sending: [SecureClient.hello(eve, servingAt: 9)])
      #expect(try await session.line()?["role"]?.string == "none")
      let plain = try RawConnection(to: network.index)
      let nobody = String(repeating: "0", count: 64)
      let hello = SecureClient.hello(eve, servingAt: 9).replacing(eve.id.hex, with: nobody)
      #expect(try plain.ask(hello)["status"]?.integer == 200)
      for operation in operations {
        for reply in [
          try await session.ask("{\"id\":2,\(operation)}"), try plain.ask("{\"id\":2,\(operation)}"),
        ] {
          #expect(reply["error"]?.string == "forbidden", "\(operation): \(reply)")
          #expect(reply.object?.count == 4, "nothing but the refusal: \(reply)")
        }
      }
      #expect(try await session.ask(#"{"id":3,"op":"ping"}"#)["status"]?.integer == 200)
      await session.close()
      #expect(try await network.keys(network.first) == ["file/paper.txt"])
    }
  }

  @Test func `guessed and damaged tickets are refused and logged, and the right one is not used up`() async throws {
    try await ClosedInstallation.with { network in
      let ticket = try await network.invite("--role", "publisher")
      let eve = try network.identity("eve")
      let session = try await SecureClient.connect(to: network.index, as: eve, sending: [SecureClient.hello(eve)])
      _ = try await session.line()
      let digits = Array(ticket.secret.hex)
      // Each digit wrong, then secrets at random.
      var guesses = digits.indices.map { place in
        var guess = digits
        guess[place] = guess[place] == "0" ? "1" : "0"
        return String(guess)
      }
      var generator = SystemRandomNumberGenerator()
      guesses += (0..<100).map { _ in TicketSecret(using: &generator).hex }
      for guess in guesses {
        let reply = try await session.ask(#"{"id":2,"op":"join","secret":"\#(guess)"}"#)
        #expect(reply["error"]?.string == "forbidden", "\(reply)")
      }
      for secret in ["", "0", ticket.secret.hex + "0", String(ticket.secret.hex.dropLast())] {
        let reply = try await session.ask(#"{"id":2,"op":"join","secret":"\#(secret)"}"#)
        #expect(reply["status"]?.integer ?? 200 != 200, "\(reply)")
      }
      await session.close()
      let log = try await network.first.expectSuccess(["network", "log"]).output
      #expect(log.contains("refused \(eve.id.hex.prefix(16)) from 127.0.0.1"), "\(log)")

      let guessed = Ticket(
        addresses: ticket.addresses, index: ticket.index, secret: TicketSecret(using: &generator), role: .admin,
        expires: ticket.expires)
      for line in [guessed.text, String(ticket.text.dropLast(9)), ticket.text.replacing("p2p-join:", with: "p2p:")] {
        #expect(try await network.second.outcome(["join", line, "--peer", "bob"]).status != 0)
      }
      try await network.second.expectSuccess(["join", ticket.text, "--peer", "bob"])
      #expect(try await network.first.expectSuccess(["network", "members"]).output.contains("publisher"))
    }
  }

  // MARK: In the place of others

  @Test func `nobody takes the place of a known index, neither with another key nor without TLS`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join()
      let (bob, eve) = (network.second, try network.identity("eve"))
      let known = try await network.invite("--role", "publisher")
      try await network.first.expectSuccess(["supervisor", "stop"])
      let welcome: SecureServer.Answer = { request, _ in
        HostileIndex.reply(request["id"]?.integer ?? 0, #""server":"x","host":"127.0.0.1","limits":{},"documents":[]"#)
      }
      let impostors: [(PeerIdentity?, [String])] = [(nil, ["without TLS"]), (eve, [known.index.hex, eve.id.hex])]
      for (identity, words) in impostors {
        try await SecureServer.with(identity, port: network.index.port, answer: welcome) { server in
          let isRefused = try await eventually {
            let error = try await bob.rows("bob", "status").first?["index"]?["error"]?.string ?? ""
            return words.allSatisfy { error.contains($0) }
          }
          #expect(isRefused, "\(words)")
          for command in [["join", known.text], ["connect", "\(network.index)"]] {
            #expect(try await bob.outcome(command).status != 0, "\(command)")
          }
          #expect(server.requests.isEmpty, "\(server.requests)")
        }
      }
    }
  }

  @Test func `nobody takes the place of a peer, at the index nor at its address`() async throws {
    try await ClosedInstallation.with { network in
      try await network.join()
      let alice = try await network.id(network.first)
      let (eve, carol) = (try network.identity("eve"), try network.identity("carol"))
      let hello = SecureClient.hello(eve, servingAt: 9).replacing(eve.id.hex, with: alice)
      let session = try await SecureClient.connect(to: network.index, as: eve, sending: [hello])
      #expect(try await session.line()?["error"]?.string == "forbidden", "the id is not that of the key")
      await session.close()
      let claim = try RawConnection(to: network.index).ask(hello)
      #expect(claim["error"]?.string == "forbidden" && claim["message"]?.string?.contains("proven") == true, "\(claim)")

      // At the address that the index has for carol, eve serves the very bytes with a key of her own.
      let held = try ProvenBytes(pattern(1000))
      try await SecureServer.with(eve, answer: HostileHolder.answer(.honest, as: carol, held)) { server in
        let ticket = try await network.invite("--role", "publisher")
        let member = try await SecureClient.join(network.index, as: carol, with: ticket, servingAt: server.port)
        let added = try await member.ask(#"{"id":3,"op":"add","documents":[\#(held.document("file/x"))]}"#)
        #expect(added["added"]?.integer == 1, "\(added)")
        member.keepAlive()
        let target = network.second.directory.file("got")
        let outcome = try await network.second.outcome(["get", "file/x", "-o", target])
        #expect(outcome.status == 69, "\(outcome)")
        #expect(server.requests.isEmpty, "nothing is asked of her")
        #expect(TemporaryDirectory.read(target) == nil)
        await member.close()
      }
    }
  }

  // MARK: Connections

  /// The beginning of a command that connects by OpenSSL and says hello.
  private func probe(_ endpoint: Endpoint, _ options: String) async throws -> Program.Outcome {
    let hello = #"{"id":1,"op":"hello","protocol":1,"peer":"\#(String(repeating: "0", count: 64))","name":"eve"}"#
    return try await Program(path: "/bin/sh").run(
      "-c", "echo '\(hello)' | timeout 30 openssl s_client -connect \(endpoint) -quiet \(options) 2>&1")
  }

  @Test(.enabled(if: openssl != nil, "needs openssl"))
  func `only TLS 1.3 with a P-256 certificate is taken, whatever else it says`() async throws {
    try await ClosedInstallation.with { network in
      let directory = network.second.directory
      let right = "-newkey ec -pkeyopt ec_paramgen_curve:P-256"
      let certificates = [
        "p384": "-newkey ec -pkeyopt ec_paramgen_curve:P-384", "rsa": "-newkey rsa:2048", "ed25519": "-newkey ed25519",
        "explicit": "\(right) -pkeyopt ec_param_enc:explicit",
        // Keys of the right kind, in a certificate of 40 KB and in one that says strange things.
        "huge": "\(right) -addext "
          + "subjectAltName=\((0..<2000).map { "DNS:n\($0).example.org" }.joined(separator: ","))",
        "strange": "\(right) -set_serial 0 "
          + "-addext 1.2.3.4=critical,ASN1:UTF8String:x -addext nameConstraints=excluded\\;DNS:x",
      ]
      let uploads = try await network.uploads
      let pids = [try await network.first.process("index").pid, try await network.first.process("alice").pid]
      for (name, options) in certificates {
        let made = try await Program(path: "/bin/sh").run(
          "-c",
          "openssl req -x509 -nodes \(options) -subj /CN=x -days 1 -keyout '\(directory.file(name)).key' "
            + "-out '\(directory.file(name)).crt'")
        try #require(made.status == 0, "\(made.errors)")
        for endpoint in [network.index, uploads] {
          let shown = "-cert '\(directory.file(name)).crt' -key '\(directory.file(name)).key'"
          let outcome = try await probe(endpoint, shown)
          // Of the strange one the key counts, which is not that of the id in hello.
          let words = ["huge": "unexpected eof", "strange": "forbidden"][name] ?? "alert"
          #expect(outcome.output.contains(words), "\(name): \(outcome)")
          #expect(!outcome.output.contains(#""status":200"#), "\(name): \(outcome)")
        }
      }
      let key = "-cert '\(directory.file("strange")).crt' -key '\(directory.file("strange")).key'"
      for endpoint in [network.index, uploads] {
        for (options, words) in [
          (key + " -tls1_2", "protocol version"), (key + " -tls1_1", "rotocol"), ("", "certificate required"),
        ] {
          let outcome = try await probe(endpoint, options)
          #expect(outcome.output.contains(words) && !outcome.output.contains("status"), "\(options): \(outcome)")
        }
      }
      #expect(pids == [try await network.first.process("index").pid, try await network.first.process("alice").pid])
      try await network.first.expectSuccess(["list"])
    }
  }

  /// What a page of a browser can send to this machine: HTTP, with a body of its choice.
  @Test(.enabled(if: curl != nil, "needs curl"))
  func `a web page gets no request through, at any socket`() async throws {
    try await Installation.with(peers: ["alice"]) { open in
      try await ClosedInstallation.with { closed in
        let id = String(repeating: "e", count: 64)
        let paper = try ProvenBytes(pattern(10))
        let secret = try open.directory.write("secret.txt", pattern(10))
        let hello = #"{"id":1,"op":"hello","protocol":1,"peer":"\#(id)","name":"eve","port":9}"#
        let body = [
          hello, #"{"id":2,"op":"add","documents":[\#(paper.document("file/x"))]}"#,
          #"{"id":3,"op":"add","paths":["\#(secret)"]}"#, #"{"id":4,"op":"shutdown"}"#, #"{"id":4,"op":"stop"}"#,
          #"{"id":5,"op":"invite","role":"admin","uses":1,"lifetime":3600}"#, #"{"id":6,"op":"list"}"#, "",
        ].joined(separator: "\n")
        let file = try open.directory.write("body", Array(body.utf8))
        var targets = [["http://\(closed.index)/"], ["http://\(try await closed.uploads)/"]]
        for name in ["index", "alice"] { targets.append(["http://\(try await open.process(name).address)/"]) }
        let sockets = try await sockets(of: open) + sockets(of: closed.first)
        #expect(sockets.count >= 5, "\(sockets)")
        targets += sockets.map { ["--unix-socket", $0, "http://localhost/"] }
        for target in targets {
          let outcome = try await #require(Self.curl).run(
            ["--silent", "--http0.9", "--max-time", "30", "--header", "Content-Type: text/plain", "--data-binary"]
              + ["@\(file)"] + target)
          #expect(outcome.lines.count == 1 && outcome.output.contains("bad-request"), "\(target): \(outcome)")
          #expect(!outcome.output.contains(#""status":200"#), "\(target): \(outcome)")
        }
        for installation in [open, closed.first] {
          #expect(try await installation.process("alice").state == "ready")
          #expect(try await installation.rows("alice", "list").isEmpty)
          #expect(try await installation.rows("alice", "list", "--mine").isEmpty)
        }
        let members = try await closed.first.expectSuccess(["network", "members"])
        #expect(!members.output.contains("admin"), "\(members)")
      }
    }
  }

  private func sockets(of installation: Installation) async throws -> [String] {
    let run = installation.home.file("run")
    return try FileManager.default.contentsOfDirectory(atPath: run).filter { $0.hasSuffix(".sock") }.map {
      run + "/" + $0
    }
  }
}
