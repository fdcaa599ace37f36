// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Foundation
import LineJSON
import NetworkMembership
import PeerIdentity
import TestSupport
import Testing
import WireProtocol

/// What an index that lies, floods or breaks the protocol does to the real peer that uses it.
@Suite(.serialized) struct HostileIndexProcessTests {
  private func error(_ bob: Installation) async throws -> String {
    try await bob.rows("bob", "status").first?["index"]?["error"]?.string ?? ""
  }

  /// The reply of a peer to a hello by TLS.
  private func hello(_ peer: Endpoint, _ identity: PeerIdentity, pass: String) async throws -> JSONValue {
    let client = try await SecureClient.connect(
      to: peer, as: identity, sending: [SecureClient.hello(identity, pass: pass)])
    let reply = try #require(try await client.line())
    await client.close()
    return reply
  }

  // MARK: Keys

  @Test func `index that states the key of another is not believed, and makes no passes of it`() async throws {
    try await HostileIndex.with { index, bob in
      let other = try PeerIdentity.loadOrCreate(at: bob.directory.file("other.pem"))
      index.lie { $0.key = other.publicKey }
      let refused = try await bob.outcome(["join", index.ticket.text, "--peer", "bob"])
      #expect(refused.status != 0 && refused.errors.contains("a key that is not its own"), "\(refused)")
      index.lie { $0.key = nil }
      try await bob.expectSuccess(["join", index.ticket.text])
      let uploads = try Endpoint(try await bob.process("bob").address)
      let carol = try PeerIdentity.loadOrCreate(at: bob.directory.file("carol.pem"))
      #expect(try await hello(uploads, carol, pass: index.pass(for: carol))["status"]?.integer == 200)

      // Later, with the next hello.
      index.lie {
        $0.key = other.publicKey
        $0.answers["ping"] = { _, _ in nil }
      }
      let isReported = try await eventually { try await error(bob).contains("a key that is not its own") }
      #expect(isReported)
      let pass = try #require(PassIssuer(other).pass(for: carol.id, as: .admin, at: index.now)).text
      #expect(try await hello(uploads, carol, pass: pass)["message"]?.string?.contains("another network") == true)
    }
  }

  // MARK: Replies

