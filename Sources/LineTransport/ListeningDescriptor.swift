// SPDX-License-Identifier: Apache-2.0

import Glibc
import POSIXSupport

/// A descriptor or a path that cannot be listened on.
package struct ListenerError: Error, CustomStringConvertible {
  package let description: String
}

/// Checks on an inherited listening socket: NIO would end the process on a closed descriptor.
enum ListeningDescriptor {
  static func check(_ descriptor: CInt) throws(ListenerError) {
    guard InheritedSocket.isOpen(descriptor) else {
      throw ListenerError(description: "the inherited descriptor \(descriptor) is not open")
    }
    guard InheritedSocket.isListening(descriptor) else {
      throw ListenerError(description: "the inherited descriptor \(descriptor) is not a listening socket")
    }
  }

  /// listen(2) on a socket that listens already only changes the length of its queue.
  static func setBacklog(_ descriptor: CInt, _ backlog: Int32) {
    _ = listen(descriptor, backlog)
  }
}
