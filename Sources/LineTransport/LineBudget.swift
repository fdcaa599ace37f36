// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many bytes all connections of a server may hold together: of lines that have not ended, or of answers that are not
/// taken.
///
/// Each connection may hold a line of the full length, or an answer; ten thousand of them at once may not.
package final class LineBudget: Sendable {
  /// A connection's first bytes do not count: honest lines and answers are short, and counting has its price.
  static let free = 64 * 1024

  /// In bytes.
  package let limit: Int
  private let held = Atomic<Int>(0)

  package init(limit: Int = 256 * 1024 * 1024) {
    self.limit = limit
  }

  /// What is held now, in bytes.
  package var total: Int { held.load(ordering: .relaxed) }

  /// Whether more than half of it is used up.
  var isTight: Bool { total > limit / 2 }

  /// - Parameter bytes: how many more, or with a minus fewer, a connection holds.
  /// - Returns: false where that is more than there may be; nothing is counted then.
  func change(by bytes: Int) -> Bool {
    let total = held.wrappingAdd(bytes, ordering: .relaxed).newValue
    guard bytes > 0, total > limit else { return true }
    held.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }
}
