// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// Lines on their way to the supervisor. It never waits: what the socket does not take stays, up to 64 KiB.
struct Outgoing: Sendable {
  private static let capacity = 65_536
  private var bytes: [UInt8] = []

  var isEmpty: Bool { bytes.isEmpty }

  /// A line that would not fit is dropped whole.
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
