// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What can be asked of a descriptor that came from elsewhere. A wrong number must not crash the process later.
enum InheritedSocket {
  static func isSocket(_ descriptor: Int32) -> Bool {
    option(SO_TYPE, of: descriptor) != nil
  }

  static func isListening(_ descriptor: Int32) -> Bool {
    option(SO_ACCEPTCONN, of: descriptor) == 1
  }

  static func keepFromChildren(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
  }
}
