// SPDX-License-Identifier: Apache-2.0

/// The report printed at the end.
struct Summary {
  let record: RunRecord
  let checks: [CheckResult]
  let missing: Set<Fault.Kind>
  let usage: [(name: String, from: Sampler.Reading?, to: Sampler.Reading)]

  var text: String {
    var lines = ["", "operations"]
    for (operation, outcomes) in record.outcomes.sorted(by: { $0.key < $1.key }) {
      let count = Self.pad("\(outcomes.values.reduce(0, +))", 8, left: true)
      let parts = outcomes.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
      lines.append("  \(Self.pad(operation, 22))\(count)   \(parts.joined(separator: ", "))")
    }
    lines.append("faults")
    for kind in Fault.Kind.allCases {
      let (done, missed) = (record.faults[kind] ?? 0, record.missed[kind] ?? 0)
      if missing.contains(kind) {
        lines.append("  \(Self.pad(kind.rawValue, 22))    none   NOT POSSIBLE here")
      } else if done + missed > 0 {
        let note = missed > 0 ? "   and \(missed) without a running victim" : ""
        lines.append("  \(Self.pad(kind.rawValue, 22))\(Self.pad("\(done)", 8, left: true))\(note)")
      }
    }
    lines.append("processes, before and after the faults")
    for (name, from, to) in usage {
      let first = from.map { "\($0.memory / 1024) MiB, \($0.descriptors) descriptors" } ?? "not running"
      lines.append("  \(Self.pad(name, 22)) \(first) -> \(to.memory / 1024) MiB, \(to.descriptors) descriptors")
    }
    lines.append("checks")
    for check in checks {
      lines.append("  \(check.isGood ? "good " : "WRONG") \(Self.pad(check.name, 42)) \(check.detail)")
    }
    if !record.findings.isEmpty {
      lines.append("findings")
      lines += record.findings.map { "  \($0)" }
    }
    return lines.joined(separator: "\n")
  }

  private static func pad(_ text: String, _ width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return left ? space + text : text + space
  }
}
