// SPDX-License-Identifier: Apache-2.0

import LineJSON
package import ProcessSupervision
import WireProtocol

/// The one line with which the supervisor answers, on the sockets that it holds, for a child that is not there.
package enum OutageNotice {
  /// `nil` while the child serves or soon will.
  ///
  /// - Parameters:
  ///   - reason: why it is not there, a sentence: "it exited with status 1".
  package static func line(
    for member: Fleet.Member, reason: String?, now: RestartMachine.Instant
  ) -> [UInt8]? {
    guard !member.isHeld, let outage = member.machine.outage(now: now) else { return nil }
    let failure: WireFailure
    let because = reason.map { ": \($0)" } ?? ""
    switch outage {
    case .until(let instant):
      let seconds = max(1, now.duration(to: instant).components.seconds + 1)
      failure = WireFailure(
        .unavailable, "\(member.name) is down and will be tried again\(because)", retryAfter: Int(clamping: seconds))
    case .indefinite:
      let cure = "p2pctl supervisor restart starts it again"
      let state = member.machine.state == .parked ? "given up\(because)" : "stopped"
      failure = WireFailure(.unavailable, "\(member.name) is \(state); \(cure)", retryAfter: indefiniteRetry)
    }
    return try? Jansson.encodeLine(failure.json(id: nil))
  }

  /// In seconds: nobody knows when somebody will start it.
  private static let indefiniteRetry = 30
}
