// SPDX-License-Identifier: Apache-2.0

import SupervisorDaemon
import DocumentModel
import Glibc
import ProcessSupervision
import TestSupport
import Testing
import WireProtocol

/// The effect of the file's settings on the processes to run.
@Suite struct ConfigurationMeaningTests {
  private func settings(_ text: String) throws -> SupervisorSettings {
    SupervisorSettings(try ConfigurationFile(text), ownName: PlanNames.me)
  }

  @Test func `empty file means an index and the user's peer`() throws {
    var wanted = SupervisorSettings(serveIndex: .defaultIndex, peers: [.init(name: PlanNames.me)])
    wanted.asksForIndex = false
    #expect(try settings("") == wanted)
    #expect(SupervisorSettings(try ConfigurationFile(""), ownName: nil).peers.isEmpty)
  }

  /// The installed file, all comments, behaves like no file: an index that already runs is used.
  @Test func `file without settings equals no file`() throws {
    let none = try RunPlan(flags: RunFlags(), settings: nil, ownName: PlanNames.me)
    let installed = try RunPlan(
      flags: RunFlags(), settings: settings(DefaultConfiguration.text), ownName: PlanNames.me)
    #expect(installed == none && installed.index?.isDefault == true)
    for text in ["[index]\nserve = true", "[index]\nlisten = \"127.0.0.1:7734\""] {
      let asked = try RunPlan(flags: RunFlags(), settings: settings(text), ownName: PlanNames.me)
      #expect(asked.index?.isDefault == false)
    }
  }

  @Test func `index address disables the served index`() throws {
    let elsewhere = try settings("[index]\naddress = \"192.0.2.1:7\"")
    #expect(elsewhere.serveIndex == nil)
    #expect(elsewhere.index == Endpoint(host: "192.0.2.1", port: 7))
    let both = try settings("[index]\naddress = \"192.0.2.1:7\"\nserve = true\nlisten = \":9\"")
    #expect(both.serveIndex == Endpoint(host: "", port: 9))
    #expect(try settings("[index]\nserve = false\nlisten = \":9\"").serveIndex == nil)
  }

