// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The addresses of this machine's network interfaces that are up: getifaddrs(3).
package enum InterfaceAddresses {
  /// Numeric texts, each once, in the order of the system.
  package static func all() -> [String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var texts: [String] = []
    var next = first
    while let interface = next {
      next = interface.pointee.ifa_next
      guard interface.pointee.ifa_flags & UInt32(IFF_UP) != 0, let address = interface.pointee.ifa_addr,
        let text = text(of: address), !texts.contains(text)
      else { continue }
      texts.append(text)
    }
    return texts
  }

  /// `nil` for families other than IPv4 and IPv6.
  private static func text(of address: UnsafePointer<sockaddr>) -> String? {
    let family = Int32(address.pointee.sa_family)
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let written: UnsafePointer<CChar>?
    switch family {
    case AF_INET:
      written = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
        withUnsafePointer(to: address.pointee.sin_addr) { inet_ntop(family, $0, &text, socklen_t(text.count)) }
      }
    case AF_INET6:
      written = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
        withUnsafePointer(to: address.pointee.sin6_addr) { inet_ntop(family, $0, &text, socklen_t(text.count)) }
      }
    default: return nil
    }
    guard written != nil else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
