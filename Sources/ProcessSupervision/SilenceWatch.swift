// SPDX-License-Identifier: Apache-2.0

/// Decides when a silent child counts as hung. The first check gives no verdict: the child gets `grace` to send a sign of life after
/// the supervisor itself has certainly run, because both may have been stopped or suspended together. A starved machine
/// postpones the verdict.
struct SilenceWatch: Sendable {
  typealias Instant = RestartMachine.Instant

  enum Verdict: Equatable { case waiting, hung }

  /// Time between the first check and the verdict.
  static let grace = Duration.seconds(5)
  /// Time until the next verdict, after one that a starved machine prevented.
  static let postponement = Duration.seconds(10)

  private(set) var lastSign: Instant
  /// When the verdict is due; `nil` before the first check.
  private var verdict: Instant?

  init(now: Instant) {
    lastSign = now
  }

  mutating func heard(now: Instant) {
    lastSign = now
    verdict = nil
  }

  /// When to call `check` next.
  func deadline(limit: Duration) -> Instant {
    verdict ?? lastSign.advanced(by: limit - Self.grace)
  }

  /// Call it at `deadline`.
  /// - Parameter isStarved: called only if the child is hung unless the machine explains its silence.
  mutating func check(now: Instant, limit: Duration, isStarved: () -> Bool) -> Verdict {
    guard let due = verdict else {
      verdict = max(lastSign.advanced(by: limit), now.advanced(by: Self.grace))
      return .waiting
    }
    guard now >= due else { return .waiting }
    guard !isStarved() else {
      verdict = now.advanced(by: Self.postponement)
      return .waiting
    }
    heard(now: now)
    return .hung
  }
}
