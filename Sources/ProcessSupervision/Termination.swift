// SPDX-License-Identifier: Apache-2.0

/// How a process ended: wait(2).
package enum Termination: Sendable, Hashable {
  /// By itself, with a status of 0…255.
  case exited(Int32)
  /// By a signal.
  case signaled(Int32)
  /// In a way that nobody can tell any more: somebody else has taken its status.
  case unknown
  /// It was never started, for the reason given.
  case notStarted(String)
}

extension Termination: CustomStringConvertible {
  /// A sentence part: "exited with status 1".
  package var description: String {
    switch self {
    case .exited(let status): "exited with status \(status)"
    case .signaled(let signal): "was ended by signal \(signal)"
    case .unknown: "ended, and nobody can tell how"
    case .notStarted(let reason): "could not be started: \(reason)"
    }
  }
}
