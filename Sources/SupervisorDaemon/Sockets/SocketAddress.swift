// SPDX-License-Identifier: Apache-2.0

package import DocumentModel
package import Glibc

/// An IPv4 or IPv6 socket address: ip(7), ipv6(7).
package struct SocketAddress: Sendable {
  private let storage: sockaddr_storage
  private let length: socklen_t

  package var family: Int32 { Int32(storage.ss_family) }

  private init<Address>(_ address: Address) {
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { target in
      withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
    }
    self.storage = storage
    self.length = socklen_t(MemoryLayout<Address>.size)
  }

  /// A numeric IPv4 or IPv6 address, or `localhost`, which means 127.0.0.1. `nil` for other names.
  package init?(_ endpoint: Endpoint) {
    let host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host
    var four = in_addr()
    if inet_pton(AF_INET, host, &four) == 1 {
      self.init(
        sockaddr_in(
          sin_family: sa_family_t(AF_INET), sin_port: endpoint.port.bigEndian, sin_addr: four,
          sin_zero: (0, 0, 0, 0, 0, 0, 0, 0)))
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, host, &six) == 1 else { return nil }
    self.init(Self.ipv6(six, port: endpoint.port))
  }

  package static func anyIPv4(port: UInt16) -> SocketAddress {
    SocketAddress(
      sockaddr_in(
        sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian, sin_addr: in_addr(s_addr: 0),
        sin_zero: (0, 0, 0, 0, 0, 0, 0, 0)))
  }

  package static func anyIPv6(port: UInt16) -> SocketAddress {
    SocketAddress(ipv6(in6_addr(), port: port))
  }

  private static func ipv6(_ address: in6_addr, port: UInt16) -> sockaddr_in6 {
    sockaddr_in6(
      sin6_family: sa_family_t(AF_INET6), sin6_port: port.bigEndian, sin6_flowinfo: 0, sin6_addr: address,
      sin6_scope_id: 0)
  }

  /// The address to which a socket is bound: getsockname(2).
  package static func local(of descriptor: Int32) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return result == 0 ? SocketAddress(storage) : nil
  }

  /// The numeric address; `nil` for a Unix socket.
  package var endpoint: Endpoint? {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    var port: UInt16 = 0
    let isNamed = withUnsafeBytes(of: storage) { bytes -> Bool in
      switch family {
      case AF_INET:
        var address = bytes.loadUnaligned(as: sockaddr_in.self)
        port = UInt16(bigEndian: address.sin_port)
        return inet_ntop(AF_INET, &address.sin_addr, &text, socklen_t(text.count)) != nil
      case AF_INET6:
        var address = bytes.loadUnaligned(as: sockaddr_in6.self)
        port = UInt16(bigEndian: address.sin6_port)
        return inet_ntop(AF_INET6, &address.sin6_addr, &text, socklen_t(text.count)) != nil
      default:
        return false
      }
    }
    guard isNamed else { return nil }
    let digits = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return Endpoint(host: String(decoding: digits, as: UTF8.self), port: port)
  }

  package func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}
