// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
import SystemPackage

/// Reads a channel with a limit on the wait.
enum ChannelSocket {
  /// Descriptors taken in one call; further ones are closed.
  private static let maxDescriptors = 4

  enum Received {
    /// With the descriptors that came along.
    case bytes([UInt8], [FileDescriptor])
    /// The time has passed, or a signal came.
    case nothing
    case closed
  }

  static func receive(from descriptor: FileDescriptor, timeout: Duration) -> Received {
    var readable = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    guard poll(&readable, 1, PollTimeout.milliseconds(timeout)) > 0 else { return .nothing }
    var chunk = [UInt8](repeating: 0, count: 4_096)
    var passed = [CInt](repeating: -1, count: maxDescriptors)
    var found = 0
    let count = socket_receive_descriptors(descriptor.rawValue, &chunk, chunk.count, &passed, passed.count, &found)
    guard count > 0 else { return count == -Int64(EAGAIN) ? .nothing : .closed }
    return .bytes(Array(chunk.prefix(Int(count))), passed.prefix(found).map { FileDescriptor(rawValue: $0) })
  }
}

/// Lines on their way to the supervisor. It never waits: bytes that the socket does not take stay, up to 64 KiB.
struct Outgoing: Sendable {
  private static let capacity = 65_536
  private var bytes: [UInt8] = []

  var isEmpty: Bool { bytes.isEmpty }

  /// A line that does not fit is dropped whole.
  mutating func append(_ line: [UInt8]) {
    guard bytes.count + line.count <= Self.capacity else { return }
    bytes += line
  }

  mutating func flush(to descriptor: FileDescriptor) {
    while !bytes.isEmpty {
      let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
      let count = send(descriptor.rawValue, bytes, bytes.count, flags)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes.removeFirst(count)
    }
  }
}

/// The timeout argument of poll(2): whole milliseconds, rounded up, because a rest below one would be spent in a busy loop.
package enum PollTimeout {
  /// - Parameter deadline: `nil` waits without a limit, −1.
  package static func milliseconds(until deadline: SuspendingClock.Instant?, now: SuspendingClock.Instant) -> Int32 {
    deadline.map { milliseconds(now.duration(to: $0)) } ?? -1
  }

  /// 0 for a negative duration.
  package static func milliseconds(_ duration: Duration) -> Int32 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return Int32(clamping: min(seconds, 1_000_000) * 1_000 + rest)
  }
}
