import Synchronization

/// How many bytes of lines that have not ended all connections of a server may hold together.
///
/// Each connection may hold a line of the full length; ten thousand of them at once may not.
package final class LineBudget: Sendable {
  /// A connection's first bytes do not count: honest lines are short, and counting has its price.
  static let free = 64 * 1024

  /// In bytes.
  package let limit: Int
  private let held = Atomic<Int>(0)

  package init(limit: Int = 256 * 1024 * 1024) {
    self.limit = limit
  }

  /// What is held now, in bytes.
  package var total: Int { held.load(ordering: .relaxed) }

  /// - Parameter bytes: how many more, or with a minus fewer, a connection holds.
  /// - Returns: false where that is more than there may be; nothing is counted then.
  func change(by bytes: Int) -> Bool {
    let total = held.wrappingAdd(bytes, ordering: .relaxed).newValue
    guard bytes > 0, total > limit else { return true }
    held.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }
}
