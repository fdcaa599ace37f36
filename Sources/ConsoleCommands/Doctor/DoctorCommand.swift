// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel
package import LineJSON

struct DoctorCommand: ConsoleCommand {
  static let example = "doctor --json"
  static let configuration: CommandConfiguration = .verb(
    "doctor", "Check for problems and suggest fixes.",
    """
    Checks sockets, processes, versions, rights, catalogue, shared files, index, reachability, disk, descriptors and \
    clock of your peers on this machine, or of the named one; as root, of all. Exits with 1 if something does not work; \
    warnings do not count.
    """)

  @OptionGroup var daemon: DaemonOptions

  func perform(on console: Console) throws -> ExitStatus {
    let findings = Diagnosis(try DoctorProbe(console: console, options: daemon).facts()).findings
    for finding in findings {
      if daemon.json {
        try console.writeJSON(finding.members)
      } else {
        try console.write(Self.text(of: finding, style: console.style, width: console.tableWidth))
      }
    }
    let worst = findings.map(\.severity).max() ?? .ok
    if !daemon.json { console.noteLine(Self.summary(of: findings, worst)) }
    return worst == .problem ? .failed : .done
  }

  /// `problem  index         alice's index … has been unreachable …`, with its cure on the next line.
  static func text(of finding: Finding, style: TextStyle, width: Int? = nil) -> String {
    let severity = padded(finding.severity.rawValue, to: 9)
    let text = WrappedText.beside(
      severity + finding.check.rawValue, TextRules.escapedForTerminal(finding.message), indent: 23, width: width
    ) { label in
      let rest = String(label.dropFirst(severity.count))
      return switch finding.severity {
      case .ok: label
      case .warning: style.bold(severity) + rest
      case .problem: style.error(severity) + rest
      }
    }
    guard !finding.cure.isEmpty else { return text }
    let cure = "-> \(TextRules.escapedForTerminal(finding.cure))"
    return text + WrappedText.beside("", cure, indent: 23, width: width)
  }

  private static func summary(of findings: [Finding], _ worst: Finding.Severity) -> String {
    let problems = findings.count { $0.severity == .problem }
    let warnings = findings.count { $0.severity == .warning }
    guard worst != .ok else { return "No problems found." }
    return [(problems, "problem"), (warnings, "warning")].filter { $0.0 > 0 }
      .map { Quantity.count($0, $1) }.joined(separator: ", ") + "."
  }

  private static func padded(_ word: String, to width: Int) -> String {
    word + String(repeating: " ", count: max(1, width - word.count))
  }
}

/// The result of one check, with a cure unless all is well.
package struct Finding: Equatable {
  package enum Check: String, CaseIterable {
    case sockets
    case processes
    case versions
    case rights
    case catalogue
    case files
    case index
    case reachability
    case disk
    case descriptors
    case clock
  }

  package enum Severity: String, Comparable {
    case ok
    /// Works, but may soon fail.
    case warning
    /// Does not work.
    case problem

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    private var rank: Int {
      switch self {
      case .ok: 0
      case .warning: 1
      case .problem: 2
      }
    }
  }

  package let check: Check
  package let severity: Severity
  /// One sentence, not yet escaped for the terminal.
  package let message: String
  /// What to do; empty for `ok` only.
  package let cure: String

  static func ok(_ check: Check, _ message: String) -> Finding {
    Finding(check: check, severity: .ok, message: message, cure: "")
  }

  static func warning(_ check: Check, _ message: String, cure: String) -> Finding {
    Finding(check: check, severity: .warning, message: message, cure: cure)
  }

  static func problem(_ check: Check, _ message: String, cure: String) -> Finding {
    Finding(check: check, severity: .problem, message: message, cure: cure)
  }

  package var members: JSONMembers {
    var members: JSONMembers = [
      "check": .string(check.rawValue), "severity": .string(severity.rawValue), "message": .string(message),
    ]
    if !cure.isEmpty { members["cure"] = .string(cure) }
    return members
  }
}
