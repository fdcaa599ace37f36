// SPDX-License-Identifier: Apache-2.0

/// When a peer that has lost its index tries again: at once, then after 100 ms doubling to 3 s, of which chance takes up
/// to half.
package enum ReconnectDelay {
  /// - Parameter random: from 0 to 1.
  package static func milliseconds(afterFailures failures: Int, random: Double) -> Int {
    guard failures > 0 else { return 0 }
    let longest = min(3_000, 100 << min(failures - 1, 5))
    return longest - Int(Double(longest) * max(0, min(1, random)) / 2)
  }
}
