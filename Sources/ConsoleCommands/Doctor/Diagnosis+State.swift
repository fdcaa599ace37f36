// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import WireProtocol

extension Diagnosis {
  // MARK: The catalogue

  func catalogue(_ peer: DoctorFacts.Peer) -> [Finding] {
    guard let catalogue = peer.examination?.catalogue else { return [] }
    if let error = catalogue.error {
      return [
        .problem(
          .catalogue, "\(peer.name) records nothing: \(error)",
          cure: "If it was moved, move it back, or restore a copy while the peer is stopped. Then: "
            + supervisorCommand("restart \(peer.name)", isOfSystem: peer.isOfSystem)
            + ". Without the old directory, the peer gets a new key and an empty catalogue.")
      ]
    }
    var findings = catalogue.aside.map { path in
      Finding.warning(
        .catalogue, "a damaged catalogue of \(peer.name) was put aside: \(path)",
        cure: "Check p2pctl list --mine, and add what is missing: p2pctl add FILE. Then move \(path) elsewhere.")
    }
    if catalogue.cameBackEmpty {
      findings.append(
        .warning(
          .catalogue, "\(peer.name) has its key, but its catalogue was missing or empty at the last start",
          cure: "Restore it from a copy while the peer is stopped, or add the files again: p2pctl add FILE"))
    }
    return findings.isEmpty ? [.ok(.catalogue, "the catalogue of \(peer.name) is in its place")] : findings
  }

  // MARK: Shared files

  func files(_ peer: DoctorFacts.Peer) -> [Finding] {
    guard let files = peer.examination?.files else { return [] }
    let examples = files.examples.map { "\($0.path): \($0.message)" }
    var findings = [Finding]()
    if files.unusable > 0 {
      findings.append(
        .problem(
          .files, Self.listed("\(Self.shared(files.unusable)) of \(peer.name) cannot be read", examples),
          cure: "Put the files back and make them readable for the peer, or stop sharing them: p2pctl remove KEY "
            + "(keys and paths: p2pctl list --mine)"))
    }
    if files.changed > 0 {
      findings.append(
        .warning(
          .files,
          Self.listed(
            "\(Self.shared(files.changed)) of \(peer.name) changed since",
            // With unusable files too, the examples are named above.
            files.unusable > 0 ? [] : examples),
          cure: "Added files are shared again by themselves. To share a changed download: p2pctl add FILE"))
    }
    if !files.complete {
      findings.append(
        .warning(
          .files, "only \(Self.shared(files.checked)) of \(peer.name) were checked in time",
          cure: "Run p2pctl doctor again. If it stays so, check the file systems with shared files: one may hang."))
    }
    guard findings.isEmpty else { return findings }
    return [.ok(.files, "\(peer.name) can read what it shares (\(Quantity.count(files.checked, "file")))")]
  }

  private static func shared(_ count: Int) -> String { Quantity.count(count, "shared file") }

  private static func listed(_ message: String, _ examples: [String]) -> String {
    examples.isEmpty ? message : "\(message): \(examples.joined(separator: "; "))"
  }

  // MARK: The port

  /// The port that others know from earlier runs.
  func port(_ peer: DoctorFacts.Peer) -> [Finding] {
    guard let taken = peer.examination?.portTaken, let now = peer.status?.uploads.port else { return [] }
    return [
      .warning(
        .reachability, "another program had \(peer.name)'s upload port \(taken) at the last start; it now uses \(now)",
        cure: "If port \(taken) is open in a firewall or forwarded, open \(now) instead.")
    ]
  }
}
