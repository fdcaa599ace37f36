// SPDX-License-Identifier: Apache-2.0

/// How much is measured.
package struct Effort: Sendable {
  package let rounds: Int
  /// Bytes of the large file.
  package let largeSize: Int
  /// Of one load of one server.
  package let load: Duration
  /// Of `openssl speed`, in whole seconds.
  package let speedSeconds: Int
  /// How often what takes milliseconds is done in a round.
  package let repetitions: Int
  /// Kills of each process, every one 2 s after the last.
  package let kills: Int

  /// At most five minutes.
  package static let full = Effort(
    rounds: 5, largeSize: 1 << 30, load: .seconds(1), speedSeconds: 2, repetitions: 10, kills: 20)
  /// At most two minutes.
  package static let quick = Effort(
    rounds: 2, largeSize: 256 << 20, load: .milliseconds(500), speedSeconds: 1, repetitions: 5, kills: 5)
  /// Restarts alone: 100 take four minutes.
  package static func restart(kills: Int) -> Effort {
    Effort(rounds: 0, largeSize: 64 << 20, load: .zero, speedSeconds: 0, repetitions: 0, kills: kills)
  }
}
