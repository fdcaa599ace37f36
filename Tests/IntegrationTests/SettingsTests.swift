// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import TestSupport
import Testing

/// The settings of the configuration in the real programs.
@Suite(.serialized) struct SettingsTests {
  private static let text = """
    [index]
    listen = "127.0.0.1:0"
    allow_advertise = ["192.0.2.0/24"]
    [peer]
    listen = "127.0.0.1:0"
    advertise = "192.0.2.1"
    [peers.alice]
    [peers.bob]
    advertise = "203.0.113.9"
    [peers.carol]
    listen = "[::1]:0"
    """

  /// The reported addresses of the holders of a file.
  private func holders(of key: String, _ system: Installation) async throws -> [String: String] {
    let rows = try await system.rows("carol", "lookup", key)
    return Dictionary(rows.map { ($0["peer"]?.string ?? "", $0["host"]?.string ?? "") }) { $1 }
  }

  @Test func `start without standard output starts nothing`() async throws {
    let directory = try TemporaryDirectory()
    let shell = Program(path: "/bin/sh", environment: ["P2P_HOME": directory.file("home")])
    let outcome = try await shell.run("-c", #"exec "$0" supervisor start >&-"#, try Program("p2pctl").path)
    #expect(outcome.status == 73)
    #expect(outcome.errors.hasPrefix("p2pctl: standard output is closed: nothing was done\n"))
    #expect(access(directory.file("home"), F_OK) != 0)
  }

  @Test func `settings apply at start and after reload`() async throws {
    try await Installation.with(configuration: Self.text) { system in
      #expect(try await system.process("index").address.hasPrefix("127.0.0.1:"))
      #expect(try await system.process("alice").address.hasPrefix("127.0.0.1:"))
      #expect(try await system.process("carol").address.hasPrefix("[::1]:"))
      let file = try system.directory.write("x", pattern(100))
      for peer in ["alice", "bob"] { try await system.run(peer, "add", file) }
      // Bob may not advertise his address: the index reports where he connects from.
      #expect(try await holders(of: "file/x", system) == ["alice": "192.0.2.1", "bob": "127.0.0.1"])
      let isReported = await eventually { system.log("bob").contains("allow_advertise") }
      #expect(isReported)

      // Allow it for Bob, and change the address of Alice.
      let processes = [try await system.process("alice").pid, try await system.process("index").pid]
      let other = Self.text.replacing("\"192.0.2.0/24\"", with: "\"192.0.2.0/24\", \"203.0.113.9\"")
        .replacing("[peers.alice]", with: "[peers.alice]\nadvertise = \"192.0.2.77\"")
        .replacing("203.0.113.9\"\n[peers.carol]", with: "203.0.113.9\"\nlisten = \":5\"\n[peers.carol]")
      try system.configure(other)
      let outcome = try await system.p2pctl("supervisor", "reload")
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("Changed: index.allow_advertise, peers.alice.advertise\n"))
      #expect(outcome.errors.contains("Takes effect at the next start of the supervisor: peers.bob.listen\n"))
      let isNew = try await eventually { try await holders(of: "file/x", system)["alice"] == "192.0.2.77" }
      #expect(isNew)
      // The new ranges apply to Bob at his next hello.
      let bob = try await system.process("bob").pid
      try await system.killProcess("bob")
      #expect(await eventually { await system.isBack("bob", after: bob) })
      let mayAdvertise = try await eventually { try await holders(of: "file/x", system)["bob"] == "203.0.113.9" }
      #expect(mayAdvertise)
      #expect([try await system.process("alice").pid, try await system.process("index").pid] == processes)
    }
  }

  @Test func `every log line has time and level`() async throws {
    try await Installation.with(peers: ["alice"]) { system in
      try await system.killProcess("index")
      let isNoticed = await eventually { system.log("supervisor").contains(" warning index was ended by signal 9") }
      #expect(isNoticed)
      try await system.expectSuccess(["supervisor", "stop"])
      for name in ["supervisor", "index", "alice"] {
        let lines = system.log(name).split(separator: "\n")
        #expect(!lines.isEmpty)
        for line in lines {
          let words = line.split(separator: " ", maxSplits: 2)
          #expect(words.count == 3 && (try? Timestamp(words[0])) != nil && words[0].utf8.count == 20, "\(line)")
          #expect(words.count == 3 && ["info", "notice", "warning", "error"].contains(words[1]), "\(line)")
        }
      }
    }
  }

  @Test func `remote index is used and none is served`() async throws {
    try await Installation.with(peers: ["alice"]) { far in
      let index = try await far.process("index").address
      try await Installation.with(configuration: "[index]\naddress = \"\(index)\"\n[peers.dave]\n") { near in
        let processes = try await near.expectSuccess(["supervisor", "status", "--json"])
        #expect(!processes.output.contains("\"role\":\"index\""))
        let status = try await near.rows("dave", "status").first
        #expect(status?["index"]?["address"]?.string == index)
        #expect(status?["index"]?["connected"]?.bool == true)
        // Peers switch to another index at reload.
        try near.configure("[index]\naddress = \"127.0.0.1:1\"\n[peers.dave]\n")
        let outcome = try await near.p2pctl("supervisor", "reload")
        #expect(outcome.status == 0 && outcome.errors.contains("Changed: index.address\n"))
        let isSwitched = try await eventually {
          try await near.rows("dave", "status").first?["index"]?["address"]?.string == "127.0.0.1:1"
        }
        #expect(isSwitched)
      }
    }
  }

  @Test func `reload of an invalid configuration names the place and changes nothing`() async throws {
    try await Installation.with(configuration: Self.text) { system in
      try system.configure(Self.text + "\nnonsense = 1\n")
      let outcome = try await system.p2pctl("supervisor", "reload")
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains("config/p2p.toml: line 12: peers.carol.nonsense: unknown setting"))
      #expect(try await system.process("carol").state == "ready")
    }
  }
}
