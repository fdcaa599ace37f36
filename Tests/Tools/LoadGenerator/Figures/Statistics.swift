// SPDX-License-Identifier: Apache-2.0

/// What can be said of values that were measured several times.
package struct Statistics: Equatable, Sendable {
  private let ascending: [Double]

  /// - Returns: `nil` where nothing was measured.
  package init?(_ values: some Sequence<Double>) {
    ascending = values.filter { !$0.isNaN }.sorted()
    guard !ascending.isEmpty else { return nil }
  }

  package var count: Int { ascending.count }
  package var least: Double { ascending.first ?? .nan }
  package var most: Double { ascending.last ?? .nan }

  /// The middle value; of an even number the mean of the two in the middle.
  package var median: Double { percentile(50) }

  /// Between two values, as far as the rank lies between theirs (method 7 of Hyndman and Fan, 1996).
  /// - Parameter percent: 0 is the least, 100 the most; what lies outside counts as the nearer of them.
  package func percentile(_ percent: Double) -> Double {
    let rank = max(0, min(1, percent / 100)) * Double(ascending.count - 1)
    let lower = Int(rank)
    let upper = min(lower + 1, ascending.count - 1)
    return ascending[lower] + (ascending[upper] - ascending[lower]) * (rank - Double(lower))
  }
}
