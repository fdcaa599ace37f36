// SPDX-License-Identifier: Apache-2.0

import DocumentModel
import Glibc
import LineJSON
import ProcessSupport
import SystemPackage
import WireProtocol

/// Checks whether an index listens at an address.
package enum IndexProbe {
  /// Sends `hello` as a peer that only looks up, and waits up to `timeout` for the answer.
  package static func answers(at address: SocketAddress, timeout: Duration = .seconds(2)) -> Bool {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let number = socket(address.family, type, 0)
    guard number >= 0 else { return false }
    let descriptor = FileDescriptor(rawValue: number)
    defer { try? descriptor.close() }
    let deadline = SuspendingClock.now.advanced(by: timeout)
    let connected = address.withPointer { connect(number, $0, $1) } == 0
    guard connected || errno == EINPROGRESS, wait(number, for: POLLOUT, until: deadline),
      let hello = try? Jansson.encodeLine(hello), send(number, hello, hello.count, Int32(MSG_NOSIGNAL)) == hello.count
    else { return false }
    var lines = LineSplitter(maximumLength: 65_536)
    while wait(number, for: POLLIN, until: deadline) {
      var chunk = [UInt8](repeating: 0, count: 4_096)
      let count = recv(number, &chunk, chunk.count, 0)
      guard count > 0 else { return false }
      lines.append(Array(chunk[..<count]))
      guard let line = try? lines.next() else { continue }
      return isIndex(line)
    }
    return false
  }

  private static let hello: JSONValue = [
    "id": 1, "op": "hello", "protocol": .integer(ProtocolVersion.wire),
    "peer": .string(String(repeating: "0", count: 64)), "name": "probe",
  ]

  static func isIndex(_ line: [UInt8]) -> Bool {
    guard let reply = try? Jansson.decode(line) else { return false }
    return reply["server"]?.string?.hasPrefix("p2p-index/") == true
  }

  private static func wait(_ descriptor: Int32, for events: Int32, until deadline: SuspendingClock.Instant) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&waiting, 1, PollTimeout.milliseconds(until: deadline, now: SuspendingClock.now)) == 1
  }
}
