// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The rate of the last seconds.
package struct RateMeter: Sendable {
  /// Seconds that count, the current one included.
  private static let window: Int64 = 5
  /// A shorter time says nothing yet.
  private static let minimumTime = 0.25

  private let start: NIODeadline
  /// Bytes by second, the second modulo `window`.
  private var bytes = [Int64](repeating: 0, count: Int(window))
  /// The last second with a slot.
  private var second: Int64 = 0

  package init(start: NIODeadline) {
    self.start = start
  }

  package mutating func add(_ count: Int64, at now: NIODeadline) {
    advance(to: now)
    let slot = Int(second % Self.window)
    bytes[slot] = bytes[slot].addingReportingOverflow(count).partialValue
  }

  /// Bytes per second.
  package func rate(at now: NIODeadline) -> Int64 {
    var current = self
    current.advance(to: now)
    let elapsed = Double((now - start).nanoseconds) / 1e9
    let covered = min(elapsed, Double(Self.window - 1) + elapsed - elapsed.rounded(.down))
    let sum = current.bytes.reduce(0.0) { $0 + Double($1) }
    return Int64(exactly: (sum / max(covered, Self.minimumTime)).rounded()) ?? 0
  }

  /// Clears the slots of the seconds that have begun since.
  private mutating func advance(to now: NIODeadline) {
    let current = max(second, (now - start).nanoseconds / 1_000_000_000)
    for late in max(second + 1, current - Self.window + 1)...max(second + 1, current) where late <= current {
      bytes[Int(late % Self.window)] = 0
    }
    second = current
  }
}
