// SPDX-License-Identifier: Apache-2.0

import SupervisorDaemon
import DocumentModel
import Foundation
import Testing

@Suite struct ConfigurationTests {
  private func error(_ text: String) -> ConfigurationError? {
    #expect(throws: ConfigurationError.self, "\(text)") { try ConfigurationFile(text) }
  }

  @Test func `every setting is read`() throws {
    let file = try ConfigurationFile(
      """
      [supervisor]
      kill_unresponsive_after = 90
      [index]
      serve = false
      listen = ":7000"
      address = "index.example.org"
      user = "p2p"
      allow_advertise = ["10.0.0.0/8", "2001:db8::1"]
      [peer]
      listen = ":0"
      advertise = "192.0.2.7"
      [peers.bob]
      [peers.alice]
      listen = "[::1]:40001"
      advertise = "2001:db8::7"
      user = "1000:1000"
      """)
    #expect(file.index.user == "p2p")
    #expect(file.index.allowAdvertise?.map(\.text) == ["10.0.0.0/8", "2001:db8::1"])
    #expect(file.peer.advertise?.text == "192.0.2.7")
    #expect(file.peers.first?.advertise?.text == "2001:db8::7")
    #expect(file.supervisor.killUnresponsiveAfter == 90)
    #expect(file.index.serve == false)
    #expect(file.index.listen == Endpoint(host: "", port: 7000))
    #expect(file.index.address == Endpoint(host: "index.example.org", port: 7734))
    #expect(file.peer.listen == Endpoint(host: "", port: 0))
    #expect(file.peers.map(\.name.text) == ["alice", "bob"])
    #expect(file.peers.first?.listen == Endpoint(host: "::1", port: 40_001))
    #expect(file.peers.first?.user == "1000:1000")
    #expect(file.peers.last?.listen == nil)
  }

  @Test func `empty file sets nothing`() throws {
    let file = try ConfigurationFile("# only a comment\n")
    #expect(file.index.serve == nil && file.index.listen == nil && file.index.address == nil)
    #expect(file.peers.isEmpty)
  }

  @Test(arguments: [
    ("colour = 1", "colour", 1), ("[index]\nserve = true\nport = 1\n", "index.port", 3),
    ("[peers.alice]\n\n  sharing = true", "peers.alice.sharing", 3), ("[indx]\n", "indx", 1),
    ("index.listne = \"x\"", "index.listne", 1), ("[supervisor]\n\"kill me\" = 1", "supervisor.kill me", 2),
  ])
  func `unknown setting is refused with line and alternatives`(text: String, path: String, line: Int) {
    let error = error(text)
    #expect(error?.path == path)
    #expect(error?.line == line)
    #expect(error?.reason.contains("unknown setting; expected one of:") == true)
  }

  @Test(arguments: [
    ("[index]\nserve = \"yes\"", "index.serve", 2), ("[index]\nserve = 1", "index.serve", 2),
    ("[index]\nlisten = 7734", "index.listen", 2), ("index = 1", "index", 1), ("peers = []", "peers", 1),
    ("[peers]\nalice = true", "peers.alice", 2),
    ("[supervisor]\nkill_unresponsive_after = 1.5", "supervisor.kill_unresponsive_after", 2),
    ("[supervisor]\nkill_unresponsive_after = \"60\"", "supervisor.kill_unresponsive_after", 2),
    ("[index]\nallow_advertise = \"10.0.0.0/8\"", "index.allow_advertise", 2),
    ("[index]\nallow_advertise = [1]", "index.allow_advertise", 2), ("[index]\nuser = 0", "index.user", 2),
  ])
  func `wrong type is an error`(text: String, path: String, line: Int) {
    let error = error(text)
    #expect(error?.path == path)
    #expect(error?.line == line)
    #expect(error?.reason.contains("not a value of type") == true)
  }

