// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Decides which log lines of a lasting fault to write: the first of each kind, then one an hour with the number of those
/// left out. The end of a fault is written if the fault was, so the last line always says how things are.
package struct RepeatedWarnings: Sendable {
  package enum Verdict: Equatable, Sendable {
    case write
    /// - Parameter repeats: how many there were since the last one, this one included.
    case writeAgain(repeats: Int)
    case leaveOut
  }

  package static let interval = TimeAmount.hours(1)
  /// A fault is left out no longer than this while the last line says that it is over.
  package static let maxContradiction = TimeAmount.seconds(30)

  private var written: [String: (time: NIODeadline, leftOut: Int)] = [:]
  private var saysOver = false
  /// The first fault that was left out although the last line says that it is over.
  private var contradictedSince: NIODeadline?

  package init() {}

  /// - Parameter kind: one of a closed list, without text from outside.
  package mutating func judge(_ kind: String, at now: NIODeadline) -> Verdict {
    guard let last = written[kind] else {
      note(kind, at: now)
      return .write
    }
    guard now - last.time >= Self.interval || isContradicted(at: now) else {
      written[kind] = (last.time, last.leftOut + 1)
      return .leaveOut
    }
    note(kind, at: now)
    return .writeAgain(repeats: last.leftOut + 1)
  }

  private mutating func note(_ kind: String, at now: NIODeadline) {
    written[kind] = (now, 0)
    (saysOver, contradictedSince) = (false, nil)
  }

  private mutating func isContradicted(at now: NIODeadline) -> Bool {
    guard saysOver else { return false }
    let since = contradictedSince ?? now
    contradictedSince = since
    return now - since >= Self.maxContradiction
  }

  /// The fault is over for now.
  /// - Returns: whether to write that: not if the last line says so.
  package mutating func recovered() -> Bool {
    defer { (saysOver, contradictedSince) = (true, nil) }
    return !saysOver
  }

  /// The fault has been over for long: the next one is a new one.
  package mutating func forget() {
    written = [:]
  }
}
