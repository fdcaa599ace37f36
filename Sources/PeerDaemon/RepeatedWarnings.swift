// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Decides which log lines of a lasting fault to write: the first of each kind, then one an hour with the number of those
/// left out.
package struct RepeatedWarnings: Sendable {
  package enum Verdict: Equatable, Sendable {
    case write
    /// - Parameter repeats: how many there were since the last one, this one included.
    case writeAgain(repeats: Int)
    case leaveOut
  }

  package static let interval = TimeAmount.hours(1)

  private var written: [String: (time: NIODeadline, leftOut: Int)] = [:]

  package init() {}

  /// - Parameter kind: one of a closed list, without text from outside.
  package mutating func judge(_ kind: String, at now: NIODeadline) -> Verdict {
    guard let last = written[kind] else {
      written[kind] = (now, 0)
      return .write
    }
    guard now - last.time >= Self.interval else {
      written[kind] = (last.time, last.leftOut + 1)
      return .leaveOut
    }
    written[kind] = (now, 0)
    return .writeAgain(repeats: last.leftOut + 1)
  }

  /// The fault is over: the next one is a new one.
  package mutating func forget() {
    written = [:]
  }
}