  @Test(arguments: [
    "[supervisor]\nkill_unresponsive_after = 59", "[supervisor]\nkill_unresponsive_after = -1",
    "[supervisor]\nkill_unresponsive_after = 86401", "[index]\nlisten = \"a b\"", "[peer]\nlisten = \"host\"",
    "[log]\nto = \"syslog\"", "[log]\nlevel = \"loud\"", "[log]\nformat = \"\"",
    "[index]\nallow_advertise = [\"10.0.0.0/33\"]", "[peer]\nadvertise = \"example.org\"",
    "[peers.index]\n", "[peers.\"a b\"]\n", "[peers.alice]\nlisten = \":99999\"",
  ])
  func `value out of range is an error`(text: String) {
    #expect(error(text)?.line != nil)
  }

  @Test(arguments: [
    ("[network.limits]\nsessions_per_member = 1", "1 is out of range; expected 2 to 1000000000"),
    ("[supervisor]\nkill_unresponsive_after = 59", "59 is out of range; expected 0, or 60 to 86400"),
    ("[index]\nmemory = 15", "15 is out of range; expected 16 to 1099511627776"),
  ])
  func `a number out of range is reported with the range`(text: String, reason: String) {
    #expect(error(text)?.reason == reason)
  }

  @Test(arguments: [("[index", 1), ("[index]\nserve = maybe", 2), ("a = 1\na = 2", 2), ("[index]\n[index]\n", 2)])
  func `syntax error has a line`(text: String, line: Int) {
    #expect(error(text)?.line == line)
  }

  @Test func `malformed text does not crash`() {
    for text in [
      "\u{0}", "=", "[]", "[[index]]", "\"", "'''", "a.b.c = {", "\u{FEFF}[index]\n\u{7}", "\"\\uD800\" = 1",
    ] {
      _ = try? ConfigurationFile(text)
    }
  }

  @Test func `message names line and setting`() {
    #expect("\(ConfigurationError(path: "index.port", line: 3, reason: "no"))" == "line 3: index.port: no")
    #expect("\(ConfigurationError(path: "", line: nil, reason: "no"))" == "no")
  }

  // MARK: Lines

  @Test(arguments: [
    ("[ index ] # comment\n\n  serve = 7", 3), ("[\"index\"]\n'serve' = 7", 2), ("index . serve = 7", 1),
    ("[peers.bob]\n[index]\n# serve = true\nserve = 7", 4), ("\r\n[index]\r\nserve = 7\r\n", 3),
    ("[index]\nlisten = \":1\" # serve = 1\nserve = 7", 3),
  ])
  func `line of a setting is found however it is written`(text: String, line: Int) {
    let error = error(text)
    #expect(error?.path == "index.serve")
    #expect(error?.line == line)
  }

  @Test func `setting inside an inline table has no line`() {
    #expect(error("index = { serve = 7 }")?.path == "index.serve")
    #expect(error("index = { serve = 7 }")?.line == nil)
  }

  // MARK: The environment

