// SPDX-License-Identifier: Apache-2.0

/// Follows a listing from page to page, to its end or to the number of rows that was asked for.
package struct Rows: Sendable {
  /// Rows that have been taken.
  package private(set) var count = 0
  /// Where the next page begins; `nil` for the first.
  package private(set) var cursor: String?
  /// Pages in a row that may bring nothing: an index ends a page after so much work, but a list has an end.
  package static let maxEmptyPages = 100_000

  private let limit: Int?
  private var isAtEnd = false
  private var emptyPages = 0

  /// - Parameter limit: `nil` for all.
  package init(limit: Int?) {
    self.limit = limit
  }

  /// How many rows to ask for; `nil` at the end.
  package func nextPage(_ most: Int) -> Int? {
    let left = limit.map { $0 - count } ?? most
    return isAtEnd || left <= 0 ? nil : min(left, most)
  }

  /// - Returns: the rows, cut to what is still wanted.
  package mutating func take<Row>(_ rows: [Row], next: String?) -> ArraySlice<Row> {
    let taken = rows.prefix(limit.map { max($0 - count, 0) } ?? rows.count)
    count += taken.count
    // The same place twice would be a circle: an index that is broken, or lies.
    emptyPages = rows.isEmpty ? emptyPages + 1 : 0
    isAtEnd = next == nil || next == cursor || emptyPages == Self.maxEmptyPages
    cursor = next
    return taken
  }
}