  @Test func `named peers replace the user's and inherit defaults`() throws {
    let found = try settings("[peer]\nlisten = \":0\"\n[peers.carol]\nuser = \"carl\"\n[peers.dave]\nlisten = \":5\"")
    #expect(
      found.peers == [
        .init(name: PlanNames.carol, listen: Endpoint(host: "", port: 0), user: "carl"),
        .init(name: PlanNames.dave, listen: Endpoint(host: "", port: 5)),
      ])
  }

  @Test func `every setting has an effect`() throws {
    let found = try settings(
      """
      [supervisor]
      kill_unresponsive_after = 61
      [index]
      user = "p2p"
      allow_advertise = ["10.0.0.0/8"]
      [network]
      open = false
      grace = 60
      [network.limits]
      sessions_per_member = 2
      requests_per_member = 3
      records_per_member = 4
      bytes_per_member = 5
      connections_per_address = 6
      bytes_per_address = 7
      [peer]
      advertise = "192.0.2.1"
      [peers.carol]
      [peers.dave]
      advertise = "192.0.2.2"
      """)
    #expect(found.open == false && found.grace == 60)
    var bounds = IndexBounds()
    (bounds.member.sessions, bounds.member.requests, bounds.member.records, bounds.member.bytes) = (2, 3, 4, 5)
    (bounds.connectionsPerAddress, bounds.bytesPerAddress) = (6, 7)
    #expect(found.indexBounds == bounds)
    let variable = try ConfigurationFile("", environment: ["P2P_NETWORK_LIMITS_SESSIONS_PER_MEMBER": "9"])
    #expect(variable.index.bounds.member.sessions == 9)
    #expect(throws: ConfigurationError.self) { try ConfigurationFile("[network.limits]\nsessions_per_member = 1") }
    #expect(throws: ConfigurationError.self) { try ConfigurationFile("[network.limits]\nsessions = 3") }
    #expect(found.killUnresponsiveAfter == .seconds(61))
    #expect(found.indexUser == "p2p")
    #expect(found.allowAdvertise == [try AddressRange("10.0.0.0/8")])
    #expect(found.peers.map { $0.advertise?.text } == ["192.0.2.1", "192.0.2.2"])
    #expect(try settings("[supervisor]\nkill_unresponsive_after = 0").killUnresponsiveAfter == nil)
  }

  /// Flags override environment, file and defaults, in this order.
  @Test func `flags override environment, file and defaults`() throws {
    let directory = try TemporaryDirectory()
    let text = "[index]\nlisten = \"127.0.0.1:1\"\n[peer]\nlisten = \"127.0.0.1:2\"\n[peers.dave]\n"
    let path = try directory.write("p2p.toml", Array(text.utf8))
    func plan(_ flags: RunFlags, _ variables: [String: String]) throws -> RunPlan {
      try SupervisorInvocation.options(
        flags: flags, home: directory.path, configuration: path, environment: variables
      ).plan
    }
    #expect(try plan(RunFlags(), [:]).index?.listen.port == 1)
    let variables = ["P2P_INDEX_LISTEN": "127.0.0.1:3", "P2P_PEER_LISTEN": "127.0.0.1:4"]
    #expect(try plan(RunFlags(), variables).index?.listen.port == 3)
    #expect(try plan(RunFlags(), variables).peers.map(\.listen.port) == [4])
    let flags = RunFlags(
      serveIndex: Endpoint(host: "127.0.0.1", port: 5),
      peers: [.init(name: PlanNames.dave, listen: Endpoint(host: "127.0.0.1", port: 6)), .init(name: PlanNames.carol)])
    #expect(try plan(flags, variables).index?.listen.port == 5)
    // A peer named only by the flags gets the file's defaults for peers.
    #expect(try plan(flags, variables).peers.map(\.listen.port) == [6, 4])
    // Settings without a flag still apply.
    let more = ["P2P_INDEX_ALLOW_ADVERTISE": "10.0.0.0/8", "P2P_SUPERVISOR_KILL_UNRESPONSIVE_AFTER": "90"]
    #expect(try plan(flags, more).index?.allowAdvertise.count == 1)
    #expect(try plan(flags, more).killUnresponsiveAfter == .seconds(90))
  }

  @Test func `environment alone is a configuration`() throws {
    let directory = try TemporaryDirectory()
    func plan(_ variables: [String: String]) throws -> RunPlan {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, environment: variables).plan
    }
    #expect(try plan(["P2P_INDEX_LISTEN": ""]).index?.isDefault == true)
    let elsewhere = try plan(["P2P_INDEX_ADDRESS": "192.0.2.1"])
    #expect(elsewhere.index == nil && elsewhere.peersIndex == .at(Endpoint(host: "192.0.2.1", port: 7734)))
    let error = #expect(throws: SupervisorError.self) { try plan(["P2P_INDEX_SERVE": "yes"]) }
    #expect(error?.kind == .usage)
    #expect(error?.message.hasPrefix("P2P_INDEX_SERVE: expected true or false") == true)
  }

  // MARK: Where it is found

  @Test func `only a named file must exist`() throws {
    let directory = try TemporaryDirectory()
    let missing = #expect(throws: SupervisorError.self) {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: "/nonexistent.toml")
    }
    #expect(missing?.kind == .noInput)
    let options = try SupervisorInvocation.options(flags: RunFlags(), home: directory.path)
    #expect(options.plan.index?.isDefault == true)
  }

  @Test func `error names file and line`() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("p2p.toml", Array("[index]\nport = 1\n".utf8))
    let error = #expect(throws: SupervisorError.self) {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: path)
    }
    #expect(error?.kind == .usage)
    #expect(error?.message.hasPrefix("\(path): line 2: index.port: unknown setting") == true)
    try directory.write("p2p.toml", [0xFF])
    let binary = #expect(throws: SupervisorError.self) {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: path)
    }
    #expect(binary?.message.contains("UTF-8") == true)
  }

  @Test func `reload reads the file again`() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("p2p.toml", Array("[supervisor]\nkill_unresponsive_after = 70\n[peers.dave]".utf8))
    let options = try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: path)
    #expect(options.plan.policy.killUnresponsiveAfter == .seconds(70))
    #expect(options.plan.peers.map(\.name) == [PlanNames.dave])
    try directory.write("p2p.toml", Array("[peers.carol]".utf8))
    #expect(try options.reload().peers.map(\.name) == [PlanNames.carol])
  }

  @Test func `file that was there must stay there`() throws {
    let directory = try TemporaryDirectory()
    let options = try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, environment: [:])
    #expect(try options.reload().peers == options.plan.peers, "it may be missing from the start")
    mkdir(directory.file("config"), 0o700)
    let path = try directory.write("config/p2p.toml", Array("[peers.dave]".utf8))
    #expect(try options.reload().peers.map(\.name) == [PlanNames.dave])
    #expect(unlink(path) == 0)
    for _ in 0..<2 {
      let error = #expect(throws: SupervisorError.self) { try options.reload() }
      #expect(error?.kind == .noInput && error?.message.contains("\(path): No such file or directory") == true)
    }
    #expect(symlink("/nonexistent", path) == 0)
    #expect(throws: SupervisorError.self, "a link without a target is no missing file") {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, environment: [:])
    }
  }

  @Test(
    arguments: [
      ("P2P_INDEX_LISTEN", nil), ("P2P_HOME", nil), ("P2P_CHANNEL", nil), ("P2P_SUPERVISOR_STANDBY", nil),
      ("PATH", nil),
      ("P2P_LISTEN", ""), ("P2P_INDEX_ADRESS", ""), ("P2P_ADDRESS_INDEX", "; did you mean P2P_INDEX_ADDRESS?"),
      ("P2P_PEERS_ALICE_LISTEN", ""), ("P2P_", ""),
    ] as [(String, String?)])
  func `unknown variable is named in a warning`(name: String, hint: String?) {
    let wanted = hint.map { ["\(name) in the environment is unknown and ignored\($0)"] } ?? []
    let found = EnvironmentSettings.unknown(in: [name: "x"])
    #expect(found == wanted || hint == "" && found.first?.hasPrefix(wanted.first ?? "?") == true)
  }

  @Test func `warnings name the file or the variable`() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("p2p.toml", Array("[supervisor]\nstandby = true\n".utf8))
    let options = try SupervisorInvocation.options(
      flags: RunFlags(), home: directory.path, configuration: path, environment: ["P2P_SUPERVISOR_STANDBY": "true"])
    #expect(
      options.plan.warnings == [
        "\(path): line 2: supervisor.standby: this setting was removed and is ignored",
        "P2P_SUPERVISOR_STANDBY: this setting was removed and is ignored",
      ])
    #expect(try options.reload().warnings == options.plan.warnings)
    let unset = try SupervisorInvocation.options(
      flags: RunFlags(), home: directory.path, environment: ["P2P_SUPERVISOR_STANDBY": "true"])
    #expect(unset.plan.warnings.count == 1)
  }
}
