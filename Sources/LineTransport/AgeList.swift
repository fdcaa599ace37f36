// SPDX-License-Identifier: Apache-2.0

/// Numbers in the order in which they were appended. Every operation takes the same time, however many there are.
package struct AgeList {
  /// 0 for none.
  private struct Neighbours {
    var older: UInt64
    var newer: UInt64
  }

  private var neighbours: [UInt64: Neighbours] = [:]
  private var first: UInt64 = 0
  private var last: UInt64 = 0

  package init() {}

  package var isEmpty: Bool { neighbours.isEmpty }
  package var count: Int { neighbours.count }
  package var oldest: UInt64? { first == 0 ? nil : first }

  /// - Parameter number: not 0, and not in the list.
  package mutating func append(_ number: UInt64) {
    neighbours[number] = Neighbours(older: last, newer: 0)
    if last == 0 { first = number } else { neighbours[last]?.newer = number }
    last = number
  }

  package mutating func remove(_ number: UInt64) {
    guard let removed = neighbours.removeValue(forKey: number) else { return }
    if removed.older == 0 { first = removed.newer } else { neighbours[removed.older]?.newer = removed.newer }
    if removed.newer == 0 { last = removed.older } else { neighbours[removed.newer]?.older = removed.older }
  }
}
