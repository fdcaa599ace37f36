import Configuration
import DocumentModel
import ProcessSupervision
import SupervisorDaemon
import TestSupport
import Testing

/// What the settings of the file mean for the processes to run.
@Suite struct ConfigurationMeaningTests {
  private func settings(_ text: String) throws -> SupervisorSettings {
    SupervisorSettings(try ConfigurationFile(text), ownName: PlanNames.me)
  }

  @Test func anEmptyFileMeansAnIndexAndTheUsersPeer() throws {
    #expect(try settings("") == SupervisorSettings(serveIndex: .defaultIndex, peers: [.init(name: PlanNames.me)]))
    #expect(SupervisorSettings(try ConfigurationFile(""), ownName: nil).peers.isEmpty)
  }

  @Test func anIndexElsewhereMeansNoneHere() throws {
    let elsewhere = try settings("[index]\naddress = \"192.0.2.1:7\"")
    #expect(elsewhere.serveIndex == nil)
    #expect(elsewhere.index == Endpoint(host: "192.0.2.1", port: 7))
    let both = try settings("[index]\naddress = \"192.0.2.1:7\"\nserve = true\nlisten = \":9\"")
    #expect(both.serveIndex == Endpoint(host: "", port: 9))
    #expect(try settings("[index]\nserve = false\nlisten = \":9\"").serveIndex == nil)
  }

  @Test func namedPeersReplaceTheUsersAndInheritDefaults() throws {
    let found = try settings("[peer]\nlisten = \":0\"\n[peers.carol]\nuser = \"carl\"\n[peers.dave]\nlisten = \":5\"")
    #expect(
      found.peers == [
        .init(name: PlanNames.carol, listen: Endpoint(host: "", port: 0), user: "carl"),
        .init(name: PlanNames.dave, listen: Endpoint(host: "", port: 5)),
      ])
  }

  // MARK: Where it is found

  @Test func aNamedFileMustExistAnotherNeedNot() throws {
    let directory = try TemporaryDirectory()
    let missing = #expect(throws: SupervisorError.self) {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: "/nonexistent.toml")
    }
    #expect(missing?.kind == .noInput)
    let options = try SupervisorInvocation.options(flags: RunFlags(), home: directory.path)
    #expect(options.plan.index?.isDefault == true)
  }

  @Test func whatIsWrongIsToldWithFileAndLine() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("p2p.toml", Array("[index]\nport = 1\n".utf8))
    let error = #expect(throws: SupervisorError.self) {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: path)
    }
    #expect(error?.kind == .usage)
    #expect(error?.message.hasPrefix("\(path): line 2: index.port: there is no such setting") == true)
    try directory.write("p2p.toml", [0xFF])
    let binary = #expect(throws: SupervisorError.self) {
      try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: path)
    }
    #expect(binary?.message.contains("UTF-8") == true)
  }

  @Test func theFileIsReadAgainForAReload() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("p2p.toml", Array("[supervisor]\nkill_unresponsive_after = 70\n[peers.dave]".utf8))
    let options = try SupervisorInvocation.options(flags: RunFlags(), home: directory.path, configuration: path)
    #expect(options.policy.killUnresponsiveAfter == .seconds(70))
    #expect(options.plan.peers.map(\.name) == [PlanNames.dave])
    try directory.write("p2p.toml", Array("[peers.carol]".utf8))
    #expect(try options.reload().peers.map(\.name) == [PlanNames.carol])
  }
}

@Suite struct PlanChangeTests {
  private func plan(_ text: String) throws -> RunPlan {
    try RunPlan(
      flags: RunFlags(), settings: SupervisorSettings(try ConfigurationFile(text), ownName: nil), ownName: nil)
  }

  @Test func comingGoingAndPostponed() throws {
    let old = try plan("[peers.carol]\n[peers.dave]\n[peers.erin]")
    let new = try plan("[peers.carol]\n[peers.dave]\nlisten = \":5\"\n[peers.fred]\n[index]\nlisten = \":1\"")
    // Another index listening everywhere changes where the others would listen, too.
    let change = PlanChange(from: old, to: new)
    #expect(change.added.map(\.name.text) == ["fred"])
    #expect(change.removed.map(\.text) == ["erin"])
    #expect(change.postponed == ["index", "carol", "dave"])
    let after = old.applying(change, added: change.added, peersIndex: new.peersIndex)
    #expect(after.peers.map(\.name.text) == ["carol", "dave", "fred"])
    #expect(after.index == old.index)
  }

  @Test func theSamePlanChangesNothing() throws {
    let plan = try plan("[peers.carol]")
    let change = PlanChange(from: plan, to: plan)
    #expect(change.added.isEmpty && change.removed.isEmpty && change.postponed.isEmpty)
    #expect(plan.applying(change, added: [], peersIndex: plan.peersIndex) == plan)
  }
}
