// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport
import ProcessSupervision

/// The socket of the service manager that started this process: sd_notify(3). Each message is one datagram.
struct ServiceManager {
  private let address: UnixSocketAddress

  /// - Parameter socket: the value of `NOTIFY_SOCKET`: a path, or `@` and an abstract name. `nil` for other values.
  init?(socket: String) {
    let address =
      switch socket.first {
      case "/": try? UnixSocketAddress(path: socket)
      case "@": UnixSocketAddress(abstractName: String(socket.dropFirst()))
      default: UnixSocketAddress?.none
      }
    guard let address else { return nil }
    self.address = address
  }

  /// Never blocks. A message that does not fit is lost; the next change sends the state again.
  func send(_ message: String) {
    let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(message.utf8)
    _ = address.withPointer { sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
  }
}

/// Decides which messages of sd_notify(3) to send; `ServiceManager` sends them.
package struct ServiceNotice: Sendable {
  package typealias Instant = SuspendingClock.Instant

  /// READY=1 is sent after this time at the latest: the manager must not stop everything because one process hangs.
  package static let timeout = Duration.seconds(30)

  private enum Phase { case starting, ready, stopping }

  private let readyDeadline: Instant
  private var phase = Phase.starting
  private var status = ""

  package init(now: Instant) {
    readyDeadline = now.advanced(by: Self.timeout)
  }

  /// When to call `next`, if no event comes first.
  package var deadline: Instant? { phase == .starting ? readyDeadline : nil }

  /// The next message; `nil` if nothing has changed.
  package mutating func next(for fleet: Fleet, now: Instant) -> String? {
    var lines: [String] = []
    if fleet.isEnding {
      if phase != .stopping { lines.append("STOPPING=1") }
      phase = .stopping
    } else if phase == .starting, fleet.isSettled || now >= readyDeadline {
      lines.append("READY=1")
      phase = .ready
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
