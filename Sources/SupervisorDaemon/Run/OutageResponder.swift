// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
import Glibc
import LineJSON
package import ProcessSupervision
package import SystemPackage
import WireProtocol

/// Answers connections while the child of a listening socket is down: one line, then it closes. It reads and discards input
/// for a moment, because closing with unread input would reset the connection and lose the answer: tcp(7).
package struct OutageResponder {
  private struct Closing {
    let descriptor: FileDescriptor
    let until: SuspendingClock.Instant
    var budget = 65_536
  }

  private static let maxClosing = 64
  private static let timeout = Duration.seconds(1)

  private var closing: [Closing] = []

  package init() {}

  package var descriptors: [Int32] { closing.map(\.descriptor.rawValue) }
  package var deadline: SuspendingClock.Instant? { closing.first?.until }

  /// Sends the line and half-closes.
  package mutating func answer(_ descriptor: FileDescriptor, with line: [UInt8], now: SuspendingClock.Instant) {
    _ = NonBlocking.send(descriptor, line)
    shutdown(descriptor.rawValue, Int32(SHUT_WR))
    if closing.count >= Self.maxClosing { try? closing.removeFirst().descriptor.close() }
    closing.append(Closing(descriptor: descriptor, until: now.advanced(by: Self.timeout)))
  }

  /// Discards input; closes connections that have ended, sent too much or reached their time limit.
  package mutating func closeExpired(now: SuspendingClock.Instant) {
    for index in closing.indices.reversed() where isOver(&closing[index], now: now) {
      try? closing.remove(at: index).descriptor.close()
    }
  }

  private func isOver(_ connection: inout Closing, now: SuspendingClock.Instant) -> Bool {
    guard now < connection.until else { return true }
    switch NonBlocking.receive(connection.descriptor) {
    case .nothing: return false
    case .ended: return true
    case .bytes(let bytes):
      connection.budget -= bytes.count
      return connection.budget <= 0
    }
  }

  package mutating func closeAll() {
    for connection in closing { try? connection.descriptor.close() }
    closing.removeAll()
  }
}

/// The line with which the supervisor answers on its listening sockets for a child that is down.
package struct OutageNotice: Sendable {
  private let forThisMachine: [UInt8]
  /// Without the reason, which may name files of this machine.
  private let forOthers: [UInt8]

  /// `nil` while the child serves or will within a second.
  ///
  /// - Parameters:
  ///   - reason: why it is down, a sentence: "it exited with status 1".
  ///   - prefix: of the command that starts it.
  package init?(for member: Fleet.Member, reason: String?, prefix: String = "", now: RestartMachine.Instant) {
    guard let full = Self.line(for: member, reason: reason, prefix: prefix, now: now),
      let short = Self.line(for: member, reason: nil, prefix: prefix, now: now)
    else { return nil }
    (forThisMachine, forOthers) = (full, short)
  }

  /// - Parameter address: at which the connection was accepted; `nil` for a Unix socket.
  package func line(at address: Endpoint?) -> [UInt8] {
    // Nobody elsewhere reaches a loopback address.
    address?.isLoopback ?? true ? forThisMachine : forOthers
  }

  private static func line(
    for member: Fleet.Member, reason: String?, prefix: String, now: RestartMachine.Instant
  ) -> [UInt8]? {
    guard !member.isHeld, let outage = member.machine.outage(now: now) else { return nil }
    let failure: WireFailure
    let because = reason.map { ": \($0)" } ?? ""
    switch outage {
    case .until(let instant):
      let seconds = max(1, now.duration(to: instant).components.seconds + 1)
      failure = WireFailure(
        .unavailable, "\(member.name) is down and will be restarted\(because)", retryAfter: Int(clamping: seconds))
    case .indefinite:
      let cure = "start it with: \(prefix)p2pctl supervisor start \(member.name)"
      let state = member.machine.state == .parked ? "parked after repeated failures\(because)" : "stopped"
      failure = WireFailure(
        .unavailable, "\(member.name) is \(state); \(cure)", retryAfter: indefiniteRetry,
        state: member.machine.state.rawValue)
    }
    return try? Jansson.encodeLine(failure.json(id: nil))
  }

  /// In seconds, for a child that only a person starts again: a peer finds its index soon after that.
  private static let indefiniteRetry = 5
}
