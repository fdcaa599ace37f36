// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// The limits of one connection.
package struct LineLimits: Sendable {
  /// Maximum length of a line in bytes, without its newline.
  package var line: Int
  /// Answers are written once they reach this many bytes.
  package var outputChunk = 256 * 1024
  /// A connection whose reader takes nothing for this long is closed.
  package var writeStall: TimeAmount = .seconds(30)
  /// The same while more than half of the server's budget for answers is used.
  package var tightWriteStall: TimeAmount = .seconds(2)
  /// How long a connection waits after a line that may have taken long.
  package var pause: TimeAmount = .microseconds(100)
  /// How long and how much input is discarded after the last answer: a reset would lose that answer.
  package var discardTime: TimeAmount = .seconds(1)
  package var discardBytes = 8 * 1024 * 1024

  package init(line: Int) {
    self.line = line
  }
}

/// Bounds the bytes that all connections of a server hold together: of lines that have not ended, or of answers that are
/// not taken. The limits of each connection allow a full line or answer each; this caps the sum.
package final class LineBudget: Sendable {
  /// A connection's first bytes are not counted: honest lines and answers are short, and counting has a price.
  package static let free = 64 * 1024

  /// In bytes.
  package let limit: Int
  private let held = Atomic<Int>(0)

  package init(limit: Int = 256 * 1024 * 1024) {
    self.limit = limit
  }

  /// In bytes.
  package var total: Int { held.load(ordering: .relaxed) }

  /// Whether more than half of it is used.
  package var isTight: Bool { total > limit / 2 }

  /// - Parameter bytes: how many more bytes a connection holds; negative for fewer.
  /// - Returns: false if the limit would be exceeded; nothing is counted then.
  fileprivate func change(by bytes: Int) -> Bool {
    let total = held.wrappingAdd(bytes, ordering: .relaxed).newValue
    guard bytes > 0, total > limit else { return true }
    held.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }
}

/// What one connection holds of a budget. `release` it at the end.
package struct LineBudgetShare {
  private let budget: LineBudget?
  /// In bytes, those that are not counted left out.
  private var counted = 0

  /// - Parameter budget: `nil` for no limit.
  package init(of budget: LineBudget?) {
    self.budget = budget
  }

  package var isLimited: Bool { budget != nil }
  package var isEmpty: Bool { counted == 0 }

  /// Whether more than half of the whole budget is used.
  package var isTight: Bool { budget?.isTight ?? false }

  /// - Parameter bytes: everything that the connection holds now.
  /// - Returns: false if the budget would be exceeded; the share stays as it was then.
  package mutating func hold(_ bytes: Int) -> Bool {
    let wanted = max(0, bytes - LineBudget.free)
    guard wanted != counted, let budget else { return true }
    guard budget.change(by: wanted - counted) else { return false }
    counted = wanted
    return true
  }

  package mutating func release() {
    _ = hold(0)
  }
}
