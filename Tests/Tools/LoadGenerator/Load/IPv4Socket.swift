// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Blocking TCP sockets in the network namespace of the calling thread.
enum IPv4Socket {
  static func listen(_ host: String, port: UInt16 = 0) throws -> CInt {
    let descriptor = try make()
    var on: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    let result = withAddress(host, port) { bind(descriptor, $0, $1) }
    guard result == 0, Glibc.listen(descriptor, 64) == 0 else {
      defer { close(descriptor) }
      throw BenchFailure.system("listen at \(host):\(port)")
    }
    return descriptor
  }

  /// - Parameters:
  ///   - source: the local address; its port is chosen together with the target, so that there are many.
  ///   - isBlocking: if not, the connection is made in the background.
  static func connect(
    _ host: String, port: UInt16, from source: String? = nil, isBlocking: Bool = true
  ) throws -> CInt {
    let descriptor = try make()
    if !isBlocking { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    if let source {
      var on: CInt = 1
      setsockopt(descriptor, CInt(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &on, socklen_t(MemoryLayout<CInt>.size))
      _ = withAddress(source, 0) { bind(descriptor, $0, $1) }
    }
    let result = withAddress(host, port) { Glibc.connect(descriptor, $0, $1) }
    guard result == 0 || (!isBlocking && errno == EINPROGRESS) else {
      defer { close(descriptor) }
      throw BenchFailure.system("connect to \(host):\(port)")
    }
    return descriptor
  }

  /// The local port.
  static func port(of descriptor: CInt) throws -> UInt16 {
    var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { throw BenchFailure.system("getsockname") }
    return UInt16(bigEndian: address.sin_port)
  }

  private static func make() throws -> CInt {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw BenchFailure.system("socket") }
    return descriptor
  }

  private static func withAddress<Result>(
    _ host: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    return withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
