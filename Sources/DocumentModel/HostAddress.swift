// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An IP address, whatever it was written like.
///
/// An IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address.
package struct HostAddress: Hashable, Sendable {
  /// In network order: 4 or 16.
  let bytes: [UInt8]

  /// `nil` for names, zones and everything else that inet_pton(3) does not take.
  package init?(_ text: String) {
    if let bytes = Self.read(text, AF_INET, length: 4) {
      self.bytes = bytes
    } else if let bytes = Self.read(text, AF_INET6, length: 16) {
      self.bytes = bytes.starts(with: Self.mappedPrefix) ? Array(bytes.dropFirst(12)) : bytes
    } else {
      return nil
    }
  }

  /// The one way in which it is written to others.
  package var text: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether peers on other machines and other links can mean the same host by it: no loopback, link-local,
  /// unspecified, multicast or broadcast address.
  package var isGlobalUnicast: Bool {
    switch (bytes.count, bytes[0]) {
    case (4, 0), (4, 127), (4, 224...255): false
    case (4, 169): bytes[1] != 254
    case (16, 0xFE): bytes[1] & 0xC0 != 0x80
    case (16, 0xFF): false
    case (16, 0): bytes.dropLast().contains { $0 != 0 }
    default: true
    }
  }

  private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

  private static func read(_ text: String, _ family: CInt, length: Int) -> [UInt8]? {
    // A C string ends at its first NUL: what comes after it would not be looked at.
    guard !text.utf8.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: length)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
  }
}
