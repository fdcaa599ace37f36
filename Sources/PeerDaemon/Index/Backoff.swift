// SPDX-License-Identifier: Apache-2.0

/// How long to wait before the next try to reach the index: nothing after a connection that held, then 100 ms doubling to
/// 3 s, each with jitter, so that a thousand peers do not come back in the same instant.
package struct ReconnectBackoff: Sendable {
  package static let first = Duration.milliseconds(100)
  package static let longest = Duration.seconds(3)
  /// A connection that held this long was a good one.
  package static let goodConnection = Duration.seconds(3)

  private var failures = 0

  package init() {}

  /// The wait before the next try, after a connection that held for `held`; `nil` where there was none.
  package mutating func next(afterHolding held: Duration?, using random: inout some RandomNumberGenerator) -> Duration {
    if let held, held >= Self.goodConnection { failures = 0 }
    defer { failures = min(failures + 1, 16) }
    guard failures > 0 else { return .zero }
    var wait = Self.first
    for _ in 1..<failures where wait < Self.longest { wait = min(wait * 2, Self.longest) }
    return wait * Double.random(in: 0.5...1, using: &random)
  }

  package mutating func reset() {
    failures = 0
  }
}
