// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupport
import WireProtocol

extension Diagnosis {
  /// Clock differences up to this many seconds are ignored.
  private static let toleratedSkew: UInt64 = 30

  // MARK: The index

  func index(_ peer: DoctorFacts.Peer) -> [Finding] {
    guard let status = peer.status else { return [] }
    let index = status.index
    let whose = "\(peer.name)'s index \(index.address)"
    if let found = peer.examination?.index, let limit = found.limit, let reason = found.error {
      return [limited(whose, reason, limit)]
    }
    guard index.connected else {
      if let found = peer.examination?.index, found.refused, let reason = found.error {
        return [refused(status, reason, found)]
      }
      return [
        .problem(
          .index, "\(whose) has been unreachable since \(index.since)" + (index.error.map { ": \($0)" } ?? ""),
          cure: cure(for: index, of: peer))
      ]
    }
    // It may say so instead of an answer, and tells nobody how to reach this peer.
    guard index.role != MemberStanding.noRole else {
      return [
        .problem(
          .index, "\(whose) serves members only, and \(peer.name) is none",
          cure: "Ask an admin of the network for a ticket (p2pctl network invite), then: p2pctl join TICKET")
      ]
    }
    guard let found = peer.examination?.index else { return [.ok(.index, "\(whose) is connected")] }
    if let error = found.error {
      return [.problem(.index, "\(whose) is connected but does not answer: \(error)", cure: cure(for: index, of: peer))]
    }
    if found.refusedDocuments > 0 { return [forbidden(whose, peer, found.refusedDocuments)] }
    if let error = index.error {
      return [
        .warning(
          .index, "\(whose) answers, but does not know all documents of \(peer.name): \(error)",
          cure: "They are announced again by themselves. If it stays so: p2pctl logs \(peer.name)")
      ]
    }
    let duration = found.seconds.map { " in \(Self.milliseconds($0))" } ?? ""
    return [.ok(.index, "\(whose) answers\(duration)" + (found.server.map { " (\($0))" } ?? ""))]
  }

  private func refused(_ status: ControlStatusReply, _ reason: String, _ found: ControlDoctorReply.Index) -> Finding {
    let index = status.index
    let cure =
      if let id = found.found {
        "Compare the id with the one that p2pctl status shows on the machine of the index. If it is the right one: "
          + "p2pctl connect \(index.address) --id \(id). \(Self.otherIndex(than: index))"
      } else {
        "Ask an admin of the network for a ticket, then: p2pctl join TICKET. A ban ends before that, when an admin types: "
          + "p2pctl network unban \(status.peer.hex.prefix(16)). \(Self.otherIndex(than: index))"
      }
    return .problem(.index, "\(status.name) cannot use its index \(index.address): \(reason)", cure: cure)
  }

  private func forbidden(_ whose: String, _ peer: DoctorFacts.Peer, _ count: Int) -> Finding {
    .problem(
      .index,
      "\(whose) does not permit \(Quantity.count(count, "document")) of \(peer.name): its role or a claim forbids it",
      cure: "p2pctl list --mine shows them as refused. Who has claimed a prefix lets others in: "
        + "p2pctl network claim PREFIX --allow ID. For a reader, an admin makes a ticket: "
        + "p2pctl network invite --role publisher")
  }

  private static func otherIndex(than index: IndexState) -> String {
    "To use another index: p2pctl connect HOST[:PORT], or with a ticket: p2pctl join -"
      + (index.source == .connect ? "; to return to the configured one: p2pctl connect --default" : "")
  }

  private func limited(_ whose: String, _ reason: String, _ limit: WireFailure.Limit) -> Finding {
    .problem(
      .index, "\(whose) refuses it: \(reason)",
      cure: "Try again later. If it stays so, the operator of the index can raise \(limit.name), now \(limit.value): "
        + "p2pctl network limits lists the limits")
  }

  private static func milliseconds(_ seconds: Double) -> String {
    seconds < 1 ? "\(Int((max(0, seconds) * 1_000).rounded(.up))) ms" : Quantity.duration(seconds)
  }

