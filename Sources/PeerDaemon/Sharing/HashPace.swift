// SPDX-License-Identifier: Apache-2.0

/// Limits how often a file that keeps changing is hashed: a twentieth of the time at most.
package struct HashPace: Sendable {
  /// The pause after hashing a file is this many times the time that it took.
  package static let factor = 20
  /// Files that are remembered; those whose pause is over are forgotten first.
  private static let maxFiles = 10_000

  private var due: [String: ContinuousClock.Instant] = [:]

  package init() {}

  /// - Returns: how long to wait before the file is hashed; `nil` if it may be hashed now.
  package func pause(for path: String, at now: ContinuousClock.Instant) -> Duration? {
    guard let due = due[path], due > now else { return nil }
    return due - now
  }

  /// - Parameter time: how long hashing took.
  package mutating func hashed(_ path: String, in time: Duration, at now: ContinuousClock.Instant) {
    if self.due.count >= Self.maxFiles { self.due = self.due.filter { $0.value > now } }
    if self.due.count >= Self.maxFiles { self.due = [:] }
    due[path] = now + time * Self.factor
  }
}
