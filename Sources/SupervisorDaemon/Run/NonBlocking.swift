// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// Reading and writing that never waits.
enum NonBlocking {
  enum Received {
    case bytes([UInt8])
    case nothing
    case ended
  }

  /// From a socket, whether it blocks or not.
  static func receive(_ descriptor: FileDescriptor, atMost limit: Int = 65_536) -> Received {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = recv(descriptor.rawValue, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    if count > 0 { return .bytes(Array(buffer.prefix(count))) }
    return count < 0 && [EAGAIN, EINTR].contains(errno) ? .nothing : .ended
  }

  /// From a pipe that does not block.
  static func read(_ descriptor: FileDescriptor, atMost limit: Int = 65_536) -> Received {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = Glibc.read(descriptor.rawValue, &buffer, buffer.count)
    if count > 0 { return .bytes(Array(buffer.prefix(count))) }
    return count < 0 && [EAGAIN, EINTR].contains(errno) ? .nothing : .ended
  }

  /// The number of bytes that a socket took; `nil` where it takes no more at all.
  static func send(_ descriptor: FileDescriptor, _ bytes: [UInt8]) -> Int? {
    let count = Glibc.send(descriptor.rawValue, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    if count >= 0 { return count }
    return [EAGAIN, EINTR].contains(errno) ? 0 : nil
  }
}
