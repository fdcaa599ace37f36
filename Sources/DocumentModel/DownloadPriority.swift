// SPDX-License-Identifier: Apache-2.0

/// Which of the queued downloads begins first. The raw values are those of the catalogue.
package enum DownloadPriority: Int64, CaseIterable, Comparable, Hashable, Sendable {
  case high = 0
  case normal
  case low

  /// - Parameter word: as on the control plane and the command line.
  package init?(word: String) {
    guard let priority = Self.allCases.first(where: { $0.word == word }) else { return nil }
    self = priority
  }

  package var word: String { "\(self)" }

  /// A higher priority is less: it comes first.
  package static func < (left: DownloadPriority, right: DownloadPriority) -> Bool { left.rawValue < right.rawValue }
}
