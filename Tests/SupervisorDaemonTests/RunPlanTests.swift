// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import SupervisorDaemon
import Testing

/// Which flags start which processes: the contract of `p2p-supervisor run`.
@Suite struct RunPlanTests {
  private let settings = SupervisorSettings(
    serveIndex: Endpoint(host: "", port: 7000), index: nil,
    peers: [
      .init(name: PlanNames.carol, listen: Endpoint(host: "10.0.0.1", port: 5), user: "carl"),
      .init(name: PlanNames.me),
    ])

  private func plan(_ flags: RunFlags, _ settings: SupervisorSettings? = nil) throws -> RunPlan {
    try RunPlan(flags: flags, settings: settings, ownName: PlanNames.me)
  }

  private let loopback = Endpoint(host: "127.0.0.1", port: 0)
  private let everywhere = Endpoint(host: "", port: 0)

  @Test func `default is an index and the user's peer`() throws {
    let plan = try plan(RunFlags())
    #expect(plan.index == .init(listen: .defaultIndex, isDefault: true))
    #expect(plan.peers == [.init(name: PlanNames.me, listen: loopback, isAutomatic: true, user: nil)])
    #expect(plan.peersIndex == .served)
  }

  @Test(arguments: [("::1", "::1"), ("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.1"), ("localhost", "127.0.0.1")])
  func `peer listens on loopback in the family of the index`(index: String, host: String) throws {
    let index = Endpoint(host: index, port: 7734)
    let here = Endpoint(host: host, port: 0)
    #expect(try plan(RunFlags(index: index)).peers.map(\.listen) == [here])
    let flags = RunFlags(serveIndex: index, peers: [.init(name: PlanNames.dave)])
    #expect(try plan(flags).peers.map(\.listen) == [here])
    #expect(
      try plan(RunFlags(), SupervisorSettings(index: index, peers: [.init(name: PlanNames.me)])).peers.map(\.listen)
        == [here])
  }

  @Test func `without flags the configuration decides`() throws {
    let plan = try plan(RunFlags(), settings)
    #expect(plan.index == .init(listen: Endpoint(host: "", port: 7000), isDefault: false))
    #expect(
      plan.peers == [
        .init(name: PlanNames.carol, listen: Endpoint(host: "10.0.0.1", port: 5), user: "carl"),
        .init(name: PlanNames.me, listen: everywhere, isAutomatic: true, user: nil),
      ])
  }

  @Test func `an index that others reach serves members only, unless it is to be open`() throws {
    for listen in ["127.0.0.1:0", "[::1]:7734", "localhost:1"] {
      #expect(try plan(RunFlags(serveIndex: Endpoint(listen))).isOpen)
    }
    var settings = SupervisorSettings()
    settings.open = true
    for listen in [":7734", "0.0.0.0:1", "192.0.2.1:1", "[2001:db8::1]:1"] {
      #expect(try !plan(RunFlags(serveIndex: Endpoint(listen))).isOpen)
      #expect(try plan(RunFlags(serveIndex: Endpoint(listen), open: true)).isOpen)
      #expect(try plan(RunFlags(serveIndex: Endpoint(listen)), settings).isOpen)
    }
    settings.open = false
    #expect(try !plan(RunFlags(serveIndex: .defaultIndex), settings).isOpen)
    #expect(try plan(RunFlags(serveIndex: .defaultIndex, open: true), settings).isOpen)
    #expect(throws: SupervisorError.self) { try plan(RunFlags(index: .defaultIndex, open: true)) }
  }

  @Test func `a closed network takes no plain connections`() throws {
    var settings = SupervisorSettings()
    settings.plain = .always
    let error = #expect(throws: SupervisorError.self) { try plan(RunFlags(serveIndex: everywhere), settings) }
    #expect(error?.message.contains("open = true") == true)
    #expect(try plan(RunFlags(serveIndex: everywhere, open: true), settings).plain == .always)
    #expect(try plan(RunFlags(serveIndex: .defaultIndex), settings).plain == .always)
  }

  @Test func `empty configuration starts nothing`() throws {
    let plan = try plan(RunFlags(), SupervisorSettings())
    #expect(plan.index == nil)
    #expect(plan.peers.isEmpty)
  }

  @Test(arguments: [nil, SupervisorSettings(peers: [.init(name: PlanNames.carol)])])
  func `serve-index alone means an index and no peer`(settings: SupervisorSettings?) throws {
    let plan = try plan(RunFlags(serveIndex: .defaultIndex), settings)
    #expect(plan.index == .init(listen: .defaultIndex, isDefault: false))
    #expect(plan.peers.isEmpty)
  }

  @Test func `index alone means the user's peer`() throws {
    let far = Endpoint(host: "192.0.2.1", port: 7734)
    let plan = try plan(RunFlags(index: far))
    #expect(plan.index == nil)
    #expect(plan.peers == [.init(name: PlanNames.me, listen: everywhere, isAutomatic: true, user: nil)])
    #expect(plan.peersIndex == .at(far))
  }

  @Test func `peer alone uses the configured index`() throws {
    let flags = RunFlags(peers: [.init(name: PlanNames.dave)])
    #expect(try plan(flags).peersIndex == .at(.defaultIndex))
    #expect(try plan(flags).peers == [.init(name: PlanNames.dave, listen: loopback, isAutomatic: true, user: nil)])
    #expect(try plan(flags, settings).peersIndex == .at(Endpoint(host: "", port: 7000)))
    let index = Endpoint(host: "192.0.2.9", port: 1)
    let named = try plan(flags, SupervisorSettings(serveIndex: .defaultIndex, index: index))
    #expect(named.peersIndex == .at(index))
    #expect(named.index == nil)
    #expect(named.peers == [.init(name: PlanNames.dave, listen: everywhere, isAutomatic: true, user: nil)])
  }

  @Test func `flags together start exactly what they name`() throws {
    let own = Endpoint(host: "127.0.0.1", port: 4001)
    let flags = RunFlags(
      serveIndex: Endpoint(host: "", port: 0),
      peers: [.init(name: PlanNames.dave, listen: own), .init(name: PlanNames.carol)])
    let plan = try plan(flags, settings)
    #expect(plan.index == .init(listen: Endpoint(host: "", port: 0), isDefault: false))
    #expect(plan.peersIndex == .served)
    // A peer of the configuration keeps its own address and user.
    #expect(
      plan.peers == [
        .init(name: PlanNames.dave, listen: own, user: nil),
        .init(name: PlanNames.carol, listen: Endpoint(host: "10.0.0.1", port: 5), user: "carl"),
      ])
  }

  @Test func `peer name is unique`() {
    let twice = RunFlags(peers: [.init(name: PlanNames.dave), .init(name: PlanNames.dave)])
    let error = #expect(throws: SupervisorError.self) { try plan(twice) }
    #expect(error?.kind == .usage)
  }

  @Test func `without a user name a peer must be named`() throws {
    let far = Endpoint(host: "192.0.2.1", port: 7734)
    let error = #expect(throws: SupervisorError.self) {
      try RunPlan(flags: RunFlags(index: far), settings: nil, ownName: nil)
    }
    #expect(error?.kind == .usage)
    let plan = try RunPlan(flags: RunFlags(), settings: nil, ownName: nil)
    #expect(plan.peers.isEmpty && plan.index?.isDefault == true)
    #expect(try RunPlan(flags: RunFlags(serveIndex: .defaultIndex), settings: nil, ownName: nil).peers.isEmpty)
  }

  @Test func `peer flag is parsed`() throws {
    #expect(try RunFlags.Peer("dave") == .init(name: PlanNames.dave))
    #expect(try RunFlags.Peer("dave=:5") == .init(name: PlanNames.dave, listen: Endpoint(host: "", port: 5)))
    #expect(try RunFlags.Peer("dave=[::1]:5") == .init(name: PlanNames.dave, listen: Endpoint(host: "::1", port: 5)))
    for text in ["", "=", "index", "supervisor", "a b", "dave=", "dave=host", "dave=1.2.3.4:99999", ".x=:1"] {
      #expect(throws: InvalidValue.self, "\(text)") { try RunFlags.Peer(text) }
    }
  }
}

/// Valid names.
enum PlanNames {
  static let me = name("me")
  static let carol = name("carol")
  static let dave = name("dave")

  private static func name(_ text: String) -> PeerName {
    guard let name = try? PeerName(text) else { preconditionFailure("\(text) is a good name") }
    return name
  }
}
