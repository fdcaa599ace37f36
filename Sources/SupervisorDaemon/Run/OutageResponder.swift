// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// Answers on a held listening socket while its child is away: one line, then the end. It reads and throws away what
/// the caller sends for a moment, since closing with unread input would take the answer back: tcp(7).
struct OutageResponder {
  private struct Farewell {
    let descriptor: FileDescriptor
    let until: SuspendingClock.Instant
    var budget = 65_536
  }

  private static let maxFarewells = 64
  private static let timeout = Duration.seconds(1)

  private var farewells: [Farewell] = []

  var descriptors: [Int32] { farewells.map(\.descriptor.rawValue) }
  var deadline: SuspendingClock.Instant? { farewells.first?.until }

  /// Sends the line and half-closes.
  mutating func answer(_ descriptor: FileDescriptor, with line: [UInt8], now: SuspendingClock.Instant) {
    _ = NonBlocking.send(descriptor, line)
    shutdown(descriptor.rawValue, Int32(SHUT_WR))
    if farewells.count >= Self.maxFarewells { try? farewells.removeFirst().descriptor.close() }
    farewells.append(Farewell(descriptor: descriptor, until: now.advanced(by: Self.timeout)))
  }

  /// Reads what came; closes who has closed, sent too much or had their time.
  mutating func tidy(now: SuspendingClock.Instant) {
    for index in farewells.indices.reversed() where isOver(&farewells[index], now: now) {
      try? farewells.remove(at: index).descriptor.close()
    }
  }

  private func isOver(_ farewell: inout Farewell, now: SuspendingClock.Instant) -> Bool {
    guard now < farewell.until else { return true }
    switch NonBlocking.receive(farewell.descriptor) {
    case .nothing: return false
    case .ended: return true
    case .bytes(let bytes):
      farewell.budget -= bytes.count
      return farewell.budget <= 0
    }
  }

  mutating func closeAll() {
    for farewell in farewells { try? farewell.descriptor.close() }
    farewells.removeAll()
  }
}
