// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Checks on a descriptor that another process passed by number. A wrong number must be refused, not crash later.
package enum InheritedSocket {
  package static func isOpen(_ descriptor: CInt) -> Bool {
    fcntl(descriptor, F_GETFD) >= 0
  }

  package static func isSocket(_ descriptor: CInt) -> Bool {
    option(SO_TYPE, of: descriptor) != nil
  }

  /// Whether listen(2) was called on it: SO_ACCEPTCONN in socket(7).
  package static func isListening(_ descriptor: CInt) -> Bool {
    option(SO_ACCEPTCONN, of: descriptor) == 1
  }

  /// Sets close-on-exec.
  package static func keepFromChildren(_ descriptor: CInt) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  private static func option(_ name: CInt, of descriptor: CInt) -> CInt? {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
  }
}
