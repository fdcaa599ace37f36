// SPDX-License-Identifier: Apache-2.0

import DocumentModel
package import WireProtocol

/// What is wrong with transfers, in a few lines however many there are: those with the same problem share one.
package struct TransferProblems {
  private struct Group {
    /// As it is said of one.
    let problem: String
    var ids: [Int64]
    var count = 1
  }

  private static let maxLines = 20
  private static let maxNamed = 5

  /// By what the problem is apart from the name of the document.
  private var groups: [String: Group] = [:]
  private var order: [String] = []
  /// Problems for which there was no line.
  private var more = 0

  package init() {}

  package mutating func add(_ transfer: RunningTransfer) {
    for problem in TransferTable.problems(of: transfer) {
      // The problems of a prefix name its documents, which begin as it does.
      let name = transfer.name.flatMap { $0.endsInSlash ? nil : $0 }
      let cause = name.map { problem.replacing($0, with: "each document") } ?? problem
      if var group = groups[cause] {
        group.count += 1
        if group.ids.count < Self.maxNamed { group.ids.append(transfer.id) }
        groups[cause] = group
      } else if groups.count < Self.maxLines {
        groups[cause] = Group(problem: problem, ids: [transfer.id])
        order.append(cause)
      } else {
        more += 1
      }
    }
  }

  /// `7: no source of file/x answers`; `7, 8, 9, 10, 11 and 40 more: no source of each document answers`
  package var lines: [String] {
    var lines = order.compactMap { cause -> String? in
      guard let group = groups[cause] else { return nil }
      guard group.count > 1 else { return "\(group.ids[0]): \(group.problem)" }
      let named = group.ids.map { "\($0)" }.joined(separator: ", ")
      let others = group.count - group.ids.count
      return "\(named)\(others > 0 ? " and \(others) more" : ""): \(cause)"
    }
    if more > 0 { lines.append("… and \(more) more problems: p2pctl transfers --json shows them") }
    return lines
  }
}
