// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A Unix socket that listens.
package enum UnixListener {
  package struct Failure: Error {
    package let errno: Int32
  }

  package static func listen(at path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0, Glibc.listen(descriptor, 16) == 0 else { throw Failure(errno: errno) }
    return descriptor
  }

  /// Leaves a socket behind at which nobody listens.
  package static func abandon(at path: String) throws {
    close(try listen(at: path))
  }
}
