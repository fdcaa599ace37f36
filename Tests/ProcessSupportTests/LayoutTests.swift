// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import POSIXSupport
import ProcessSupport
import Testing

@Suite struct LayoutTests {
  @Test(
    arguments: [
      (["HOME": [0x2F, 0xE9]], false, "HOME"), (["HOME": [0x2F, 0xE9]], true, nil),
      (["HOME": [0x2F, 0xE9], "P2P_HOME": [0x2F, 0x61]], false, nil), (["P2P_HOME": [0xE9]], true, "P2P_HOME"),
      (["HOME": [0x2F], "XDG_RUNTIME_DIR": [0x2F, 0xE9]], false, "XDG_RUNTIME_DIR"),
      (["HOME": [0xE9], "XDG_CONFIG_HOME": [0x2F], "XDG_STATE_HOME": [0x2F], "XDG_DATA_HOME": [0x2F]], false, nil),
      (["HOME": Array("/home/josé".utf8)], false, nil),
    ] as [([String: [UInt8]], Bool, String?)])
  func `place that is not UTF-8 is found`(variables: [String: [UInt8]], isRoot: Bool, name: String?) {
    #expect(Layout.unreadableVariable(isRoot: isRoot) { variables[$0] }?.name == name)
  }

  private func environment(_ variables: [String: String]) -> (String) -> String? {
    { variables[$0] }
  }

  @Test func `all paths are below a home`() throws {
    let layout = Layout(home: "/tmp/demo/")
    let alice = try PeerName("alice")
    #expect(layout.configurationFile == "/tmp/demo/config/p2p.toml")
    #expect(layout.state(of: alice) == "/tmp/demo/state/alice")
    #expect(layout.controlSocket(of: alice) == "/tmp/demo/run/alice.sock")
    #expect(layout.supervisorSocket == "/tmp/demo/run/supervisor.sock")
    #expect(layout.downloads(of: alice) == "/tmp/demo/downloads/alice")
    #expect(layout.log(of: "index") == "/tmp/demo/log/index.log")
  }

  @Test func `user layout follows the XDG variables`() throws {
    let alice = try PeerName("alice")
    let layout = try #require(
      Layout(userEnvironment: environment(["HOME": "/home/a", "XDG_RUNTIME_DIR": "/run/user/7"])))
    #expect(layout.configurationFile == "/home/a/.config/p2p/p2p.toml")
    #expect(layout.state(of: alice) == "/home/a/.local/state/p2p/alice")
    #expect(layout.controlSocket(of: alice) == "/run/user/7/p2p/alice.sock")
    #expect(layout.log(of: "alice") == "/home/a/.local/state/p2p/log/alice.log")
  }

  @Test func `without a runtime directory sockets are below the state`() throws {
    let layout = try #require(
      Layout(userEnvironment: environment(["HOME": "/home/a", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "relative"])))
    #expect(layout.runDirectory == "/s/p2p/run")
  }

  @Test func `user without a home has no layout`() {
    #expect(Layout(userEnvironment: environment([:])) == nil)
    #expect(Layout(userEnvironment: environment(["HOME": "not/absolute"])) == nil)
  }

  @Test func `system layout has a socket directory for each peer`() throws {
    let bob = try PeerName("bob")
    #expect(Layout.system.controlSocket(of: bob) == "/run/p2p/bob/control.sock")
    #expect(Layout.system.supervisorSocket == "/run/p2p/supervisor.sock")
    #expect(Layout.system.state(of: bob) == "/var/lib/p2p/bob")
  }

  @Test func `search order is home, user, system`() {
    func kinds(_ variables: [String: String], isRoot: Bool = false) -> [Layout.Kind] {
      Layout.candidates(environment: environment(variables), isRoot: isRoot, workingDirectory: "/w").map(\.kind)
    }
    #expect(kinds(["HOME": "/home/a"]) == [.user, .system])
    #expect(kinds(["HOME": "/home/a", "P2P_HOME": "/h"]) == [.home])
    #expect(kinds(["HOME": "/home/a", "P2P_HOME": ""]) == [.user, .system])
    #expect(kinds(["HOME": "/root"], isRoot: true) == [.system])
    #expect(kinds(["HOME": "/root", "P2P_HOME": "/h"], isRoot: true) == [.home])
    #expect(kinds([:]) == [.system])
  }

  @Test func `relative home is resolved`() {
    let variables = environment(["P2P_HOME": ".demo"])
    let found = Layout.candidates(environment: variables, isRoot: false, workingDirectory: "/w")
    #expect(found.first?.runDirectory == "/w/.demo/run")
    #expect(Layout.candidates(environment: variables, isRoot: false, workingDirectory: nil).isEmpty)
  }
}

@Suite struct UserNameTests {
  private let users = UserDatabase(
    passwd: "root:x:0:0:root:/root:/bin/sh\nbroken\nann.lee:x:1000:1000::/home/ann:/bin/sh\n", group: "")
  private let nobody = UserDatabase(passwd: "", group: "")

  @Test func `passwd comes before the environment`() {
    #expect(PeerName.ofUser(uid: 1000, in: users, environment: { _ in "other" })?.text == "ann.lee")
  }

  @Test func `unknown user is taken from the environment`() {
    #expect(PeerName.ofUser(uid: 5, in: users) { $0 == "USER" ? "ldap" : nil }?.text == "ldap")
    #expect(PeerName.ofUser(uid: 5, in: users) { _ in nil }?.text == "user5")
  }

  @Test(arguments: [("DOM\\ann", "DOM_ann"), ("jörg", "j_rg"), (".dot", "_dot"), ("index", "index_"), ("", "user5")])
  func `invalid characters are replaced`(login: String, name: String) {
    #expect(PeerName.ofUser(uid: 5, in: nobody) { _ in login }?.text == name)
  }

  @Test func `long name is cut`() {
    let name = PeerName.ofUser(uid: 5, in: nobody) { _ in String(repeating: "n", count: 99) }
    #expect(name?.text.utf8.count == PeerName.maximumLength)
  }
}
