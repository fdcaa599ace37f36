// SPDX-License-Identifier: Apache-2.0

import SupervisorDaemon
import DocumentModel
import ProcessSupervision
import Testing

/// What a reload changes, and what it postpones.
@Suite struct PlanChangeTests {
  private func plan(_ text: String) throws -> RunPlan {
    try RunPlan(
      flags: RunFlags(), settings: SupervisorSettings(try ConfigurationFile(text), ownName: nil), ownName: nil)
  }

  @Test func `peers are added and removed, other changes postponed`() throws {
    let old = try plan("[peers.carol]\n[peers.dave]\n[peers.erin]")
    let new = try plan("[peers.carol]\n[peers.dave]\nlisten = \":5\"\n[peers.fred]\n[index]\nlisten = \":1\"")
    // A new index address changes the default listening address of peers, too.
    let change = PlanChange(from: old, to: new)
    #expect(change.added.map(\.name.text) == ["fred"])
    #expect(change.removed.map(\.text) == ["erin"])
    #expect(change.applied == ["peers.erin", "peers.fred"])
    #expect(change.postponed == ["index.listen", "peers.carol.listen", "peers.dave.listen"])
    #expect(change.result.peers.map(\.name.text) == ["carol", "dave", "fred"])
    #expect(change.result.index == old.index)
    // Postponed changes stay postponed and are reported again.
    #expect(PlanChange(from: change.result, to: new).postponed == change.postponed)
    #expect(PlanChange(from: change.result, to: new).applied.isEmpty)
  }

  @Test func `same plan changes nothing`() throws {
    let plan = try plan("[peers.carol]")
    let change = PlanChange(from: plan, to: plan)
    #expect(change.added.isEmpty && change.removed.isEmpty && change.postponed.isEmpty && change.applied.isEmpty)
    #expect(change.result == plan)
  }

  private static let base = "[index]\nlisten = \"127.0.0.1:1\"\n[peers.carol]\nlisten = \"127.0.0.1:2\"\n"

  /// Every changed setting is either applied or named as postponed.
  @Test(
    arguments: [
      ("[supervisor]\nkill_unresponsive_after = 99\n" + base, ["supervisor.kill_unresponsive_after"], []),
      ("[log]\nto = \"journal\"\n" + base, [], ["log.to"]),
      ("[log]\nlevel = \"debug\"\nformat = \"json\"\n" + base, [], ["log.level", "log.format"]),
      (base.replacing("127.0.0.1:1", with: "127.0.0.1:9"), [], ["index.listen"]),
      (base.replacing("[index]", with: "[index]\nserve = false"), ["index.address"], ["index.serve"]),
      (base.replacing("[index]", with: "[index]\nserve = true\naddress = \"192.0.2.1\""), ["index.address"], []),
      (base.replacing("[index]", with: "[index]\nuser = \"p2p\""), [], ["index.user"]),
      (
        base.replacing("[index]", with: "[index]\nallow_advertise = [\"10.0.0.0/8\"]"), ["index.allow_advertise"], []
      ),
      (
        base.replacing("[index]", with: "[index]\nmemory = 64\nrequests_per_address = 7"),
        ["index.memory", "index.requests_per_address"], []
      ),
      (base.replacing("127.0.0.1:2", with: "127.0.0.1:9"), [], ["peers.carol.listen"]),
      (base + "advertise = \"192.0.2.1\"\n", ["peers.carol.advertise"], []),
      (base + "user = \"1:1\"\n", [], ["peers.carol.user"]),
      (base + "[peer]\nadvertise = \"192.0.2.1\"\n", ["peers.carol.advertise"], []),
      (base + "[peers.dave]\n", ["peers.dave"], []),
      (base + "[network]\nplain = \"never\"\n", [], ["network.plain"]),
      (
        base + "[network.limits]\nrecords_per_member = 5\nconnections_per_address = 6\n",
        ["network.limits.records_per_member"], ["network.limits.connections_per_address"]
      ),
      (base + "[network]\nopen = true\ngrace = 1\n", [], ["network.open", "network.grace"]),
    ] as [(String, [String], [String])])
  func `every changed setting is named`(text: String, applied: [String], postponed: [String]) throws {
    let old = try plan(Self.base)
    let new = try plan(text)
    let change = PlanChange(from: old, to: new)
    #expect(change.applied == applied)
    #expect(change.postponed == postponed)
    // The new plan contains exactly the applied changes.
    if postponed.isEmpty { #expect(change.result == new) }
    if applied.isEmpty { #expect(change.result == old) }
  }

  /// Peers do not use an index that is served only after the next start.
  @Test func `index not served yet is not used`() throws {
    let elsewhere = try plan("[index]\naddress = \"192.0.2.1\"\n[peers.carol]\nlisten = \":2\"\n")
    let change = PlanChange(from: elsewhere, to: try plan("[peers.carol]\nlisten = \":2\"\n"))
    #expect(change.postponed == ["index.serve", "index.address"])
    #expect(change.result == elsewhere)
  }

  /// A running child follows the new rule.
  @Test func `new timeout applies to running children`() {
    let start = SuspendingClock.now
    var policy = RestartPolicy()
    policy.killUnresponsiveAfter = nil
    var fleet = Fleet(policy: policy)
    fleet.add("alice", role: .peer, now: start)
    _ = fleet.begin(now: start)
    _ = fleet.becameReady("alice", now: start)
    #expect(fleet.deadline == nil)
    policy.killUnresponsiveAfter = .seconds(90)
    fleet.adopt(policy)
    #expect(fleet.deadline == start.advanced(by: .seconds(85)))
    #expect(fleet.timePassed(now: start.advanced(by: .seconds(85))).isEmpty, "the first look only asks")
    #expect(
      fleet.timePassed(now: start.advanced(by: .seconds(90))) == [Fleet.Step(name: "alice", action: .kill)])
    policy.killUnresponsiveAfter = nil
    fleet.adopt(policy)
    #expect(fleet.deadline == nil)
    // A later child follows it too.
    fleet.adopt(policy)
    fleet.add("bob", role: .peer, now: start)
    #expect(fleet.member("bob")?.machine.policy == policy)
  }
}
