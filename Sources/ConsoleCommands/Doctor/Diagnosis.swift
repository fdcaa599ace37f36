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
  var isGuarded: Bool { facts.supervisorIsOfSystem && facts.user != 0 && facts.supervisor == .notPermitted }

  /// A command of the supervisor, as this user has to type it.
  /// - Parameter isOfSystem: whether it is about the machine's supervisor.
  func supervisorCommand(_ words: String, isOfSystem: Bool) -> String {
    (isOfSystem && facts.user != 0 ? "sudo " : "") + "p2pctl supervisor \(words)"
  }

  func ownCommand(_ words: String) -> String {
    supervisorCommand(words, isOfSystem: facts.supervisorIsOfSystem)
  }

  /// The log of the index or the supervisor, which only root may read on a machine.
  func ownLogs(_ process: String) -> String {
    (facts.supervisorIsOfSystem && facts.user != 0 ? "sudo " : "") + "p2pctl logs \(process)"
  }

  // MARK: Processes and versions

  private var processes: [Finding] {
    let findings = facts.processes.compactMap(finding)
    guard findings.isEmpty, !facts.processes.isEmpty else { return findings }
    return [.ok(.processes, "all processes are ready: \(facts.processes.map(\.name).joined(separator: ", "))")]
  }

  /// `nil` if it is ready and responsive.
  func finding(_ process: ProcessStatus) -> Finding? {
    let name = process.name
    let logs = ownLogs(name)
    let state = ProcessFormat.state(of: process)
    switch process.state {
    case "ready" where process.responsive: return nil
    case "ready":
      return .problem(
        .processes, state, cure: "\(logs), then: \(ownCommand("restart \(name)"))")
    case "starting", "stopping": return .warning(.processes, state, cure: "Check again in a moment.")
    case "stopped":
      return .warning(.processes, state, cure: "Start it: \(ownCommand("start \(name)"))")
    default:
      return .problem(.processes, state, cure: "\(logs), then: \(ownCommand("start \(name)"))")
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
            ? "Restart everything: \(ownCommand("stop")), then: \(facts.startCommand)" : "Restart it.")
      }
    }
    return [.ok(.versions, "all programs have version \(facts.version)")]
  }

  private static func version(_ server: String) -> String {
    String(server.split(separator: "/", maxSplits: 1).last ?? "")
  }

  // MARK: Rights

  private var rights: [Finding] {
    // A socket that is not this peer's is a finding of its own, and none of its rights is to be changed.
    let foreign = facts.peers.filter { $0.answer.isForeign }.map(\.socket)
    let findings = facts.places.filter { !foreign.contains($0.path) }.compactMap(finding)
    guard findings.isEmpty, !facts.places.isEmpty else { return findings }
    return [.ok(.rights, "sockets, state and keys are closed to other users")]
  }

  /// Cures never change an owner: that would hand a file of another user to this one, or a planted one to a peer.
  private func finding(_ place: DoctorFacts.Place) -> Finding? {
    let isOurs = place.owner == facts.user || place.owner == 0 || facts.user == 0
    let path = ShellWords.escaped(place.path, in: nil)
    let sudo = place.owner != facts.user && facts.user != 0 ? "sudo " : ""
    guard isOurs else {
      return .problem(
        .rights, "\(place.path) belongs to user \(place.owner), not to you",
        cure: "Find out who made it, and stop using this peer until then: ls -ld \(path)")
    }
    if let obstacle = place.obstacle {
      return .problem(
        .rights, "\(place.path) is \(obstacle): a file of this peer belongs there",
        cure: "Move it away, then restart this peer: \(sudo)mv \(path) \(path).aside")
    }
    if place.isSecret, place.mode & 0o077 != 0 {
      return .problem(
        .rights, "\(place.path) is accessible to other users, who could impersonate this peer",
        cure: "Fix it: \(sudo)chmod 600 \(path)")
    }
    if !place.isSecret, place.mode & 0o022 != 0 {
      return .problem(
        .rights, "\(place.path) is writable by other users", cure: "Fix it: \(sudo)chmod go-w \(path)")
    }
    return nil
  }
}
