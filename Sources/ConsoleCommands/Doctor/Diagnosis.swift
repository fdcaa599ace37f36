// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// What facts mean, as a value: every judgement of `doctor` is made here, and nothing is looked at.
package struct Diagnosis {
  let facts: DoctorFacts

  package init(_ facts: DoctorFacts) {
    self.facts = facts
  }

  /// In the order in which one thing needs the other.
  package var findings: [Finding] {
    sockets + processes + versions + rights + facts.peers.flatMap(index) + facts.peers.flatMap(reachability) + disks
      + descriptors + clocks
  }

  private var isSupervised: Bool {
    if case .answers = facts.supervisor { true } else { false }
  }

  // MARK: Sockets

  private var sockets: [Finding] {
    let answering = facts.peers.filter { if case .answers = $0.answer { true } else { false } }
    let isAnybodyThere = isSupervised || !answering.isEmpty
    guard isAnybodyThere else {
      guard case .down = facts.supervisor else { return [supervisorFinding] + facts.peers.compactMap(peerFinding) }
      return facts.peers.filter { if case .down = $0.answer { false } else { true } }.compactMap(peerFinding)
        + [
          .problem(
            .sockets, "nothing runs here: there is no supervisor at \(facts.supervisorSocket)",
            cure: "Start everything with: p2pctl supervisor start")
        ]
    }
    var findings = [supervisorFinding]
    if !answering.isEmpty {
      let names = answering.map(\.name).joined(separator: ", ")
      findings.append(.ok(.sockets, "\(names) answer\(answering.count == 1 ? "s" : "")"))
    }
    return findings + facts.peers.compactMap(peerFinding)
  }

  private var supervisorFinding: Finding {
    switch facts.supervisor {
    case .answers: .ok(.sockets, "the supervisor answers")
    case .down: .ok(.sockets, "no supervisor runs here: what answers was started by hand")
    case .notPermitted:
      .problem(
        .sockets, "the supervisor's socket \(facts.supervisorSocket) belongs to another user",
        cure: "Ask as that user, or as root.")
    case .unresponsive(let reason):
      .problem(
        .sockets, "the supervisor does not answer: \(reason)",
        cure: "Its log may tell why: p2pctl logs supervisor. Where it hangs, end it; its next start takes over.")
    }
  }

  /// `nil` where it answers.
  private func peerFinding(_ peer: DoctorFacts.Peer) -> Finding? {
    switch peer.answer {
    case .answers: nil
    case .notPermitted:
      .problem(
        .sockets, "the socket of \(peer.name), \(peer.socket), belongs to another user",
        cure: "Ask as that user, or as root.")
    case .down(let reason):
      .problem(
        .sockets, "\(peer.name) is not there: \(reason) (\(peer.socket))",
        cure: isSupervised
          ? "p2pctl logs \(peer.name), then: p2pctl supervisor start \(peer.name)"
          : "Start it with: p2pctl supervisor start")
    case .unresponsive(let reason):
      .problem(
        .sockets, "\(peer.name) does not answer: \(reason) (\(peer.socket))",
        cure: isSupervised
          ? "p2pctl logs \(peer.name), then: p2pctl supervisor restart \(peer.name)" : "Restart it.")
    }
  }

  // MARK: Processes and versions

  private var processes: [Finding] {
    let findings = facts.processes.compactMap(finding)
    guard findings.isEmpty, !facts.processes.isEmpty else { return findings }
    return [.ok(.processes, "all are ready: \(facts.processes.map(\.name).joined(separator: ", "))")]
  }

  /// `nil` where it is as it should be.
  private func finding(_ process: ProcessStatus) -> Finding? {
    let name = process.name
    let state = ProcessFormat.state(of: process)
    switch process.state {
    case "ready" where process.responsive: return nil
    case "ready":
      return .problem(
        .processes, state, cure: "p2pctl logs \(name), then: p2pctl supervisor restart \(name)")
    case "starting", "stopping": return .warning(.processes, state, cure: "Ask again in a moment.")
    case "stopped":
      return .warning(.processes, state, cure: "Start it with: p2pctl supervisor start \(name)")
    default:
      return .problem(.processes, state, cure: "p2pctl logs \(name), then: p2pctl supervisor start \(name)")
    }
  }

  private var versions: [Finding] {
    var servers = [(String, String)]()
    if case .answers(let server) = facts.supervisor { servers.append(("the supervisor", server)) }
    for peer in facts.peers {
      if case .answers(let server) = peer.answer { servers.append((peer.name, server)) }
    }
    guard !servers.isEmpty else { return [] }
    let others = servers.filter { Self.version($0.1) != facts.version }
    guard others.isEmpty else {
      return others.map { name, server in
        .warning(
          .versions, "\(name) is \(server), this is p2pctl \(facts.version)",
          cure: isSupervised
            ? "Start everything anew: p2pctl supervisor stop, then p2pctl supervisor start" : "Restart it.")
      }
    }
    return [.ok(.versions, "all are of version \(facts.version)")]
  }

  private static func version(_ server: String) -> String {
    String(server.split(separator: "/", maxSplits: 1).last ?? "")
  }

  // MARK: Rights

  private var rights: [Finding] {
    let findings = facts.places.compactMap(finding)
    guard findings.isEmpty, !facts.places.isEmpty else { return findings }
    return [.ok(.rights, "sockets, state and keys are out of others' reach")]
  }

  private func finding(_ place: DoctorFacts.Place) -> Finding? {
    let isOurs = place.owner == facts.user || place.owner == 0 || facts.user == 0
    guard isOurs else {
      return .problem(
        .rights, "\(place.path) belongs to user \(place.owner)",
        cure: "Give it back with: chown \(facts.user) \(place.path)")
    }
    if place.isSecret, place.mode & 0o077 != 0 {
      return .problem(
        .rights, "\(place.path) is open to others: whoever reads it can be this peer",
        cure: "Close it with: chmod 600 \(place.path)")
    }
    if !place.isSecret, place.mode & 0o022 != 0 {
      return .problem(
        .rights, "\(place.path) can be changed by others", cure: "Close it with: chmod go-w \(place.path)")
    }
    return nil
  }
}
