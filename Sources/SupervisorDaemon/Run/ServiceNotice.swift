// SPDX-License-Identifier: Apache-2.0

import ProcessSupervision

/// What the manager of the service that this process is gets to hear, in the words of sd_notify(3), as decisions:
/// `ServiceManager` sends them.
package struct ServiceNotice: Sendable {
  package typealias Instant = SuspendingClock.Instant

  /// So long the manager waits for processes that neither become ready nor fail: one that hangs must not make it end
  /// those that serve.
  package static let timeout = Duration.seconds(30)

  private enum Stage { case starting, ready, stopping }

  private let readyAtLast: Instant
  private var stage = Stage.starting
  private var status = ""

  package init(now: Instant) {
    readyAtLast = now.advanced(by: Self.timeout)
  }

  /// When `next` shall be asked, if nothing else happens.
  package var deadline: Instant? { stage == .starting ? readyAtLast : nil }

  /// The next message; `nil` where there is nothing new.
  package mutating func next(for fleet: Fleet, now: Instant) -> String? {
    var lines: [String] = []
    if fleet.isEnding {
      if stage != .stopping { lines.append("STOPPING=1") }
      stage = .stopping
    } else if stage == .starting, fleet.isSettled || now >= readyAtLast {
      lines.append("READY=1")
      stage = .ready
    }
    let status = Self.status(of: fleet)
    if status != self.status { lines.append("STATUS=\(status)") }
    self.status = status
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  /// `2 of 3 processes ready; bob is parked`
  private static func status(of fleet: Fleet) -> String {
    let others = fleet.members.filter { $0.state != .ready }
    let counts = "\(fleet.members.count - others.count) of \(fleet.members.count) processes ready"
    return ([counts] + others.prefix(8).map { "\($0.name) is \($0.state.rawValue)" }).joined(separator: "; ")
  }
}