  private func cure(for index: IndexState, of peer: DoctorFacts.Peer) -> String {
    let other = Self.otherIndex(than: index)
    guard index.address.isLoopback else {
      return "Check that it is running and that TCP port \(index.address.port) is open there. \(other)"
    }
    if let process = facts.processes.first(where: { $0.role == .index }) {
      return process.state == "ready"
        ? "The index on this machine is at \(process.address). \(other)"
        : "\(ownLogs("index")), then: \(ownCommand("start index"))"
    }
    if isGuarded || facts.lostSupervisor != nil {
      return "Check whether it runs: \(ownCommand("status")). \(other)"
    }
    let start = peer.isOfSystem ? "" : "To run it here: \(newStart(of: peer, "--serve-index \(index.address)")). "
    return "No index is running here. \(start)\(other)"
  }

  // MARK: Reachability

  func reachability(_ peer: DoctorFacts.Peer) -> [Finding] {
    port(peer) + ownAddress(peer)
  }

  private func ownAddress(_ peer: DoctorFacts.Peer) -> [Finding] {
    guard let status = peer.status, status.index.connected, status.index.role != MemberStanding.noRole else {
      return []
    }
    let examined = peer.examination?.uploads
    // It also listens where its index tells others to connect, unless a person chose otherwise.
    let isReached = examined.map { $0.reachable && !$0.address.isLoopback } ?? false
    if status.uploads.isLoopback, !status.index.address.isLoopback, !isReached {
      return [
        .problem(
          .reachability, "\(peer.name) listens on \(status.uploads) only: other machines cannot fetch from it",
          cure: restart(peer, with: status.index.address))
      ]
    }
    guard let uploads = examined else { return [] }
    if uploads.reachable {
      return [.ok(.reachability, "\(peer.name) is reachable at \(uploads.address), its address in the index")]
    }
    let message = "\(peer.name) cannot reach itself at \(uploads.address), its address in the index"
    return [
      .warning(
        .reachability, message + (uploads.error.map { ": \($0)" } ?? ""),
        cure: "Open TCP port \(uploads.address.port) on this machine and forward it at the gateway. "
          + "If that is done, ignore this: some gateways do not route a machine's packets back to itself.")
    ]
  }

  /// Started with a remote index, a peer listens on all addresses.
  private func restart(_ peer: DoctorFacts.Peer, with index: Endpoint) -> String {
    guard peer.isOfSystem else {
      let serves = facts.processes.contains { $0.role == .index } ? " --serve-index" : ""
      return "Start it with that index: \(newStart(of: peer, "--index \(index)\(serves)"))"
    }
    return "Set listen = \":0\" for \(peer.name) in \(Layout.system.configurationFile), then: "
      + "\(supervisorCommand("stop", isOfSystem: true)), and: \(supervisorCommand("start", isOfSystem: true))"
  }

  /// Names every peer that runs: a start without its name would leave it out.
  private func newStart(of peer: DoctorFacts.Peer, _ flags: String) -> String {
    let others = facts.processes.filter { $0.role == .peer && $0.name != peer.name }.map { " --peer \($0.name)" }
    return "p2pctl supervisor stop, then: p2pctl supervisor start \(flags) --peer \(peer.name)\(others.joined())"
  }

  // MARK: Clocks

  /// One finding per index.
  var clocks: [Finding] {
    var findings = [Finding]()
    for finding in facts.peers.compactMap(clock) where !findings.contains(finding) { findings.append(finding) }
    return findings
  }

  private func clock(_ peer: DoctorFacts.Peer) -> Finding? {
    guard let index = peer.status?.index, let skew = peer.examination?.index.skew else { return nil }
    guard skew.magnitude > Self.toleratedSkew else {
      return .ok(.clock, "the clock agrees with the one at \(index.address)")
    }
    let seconds = Quantity.duration(Double(skew.magnitude))
    return .warning(
      .clock, "this clock is \(seconds) \(skew > 0 ? "behind" : "ahead of") the one at \(index.address)",
      cure: "Correct the wrong clock, on this machine with: \(facts.user == 0 ? "" : "sudo ")timedatectl set-ntp true")
  }
}