  private static let nonsense: [(name: String, SecureServer.Answer)] = [
    ("no object", { _, _ in Array("[]\n".utf8) }),
    ("no JSON", { _, _ in Array("HTTP/1.1 200 OK\r\n\r\n".utf8) }),
    (
      "no UTF-8",
      { request, _ in Array(#"{"id":\#(request["id"]?.integer ?? 0),"x":""#.utf8) + [0xFF, 0x22, 0x7D, 0x0A] }
    ),
    ("deep", { _, _ in [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000) + [0x0A] }),
    ("another id", { request, _ in HostileIndex.reply((request["id"]?.integer ?? 0) + 7, #""documents":[]"#) }),
    ("endless", { _, _ in [UInt8](repeating: 0x20, count: 64 << 20) }),
    ("closed", { _, _ in nil }),
    ("silent", { _, _ in [] }),
    ("no documents", { request, _ in HostileIndex.reply(request["id"]?.integer ?? 0, #""documents":{}"#) }),
    (
      "events",
      { _, _ in
        let event = #"{"event":"holder","watch":1,"seq":1,"change":"joined","holder":{}}"# + "\n"
        return Array(String(repeating: event, count: 100_000).utf8)
      }
    ),
  ]

  private func memory(_ pid: Int32) -> Int {
    let status = String(decoding: TemporaryDirectory.read("/proc/\(pid)/status") ?? [], as: UTF8.self)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
  }

  @Test func `no reply traps, fills or holds up a peer, nor does silence`() async throws {
    try await HostileIndex.with { index, bob in
      try await bob.expectSuccess(["join", index.ticket.text, "--peer", "bob"])
      let pid = try await bob.process("bob").pid
      let before = memory(pid)
      for (name, answer) in Self.nonsense {
        index.lie { $0.answers = [:] }
        try await bob.expectSuccess(["connect", "\(index.endpoint)"])
        index.lie { $0.answers = ["list": answer] }
        // Silence is noticed by the heartbeat.
        if name == "silent" { index.lie { $0.answers["ping"] = answer } }
        let start = ContinuousClock.now
        let outcome = try await bob.outcome(["list"])
        #expect(ContinuousClock.now - start < .seconds(40), "\(name)")
        #expect(outcome.status == 69 && outcome.errors.contains("index"), "\(name): \(outcome)")
      }
      index.say("list", #""documents":[],"next":"Y3Vyc29y""#)
      let endless = try await bob.outcome(["get", "data/set/", "-o", bob.directory.file("set")])
      #expect(endless.status == 3, "a cursor that leads nowhere: \(endless)")
      let process = try await bob.process("bob")
      #expect(process.pid == pid && process.restarts == 0)
      #expect(memory(pid) - before < 65_536, "KiB")
    }
  }

  @Test func `rows lead out of no directory and move no terminal`() async throws {
    try await HostileIndex.with { index, bob in
      try await bob.expectSuccess(["join", index.ticket.text, "--peer", "bob"])
      let held = try ProvenBytes(pattern(1000))
      let mallory = try PeerIdentity.loadOrCreate(at: bob.directory.file("mallory.pem"))
      let parent = try TemporaryDirectory()
      try await SecureServer.with(mallory, answer: HostileHolder.answer(.honest, as: mallory, held)) { server in
        func row(_ key: String, title: String = "") -> String {
          let holders = #""total":1,"holders":[\#(HostileIndex.holder(mallory, port: server.port))]"#
          return #"{"key":"\#(key)","title":"\#(title)",\#(held.named),"modified":"2026-01-01T00:00:00Z",\#(holders)}"#
        }
        for key in ["data/set/../../out", "data/set/..", "data/set//etc", "/data/set/x", "data/set/a\\u0000"] {
          index.say("list", #""documents":[\#(row(key))]"#)
          let outcome = try await bob.outcome(["get", "data/set/", "-o", parent.file("in/set")])
          #expect(outcome.status != 0, "\(key): \(outcome)")
        }
        #expect(server.requests.isEmpty)
        #expect(try FileManager.default.subpathsOfDirectory(atPath: parent.path).filter { $0.contains("out") }.isEmpty)
        // The same index, an honest row.
        index.say("list", #""documents":[\#(row("data/set/x"))]"#)
        index.say("lookup", HostileIndex.contents(held, HostileIndex.holder(mallory, port: server.port)))
        try await bob.expectSuccess(["get", "data/set/", "-o", parent.file("in/set")])
        #expect(TemporaryDirectory.read(parent.file("in/set/x")) == held.bytes)

        let program = try Program("p2pctl", environment: ["P2P_HOME": bob.home.path])
        let refusal = #"{"id":ID,"status":403,"error":"forbidden","message":"no \#(HostileHolder.escapes)"}"#
        index.say("list", #""documents":[\#(row("data/set/x", title: HostileHolder.escapes))]"#)
        let titled = try TypedSession(program, "list")
        let first = try await titled.end().shown
        index.lie {
          $0.answers["list"] = { request, _ in
            Array((refusal.replacing("ID", with: "\(request["id"]?.integer ?? 0)") + "\n").utf8)
          }
        }
        let refused = try TypedSession(program, "list")
        for shown in [first, try await refused.end().shown] {
          let moves: Set<Unicode.Scalar> = ["\u{1B}", "\u{7}", "\u{9B}", "\u{202E}"]
          #expect(!shown.isEmpty && !shown.unicodeScalars.contains { moves.contains($0) }, "\(shown.debugDescription)")
        }
      }
    }
  }

  // MARK: Holders

  @Test func `holders at wrong ids and addresses give nothing, and wrong bytes of a named root become no file`()
    async throws
  {
    try await HostileIndex.with { index, bob in
      try await bob.expectSuccess(["join", index.ticket.text, "--peer", "bob"])
      let held = try ProvenBytes(pattern(300_000))
      let (mallory, carol) = (
        try PeerIdentity.loadOrCreate(at: bob.directory.file("mallory.pem")),
        try PeerIdentity.loadOrCreate(at: bob.directory.file("carol.pem"))
      )
      let target = bob.directory.file("got")
      let get = ["get", "file/x", "--content", "\(held.content.root.hex):\(held.content.size)", "-o", target]
      try await SecureServer.with(mallory, answer: HostileHolder.answer(.honest, as: carol, held)) { server in
        index.say("lookup", HostileIndex.contents(held, HostileIndex.holder(carol, port: server.port)))
        let outcome = try await bob.outcome(get)
        #expect(outcome.status == 69 && server.requests.isEmpty, "\(outcome)")
      }
      // One that has proven nothing, as the index says.
      try await SecureServer.with(nil, answer: HostileHolder.answer(.honest, as: carol, held)) { server in
        index.say("lookup", HostileIndex.contents(held, HostileIndex.holder(carol, port: server.port, proven: false)))
        let outcome = try await bob.outcome(get)
        #expect(outcome.status == 69 && server.requests.isEmpty, "\(outcome)")
      }
      for host in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1", "::", "localhost", "index.example.org", ""] {
        index.say("lookup", HostileIndex.contents(held, HostileIndex.holder(carol, host: host, port: 9)))
        let outcome = try await bob.outcome(get)
        #expect(outcome.status == 69, "\(host): \(outcome)")
      }
      try await SecureServer.with(mallory, answer: HostileHolder.answer(.wrongBytes, as: mallory, held)) { server in
        index.say("lookup", HostileIndex.contents(held, HostileIndex.holder(mallory, port: server.port)))
        let outcome = try await bob.outcome(get)
        #expect(outcome.status == 76 && !server.requests("get").isEmpty, "\(outcome)")
      }
      #expect(TemporaryDirectory.read(target) == nil)
    }
  }
}
