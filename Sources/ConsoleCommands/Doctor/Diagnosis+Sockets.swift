// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import ProcessSupport
import WireProtocol

extension Diagnosis {
  // MARK: Sockets

  var sockets: [Finding] {
    let answering = facts.peers.filter { if case .answers = $0.answer { true } else { false } }
    let isAnybodyThere =
      isSupervised || isGuarded || facts.lostSupervisor != nil || !answering.isEmpty
      || facts.peers.contains { $0.isLocked }
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
    if isGuarded, facts.peers.isEmpty {
      findings.append(
        .warning(
          .sockets, "no peer on this machine is yours",
          cure: "Ask root to add [peers.NAME] with your user to \(Layout.system.configurationFile), or start your own: "
            + facts.startCommand))
    }
    if !answering.isEmpty {
      let names = answering.map(\.name).joined(separator: ", ")
      findings.append(.ok(.sockets, "\(names) answer\(answering.count == 1 ? "s" : "")"))
    }
    return findings + facts.peers.compactMap(peerFinding)
  }

  private var supervisorFinding: Finding {
    let socket = facts.supervisorSocket
    switch facts.supervisor {
    case .answers: return .ok(.sockets, "the supervisor answers")
    case .down where facts.lostSupervisor != nil:
      let process = facts.lostSupervisor?.pid.map { " as process \($0)" } ?? ""
      return .problem(
        .sockets, "the supervisor runs\(process), but its socket \(socket) is gone",
        cure: "It makes a new one within seconds. If not: \(ownCommand("stop")), then: \(facts.startCommand)")
    case .down: return .ok(.sockets, "no supervisor is running: the peers were started by hand")
    case .notPermitted where isGuarded:
      return .ok(.sockets, "the supervisor of this machine is there; only root may ask it")
    case .notPermitted:
      return .problem(
        .sockets, "the supervisor's socket \(socket) belongs to another user",
        cure: "Run this as that user or as root.")
    case .foreignListener(let user):
      return foreignListener(user, at: socket, of: "the supervisor", isOfSystem: facts.supervisorIsOfSystem)
    case .obstacle(let kind):
      return obstacle(kind, at: socket, of: "the supervisor", isOfSystem: facts.supervisorIsOfSystem)
    case .unresponsive(let reason):
      return .problem(
        .sockets, "the supervisor does not answer: \(reason)",
        cure: "Check its log: \(ownLogs("supervisor")). If it hangs, kill it: the next start takes over its processes.")
    }
  }

  /// `nil` if it answers, or if the state of its process says why not.
  private func peerFinding(_ peer: DoctorFacts.Peer) -> Finding? {
    let process = facts.processes.first { $0.name == peer.name }
    let start = supervisorCommand("start", isOfSystem: peer.isOfSystem)
    let logs = "p2pctl logs \(peer.name)"
    switch peer.answer {
    case .answers: return nil
    case .notPermitted:
      return .problem(
        .sockets, "the socket of \(peer.name), \(peer.socket), belongs to another user",
        cure: "Run this as that user or as root.")
    case .foreignListener(let user):
      return foreignListener(user, at: peer.socket, of: peer.name, isOfSystem: peer.isOfSystem)
    case .obstacle(let kind): return obstacle(kind, at: peer.socket, of: peer.name, isOfSystem: peer.isOfSystem)
    case .down, .unresponsive:
      if let process, finding(process) != nil { return nil }
    }
    let isRunning = process != nil || peer.isLocked
    switch peer.answer {
    case .down where isRunning:
      return .problem(
        .sockets, "\(peer.name) is running, but its socket \(peer.socket) is gone",
        cure: isSupervised || peer.isOfSystem || facts.lostSupervisor != nil
          ? "The supervisor makes a new one within seconds. If not: "
            + "\(supervisorCommand("stop", isOfSystem: peer.isOfSystem)), then: \(facts.startCommand)"
          : "Restart it.")
    case .down(let reason):
      return .problem(
        .sockets, "\(peer.name) is not running: \(reason) (\(peer.socket))",
        cure: isSupervised || peer.isOfSystem
          ? "\(logs), then: \(start) \(peer.name)" : "Start it: \(facts.startCommand)")
    case .unresponsive(let reason):
      return .problem(
        .sockets, "\(peer.name) does not answer: \(reason) (\(peer.socket))",
        cure: isSupervised || peer.isOfSystem
          ? "\(logs), then: \(supervisorCommand("restart \(peer.name)", isOfSystem: peer.isOfSystem))" : "Restart it.")
    case .answers, .notPermitted, .foreignListener, .obstacle: return nil
    }
  }

  // MARK: What lies in the way

  private func foreignListener(_ user: String, at path: String, of whom: String, isOfSystem: Bool) -> Finding {
    .problem(
      .sockets, "a process of \(user) listens at \(path), the socket of \(whom): nothing was sent to it",
      cure: "Find out whose it is (sudo ss -xlp), end it, and move its socket away: "
        + away(path, isOfSystem: isOfSystem))
  }

  private func obstacle(_ kind: String, at path: String, of whom: String, isOfSystem: Bool) -> Finding {
    .problem(
      .sockets, "\(path) is \(kind): the socket of \(whom) belongs there",
      cure: "Move it away: \(away(path, isOfSystem: isOfSystem))")
  }

  private func away(_ path: String, isOfSystem: Bool) -> String {
    let path = ShellWords.escaped(path, in: nil)
    let move = (isOfSystem && facts.user != 0 ? "sudo " : "") + "mv \(path) \(path).aside"
    return isSupervised || isGuarded || facts.lostSupervisor != nil
      ? "\(move). The supervisor makes a new one within seconds." : "\(move), then: \(facts.startCommand)"
  }
}

extension DoctorFacts.Answer {
  /// Whether the path is not the peer's own socket.
  var isForeign: Bool {
    switch self {
    case .notPermitted, .foreignListener, .obstacle: true
    case .answers, .down, .unresponsive: false
    }
  }
}
