// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

extension Diagnosis {
  /// Clocks that differ by less are as good as equal.
  private static let toleratedSkew: UInt64 = 30

  // MARK: The index

  func index(_ peer: DoctorFacts.Peer) -> [Finding] {
    guard let status = peer.status else { return [] }
    let index = status.index
    let whose = "\(peer.name)'s index \(index.address)"
    guard index.connected else {
      return [
        .problem(
          .index, "\(whose) is not reached since \(index.since)" + (index.error.map { ": \($0)" } ?? ""),
          cure: cure(for: index))
      ]
    }
    guard let found = peer.examination?.index else { return [.ok(.index, "\(whose) is connected")] }
    if let error = found.error {
      return [.problem(.index, "\(whose) is connected and does not answer: \(error)", cure: cure(for: index))]
    }
    let duration = found.seconds.map { " in \(Self.milliseconds($0))" } ?? ""
    return [.ok(.index, "\(whose) answers\(duration)" + (found.server.map { " (\($0))" } ?? ""))]
  }

  private static func milliseconds(_ seconds: Double) -> String {
    seconds < 1 ? "\(Int((max(0, seconds) * 1_000).rounded(.up))) ms" : Quantity.duration(seconds)
  }

  private func cure(for index: IndexState) -> String {
    let other = "Another index: p2pctl connect HOST[:PORT]"
    let back = index.source == .connect ? "; the one of the settings: p2pctl connect --default" : ""
    guard index.address.isLoopback else {
      return "See whether it runs, and whether TCP port \(index.address.port) is open there. \(other)\(back)"
    }
    if let process = facts.processes.first(where: { $0.role == .index }) {
      return process.state == "ready"
        ? "The one that runs here is at \(process.address). \(other)\(back)"
        : "p2pctl logs index, then: p2pctl supervisor start index"
    }
    return "None is run by a supervisor here: p2pctl supervisor start --serve-index. \(other)\(back)"
  }

  // MARK: Reachability

  func reachability(_ peer: DoctorFacts.Peer) -> [Finding] {
    guard let status = peer.status, status.index.connected else { return [] }
    if status.uploads.isLoopback, !status.index.address.isLoopback {
      return [
        .problem(
          .reachability, "\(peer.name) listens on \(status.uploads) only: nobody elsewhere can fetch from it",
          cure: "Give it an address: p2pctl supervisor stop, then p2pctl supervisor start --peer \(peer.name)=:PORT")
      ]
    }
    guard let uploads = peer.examination?.uploads else { return [] }
    if uploads.reachable {
      return [.ok(.reachability, "\(peer.name) is reached at \(uploads.address), as the index tells others")]
    }
    let message = "\(peer.name) does not reach itself at \(uploads.address), as the index tells others"
    return [
      .warning(
        .reachability, message + (uploads.error.map { ": \($0)" } ?? ""),
        cure: "Open TCP port \(uploads.address.port) here and at the gateway before it. "
          + "Where that is done: some gateways keep a machine from reaching itself, and then all is well.")
    ]
  }

  // MARK: Clocks

  /// One for each index.
  var clocks: [Finding] {
    var findings = [Finding]()
    for finding in facts.peers.compactMap(clock) where !findings.contains(finding) { findings.append(finding) }
    return findings
  }

  private func clock(_ peer: DoctorFacts.Peer) -> Finding? {
    guard let index = peer.status?.index, let skew = peer.examination?.index.skew else { return nil }
    guard skew.magnitude > Self.toleratedSkew else {
      return .ok(.clock, "the clock agrees with that of \(index.address)")
    }
    let seconds = Quantity.duration(Double(skew.magnitude))
    return .warning(
      .clock, "this clock is \(seconds) \(skew > 0 ? "behind" : "ahead of") that of \(index.address)",
      cure: "Set the one that is wrong, here with: timedatectl set-ntp true")
  }
}
