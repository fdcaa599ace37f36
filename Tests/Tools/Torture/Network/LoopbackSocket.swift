// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Non-blocking TCP sockets on 127.0.0.1.
enum LoopbackSocket {
  /// Listens on a free port.
  static func listen() throws -> (descriptor: CInt, port: UInt16) {
    let descriptor = make()
    guard descriptor >= 0 else { throw TortureFailure.system("socket") }
    var (address, length) = (address(0), socklen_t(MemoryLayout<sockaddr_in>.size))
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && Glibc.listen(descriptor, 512) == 0
          ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw TortureFailure.system("listen")
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  /// Starts connecting.
  static func connect(_ port: UInt16) -> CInt? {
    let descriptor = make()
    guard descriptor >= 0 else { return nil }
    let result = withUnsafePointer(to: address(port)) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 || errno == EINPROGRESS else {
      close(descriptor)
      return nil
    }
    disableDelay(descriptor)
    return descriptor
  }

  /// Lines are small and the sender waits for each: TCP_NODELAY, tcp(7).
  static func disableDelay(_ descriptor: CInt) {
    var on: CInt = 1
    setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
  }

  private static func make() -> CInt {
    socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
  }

  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    return address
  }
}
