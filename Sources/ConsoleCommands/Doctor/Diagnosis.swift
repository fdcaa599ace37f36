// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

/// The judgements of `doctor`, as a value: derived from facts, without any I/O.
package struct Diagnosis {
  let facts: DoctorFacts

  package init(_ facts: DoctorFacts) {
    self.facts = facts
  }

  /// In order of dependency: what the later checks need comes first.
  package var findings: [Finding] {
    sockets + processes + versions + rights + facts.peers.flatMap(catalogue) + facts.peers.flatMap(files)
      + facts.peers.flatMap(index) + facts.peers.flatMap(reachability) + disks + descriptors + clocks
  }

  /// Whether a supervisor that this user may ask is running.
  var isSupervised: Bool {
    if case .answers = facts.supervisor { true } else { false }
  }

  /// Whether the supervisor is the machine's and answers root only.
  private var isGuarded: Bool { facts.supervisorIsOfSystem && facts.user != 0 && facts.supervisor == .notPermitted }

  /// A command of the supervisor, as this user has to type it.
  /// - Parameter isOfSystem: whether it is about the machine's supervisor.
  func supervisorCommand(_ words: String, isOfSystem: Bool) -> String {
    (isOfSystem && facts.user != 0 ? "sudo " : "") + "p2pctl supervisor \(words)"
  }

  private func ownCommand(_ words: String) -> String {
    supervisorCommand(words, isOfSystem: facts.supervisorIsOfSystem)
  }

  // MARK: Sockets

  private var sockets: [Finding] {
    let answering = facts.peers.filter { if case .answers = $0.answer { true } else { false } }
    let isAnybodyThere = isSupervised || isGuarded || facts.lostSupervisor != nil || !answering.isEmpty
    guard isAnybodyThere else {
      guard case .down = facts.supervisor else { return [supervisorFinding] + facts.peers.compactMap(peerFinding) }
      return facts.peers.filter { if case .down = $0.answer { false } else { true } }.compactMap(peerFinding)
        + [
          .problem(
            .sockets, "nothing is running: there is no supervisor at \(facts.supervisorSocket)",
            cure: "Start everything: \(facts.startCommand)")
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
    case .down where facts.lostSupervisor != nil:
      .problem(
        .sockets,
        "the supervisor runs as process \(facts.lostSupervisor ?? 0), but its socket \(facts.supervisorSocket) is gone",
        cure: "It makes a new one within seconds. If not, stop it (kill \(facts.lostSupervisor ?? 0)), then: "
          + ownCommand("start"))
    case .down: .ok(.sockets, "no supervisor is running: the peers were started by hand")
    case .notPermitted where isGuarded:
      .ok(.sockets, "the supervisor of this machine is there; only root may ask it")
    case .notPermitted:
      .problem(
        .sockets, "the supervisor's socket \(facts.supervisorSocket) belongs to another user",
        cure: "Run this as that user or as root.")
    case .unresponsive(let reason):
      .problem(
        .sockets, "the supervisor does not answer: \(reason)",
        cure: "Check its log: p2pctl logs supervisor. If it hangs, kill it: the next start takes over its processes.")
    }
  }

  /// `nil` if it answers.
  private func peerFinding(_ peer: DoctorFacts.Peer) -> Finding? {
    let start = supervisorCommand("start", isOfSystem: peer.isOfSystem)
    let logs = "p2pctl logs \(peer.name)"
    switch peer.answer {
    case .answers: return nil
    case .notPermitted:
      return .problem(
        .sockets, "the socket of \(peer.name), \(peer.socket), belongs to another user",
        cure: "Run this as that user or as root.")
    case .down(let reason):
      if facts.processes.contains(where: { $0.name == peer.name && $0.state == "ready" }) {
        return .problem(
          .sockets, "\(peer.name) is running, but its socket \(peer.socket) is gone",
          cure: "The supervisor makes a new one within seconds. If not: "
            + supervisorCommand("stop", isOfSystem: peer.isOfSystem) + ", then: \(start)")
      }
      return .problem(
        .sockets, "\(peer.name) is not running: \(reason) (\(peer.socket))",
        cure: isSupervised || peer.isOfSystem
          ? "\(logs), then: \(start) \(peer.name)" : "Start it: \(facts.startCommand)")
    case .unresponsive(let reason):
      return .problem(
        .sockets, "\(peer.name) does not answer: \(reason) (\(peer.socket))",
        cure: isSupervised || peer.isOfSystem
          ? "\(logs), then: \(supervisorCommand("restart \(peer.name)", isOfSystem: peer.isOfSystem))" : "Restart it.")
    }
  }

  // MARK: Processes and versions

  private var processes: [Finding] {
    let findings = facts.processes.compactMap(finding)
    guard findings.isEmpty, !facts.processes.isEmpty else { return findings }
    return [.ok(.processes, "all processes are ready: \(facts.processes.map(\.name).joined(separator: ", "))")]
  }

  /// `nil` if it is ready and responsive.
  private func finding(_ process: ProcessStatus) -> Finding? {
    let name = process.name
    let state = ProcessFormat.state(of: process)
    switch process.state {
    case "ready" where process.responsive: return nil
    case "ready":
      return .problem(
        .processes, state, cure: "p2pctl logs \(name), then: p2pctl supervisor restart \(name)")
    case "starting", "stopping": return .warning(.processes, state, cure: "Check again in a moment.")
    case "stopped":
      return .warning(.processes, state, cure: "Start it: p2pctl supervisor start \(name)")
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
          .versions, "\(name) runs \(server), but this is p2pctl \(facts.version)",
          cure: isSupervised
            ? "Restart everything: p2pctl supervisor stop, then: \(facts.startCommand)" : "Restart it.")
      }
    }
    return [.ok(.versions, "all programs have version \(facts.version)")]
  }

  private static func version(_ server: String) -> String {
    String(server.split(separator: "/", maxSplits: 1).last ?? "")
  }

  // MARK: Rights

  private var rights: [Finding] {
    let findings = facts.places.compactMap(finding)
    guard findings.isEmpty, !facts.places.isEmpty else { return findings }
    return [.ok(.rights, "sockets, state and keys are closed to other users")]
  }

  /// Cures never change an owner: that would hand a file of another user to this one, or a planted one to a peer.
  private func finding(_ place: DoctorFacts.Place) -> Finding? {
    let isOurs = place.owner == facts.user || place.owner == 0 || facts.user == 0
    guard isOurs else {
      return .problem(
        .rights, "\(place.path) belongs to user \(place.owner), not to you",
        cure: "Find out who made it, and stop using this peer until then: ls -ld \(place.path)")
    }
    if place.isSecret, place.mode & 0o077 != 0 {
      return .problem(
        .rights, "\(place.path) is accessible to other users, who could impersonate this peer",
        cure: "Fix it: chmod 600 \(place.path)")
    }
    if !place.isSecret, place.mode & 0o022 != 0 {
      return .problem(
        .rights, "\(place.path) is writable by other users", cure: "Fix it: chmod go-w \(place.path)")
    }
    return nil
  }
}
