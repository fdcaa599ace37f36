// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// Reading a channel with a limit on the wait.
enum ChannelSocket {
  enum Received {
    case bytes([UInt8])
    /// The time has passed, or a signal came.
    case nothing
    case closed
  }

  static func receive(from descriptor: FileDescriptor, waitingAtMost timeout: Duration) -> Received {
    var readable = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    guard poll(&readable, 1, PollTimeout.milliseconds(timeout)) > 0 else { return .nothing }
    var chunk = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor.rawValue, &chunk, chunk.count, Int32(MSG_DONTWAIT))
    if count > 0 { return .bytes(Array(chunk[..<count])) }
    if count < 0, [EAGAIN, EINTR].contains(errno) { return .nothing }
    return .closed
  }
}
