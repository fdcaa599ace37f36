// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

struct DoctorCommand: ConsoleCommand {
  static let words = ["doctor"]
  static let example = "doctor --json"
  static let configuration: CommandConfiguration = .verb(
    "doctor", "Look for what is wrong, and say what helps.",
    """
    Checks sockets, processes, versions, rights, index, reachability, disk, descriptors and clock of all peers that you \
    run here, or of the one that is named. Ends with 1 where something does not work; a warning is no failure.
    """)

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let findings = Diagnosis(try Examination(console: console, options: daemon).facts()).findings
    for finding in findings {
      if daemon.json {
        try console.writeJSON(finding.members)
      } else {
        try console.write(Self.text(of: finding, style: console.style))
      }
    }
    let worst = findings.map(\.severity).max() ?? .ok
    if !daemon.json { console.noteLine(Self.summary(of: findings, worst)) }
    return worst == .problem ? .failed : .done
  }

  /// `problem  index         alice's index … is not reached`, and its cure below it.
  static func text(of finding: Finding, style: TextStyle) -> String {
    let severity = padded(finding.severity.rawValue, to: 9)
    let emphasized =
      switch finding.severity {
      case .ok: severity
      case .warning: style.bold(severity)
      case .problem: style.alarming(severity)
      }
    let check = padded(finding.check.rawValue, to: 14)
    let text = emphasized + check + TextRules.escapedForTerminal(finding.message) + "\n"
    guard !finding.cure.isEmpty else { return text }
    return text + String(repeating: " ", count: 23) + "-> \(TextRules.escapedForTerminal(finding.cure))\n"
  }

  private static func summary(of findings: [Finding], _ worst: Finding.Severity) -> String {
    let problems = findings.count { $0.severity == .problem }
    let warnings = findings.count { $0.severity == .warning }
    guard worst != .ok else { return "All is well." }
    return [(problems, "problem"), (warnings, "warning")].filter { $0.0 > 0 }
      .map { Quantity.count($0, $1) }.joined(separator: ", ") + "."
  }

  private static func padded(_ word: String, to width: Int) -> String {
    word + String(repeating: " ", count: max(1, width - word.count))
  }
}
