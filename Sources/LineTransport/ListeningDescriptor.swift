// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An inherited descriptor that is no listening socket.
package struct ListenerError: Error, CustomStringConvertible {
  package let description: String
}

/// Checks on an inherited listening socket: NIO would end the process on a closed descriptor.
enum ListeningDescriptor {
  static func check(_ descriptor: CInt) throws(ListenerError) {
    guard fcntl(descriptor, F_GETFD) >= 0 else {
      throw ListenerError(description: "the inherited descriptor \(descriptor) is not open")
    }
    var listening: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0, listening == 1 else {
      throw ListenerError(description: "the inherited descriptor \(descriptor) is no listening socket")
    }
  }

  /// listen(2) on a socket that listens already only changes the length of its queue.
  static func setBacklog(_ descriptor: CInt, _ backlog: Int32) {
    _ = listen(descriptor, backlog)
  }
}