  @Test func `list length is limited`() throws {
    func text(_ count: Int) -> String {
      "[index]\nallow_advertise = [\(Array(repeating: "\"2001:db8::/32\"", count: count).joined(separator: ","))]"
    }
    #expect(try ConfigurationFile(text(1_000)).index.allowAdvertise?.count == 1_000)
    #expect(error(text(1_001))?.path == "index.allow_advertise")
  }

  @Test func `environment overrides the file`() throws {
    let text = "[index]\nserve = true\nlisten = \":1\"\nuser = \"a\"\n[supervisor]\nkill_unresponsive_after = 60\n"
    let file = try ConfigurationFile(
      text,
      environment: [
        "P2P_INDEX_LISTEN": ":2", "P2P_INDEX_SERVE": "false", "P2P_SUPERVISOR_KILL_UNRESPONSIVE_AFTER": "0",
        "P2P_INDEX_ALLOW_ADVERTISE": "10.0.0.0/8, 192.0.2.1", "P2P_PEER_LISTEN": ":3",
        "P2P_PEER_ADVERTISE": "192.0.2.9",
        "P2P_INDEX_ADDRESS": "192.0.2.5", "P2P_INDEX_USER": "", "P2P_HOME": "/h", "P2P_CHANNEL": "3",
        "INDEX_LISTEN": ":9",
      ])
    #expect(file.index.listen?.port == 2 && file.index.serve == false && file.index.user == "a")
    #expect(file.supervisor.killUnresponsiveAfter == 0)
    #expect(file.index.allowAdvertise?.map(\.text) == ["10.0.0.0/8", "192.0.2.1"])
    #expect(file.peer.listen?.port == 3 && file.peer.advertise?.text == "192.0.2.9")
    #expect(file.index.address == Endpoint(host: "192.0.2.5", port: 7734))
  }

  @Test func `environment is checked like the file`() {
    for (name, value) in [
      ("P2P_INDEX_SERVE", "1"), ("P2P_INDEX_LISTEN", "here:there"), ("P2P_SUPERVISOR_KILL_UNRESPONSIVE_AFTER", "5"),
      ("P2P_SUPERVISOR_KILL_UNRESPONSIVE_AFTER", "soon"), ("P2P_INDEX_ALLOW_ADVERTISE", "10.0.0.0/99"),
      ("P2P_PEER_ADVERTISE", "example.org"),
    ] {
      let error = #expect(throws: ConfigurationError.self, "\(name)=\(value)") {
        try ConfigurationFile("", environment: [name: value])
      }
      #expect(error?.path == name)
    }
  }

  @Test func `other variables are no configuration`() {
    #expect(EnvironmentSettings.setAny(["P2P_INDEX_LISTEN": ":1"]))
    #expect(!EnvironmentSettings.setAny(["P2P_INDEX_LISTEN": "", "P2P_HOME": "/h", "P2P_PEERS_ALICE_LISTEN": ":1"]))
  }

  // MARK: Removed settings

  @Test func `a removed setting is ignored with a warning`() throws {
    let text = "[supervisor]\nkill_unresponsive_after = 60\nstandby = \"any type\"\n"
    let file = try ConfigurationFile(text, environment: ["P2P_SUPERVISOR_STANDBY": "false"])
    #expect(file.supervisor.killUnresponsiveAfter == 60)
    #expect(
      file.warnings.map(\.description) == [
        "line 3: supervisor.standby: this setting was removed and is ignored",
        "P2P_SUPERVISOR_STANDBY: this setting was removed and is ignored",
      ])
  }

  @Test func `a removed setting is known in its own table only`() {
    #expect(error("[index]\nstandby = true")?.path == "index.standby")
    #expect(error("[peers.standby]\nstandby = true")?.path == "peers.standby.standby")
  }

  @Test func `settings in use cause no warning`() throws {
    let file = try ConfigurationFile(
      "[supervisor]\nkill_unresponsive_after = 60", environment: ["P2P_SUPERVISOR_STANDBY": ""])
    #expect(file.warnings.isEmpty)
  }

  // MARK: The shipped file

  private var shipped: String? {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try? String(contentsOf: root.appending(path: "etc/p2p.toml"), encoding: .utf8)
  }

  @Test func `shipped file equals the printed default`() throws {
    #expect(try #require(shipped) == DefaultConfiguration.text)
  }

  @Test func `default file sets nothing`() throws {
    #expect(try ConfigurationFile(DefaultConfiguration.text) == ConfigurationFile(""))
  }

  /// Every setting in the default file is read.
  @Test func `every setting shown is known`() throws {
    let lines = DefaultConfiguration.text.split(separator: "\n").map { line -> Substring in
      line.hasPrefix("#") && !line.hasPrefix("# ") ? line.dropFirst() : line
    }
    let file = try ConfigurationFile(lines.joined(separator: "\n"))
    #expect(file.supervisor.killUnresponsiveAfter == 60)
    #expect(file.index.serve == true && file.index.listen == .defaultIndex && file.index.address != nil)
    #expect(file.index.user != nil && file.index.allowAdvertise?.isEmpty == false)
    #expect(file.peer.listen != nil && file.peer.advertise != nil)
    #expect(file.peers.first?.user == "alice" && file.peers.first?.advertise != nil)
  }
}
